"""The same hyperparameters for both sides, whatever the candidate's constructor calls them."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError, did_you_mean
from torch_ref.lockstep.candidates.reference import SCHEDULE, Reference
from torch_ref.registry import spellings
from torch_ref.registry.pairs import Names

Settings = dict[str, Any]


@dataclass(frozen=True)
class Mapped:
    """One hyperparameter: its name on either side ("" where a side lacks it) and the value.

    >>> print(Mapped("learning_rate", "lr", 0.001, "your default"))
    learning_rate → lr = 0.001 (your default)
    """

    mine: str
    theirs: str
    value: Any
    source: str

    def __str__(self) -> str:
        names = dict.fromkeys(name for name in (self.mine, self.theirs) if name)
        return f"{' → '.join(names)} = {self.value!r} ({self.source})"


@dataclass
class Match:
    """The settings for either side, and how they came about."""

    mine: Settings = field(default_factory=dict)
    theirs: Settings = field(default_factory=dict)
    mapped: list[Mapped] = field(default_factory=list)

    def add(self, mine: Settings, theirs: Settings, value: Any, source: str) -> None:
        self.mine |= mine
        self.theirs |= theirs
        self.mapped.append(Mapped(", ".join(mine), ", ".join(theirs), value, source))


def parse(arguments: Iterable[str]) -> Settings:
    """The values of ``name=value`` texts: Python literals, and nothing is evaluated.

    Raises:
        CandidateError: a text is not like that, or one name comes twice.

    >>> parse(["lr=0.01", "betas=(0.9, 0.99)", "amsgrad=True", "nonlinearity=relu"])
    {'lr': 0.01, 'betas': (0.9, 0.99), 'amsgrad': True, 'nonlinearity': 'relu'}
    """
    found: Settings = {}
    for text in arguments:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier():
            raise CandidateError(f"--arg takes name=value, like lr=0.01, got {text!r}")
        if name in found:
            raise CandidateError(f"--arg {name} is given twice")
        value = value.strip()
        try:
            # A bare word is a text: a shell takes the quotes of nonlinearity="relu" away.
            word = value.isidentifier() and value not in ("True", "False", "None")
            found[name] = value if word else ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise CandidateError(
                f"--arg {name} takes a number, True, False, None, a word or a tuple of these, "
                f"got {value!r}"
            ) from None
    return found


def match(candidate: Candidate, theirs: Reference, args: Settings) -> Match:
    """Give both sides the same values: an argument, else the candidate's default, else torch's.

    Args:
        candidate: whose constructor's arguments are looked at.
        theirs: the optimizer that it is checked against.
        args: under either side's names.

    Raises:
        CandidateError: an argument that neither side takes, or one that the candidate needs.
    """
    taken, torchs = candidate.parameters(), theirs.parameters()
    catch_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    taken = {name: p for name, p in taken.items() if p.kind is not p.VAR_KEYWORD}
    if not catch_all:
        _refuse_unknown(candidate, theirs, args, taken)
    own = theirs.optimizer.spellings if theirs.optimizer else {}
    matching = _Matching(theirs.owner, dict(args))
    result, rest = matching.result, matching.rest
    counterparts = {names[0]: (mine, names) for mine, names in _counterparts(taken, torchs, own)}
    for name in torchs:
        if name in counterparts:
            mine, names = counterparts[name]
            matching.add({n: taken[n] for n in mine}, {n: torchs[n] for n in names})
        elif name in rest:
            value = rest.pop(name)
            alone = f"{theirs.owner} alone: {candidate.name} {_why(candidate)}"
            both = {name: value} if catch_all else {}
            result.add(both, {name: value}, value, "--arg" if catch_all else alone)
    for name, value in rest.items():
        alone = f"{candidate.name} alone: {theirs.owner} does not take it"
        result.add({name: value}, {}, value, alone)
    _refuse_missing(candidate, taken, result.mine, theirs.owner)
    return result


def own_defaults(candidate: Candidate, theirs: Reference, args: Settings) -> list[Mapped]:
    """The candidate's defaults, where no argument replaces them, of what torch takes too.

    Args:
        candidate: an initializer or a schedule.
        theirs: what it is checked against.
        args: what was given.

    Raises:
        CandidateError: torch needs something for which there is neither.
    """
    taken, torchs = candidate.parameters(), theirs.parameters()
    given = theirs.settings.keys() | args.keys()
    both = [name for name in torchs if name in taken and name not in given]
    found = [
        Mapped(name, name, *_own_value(taken[name], torchs[name], theirs.owner)) for name in both
    ]
    found = [each for each in found if each.value not in (None, inspect.Parameter.empty)]
    known = {each.mine for each in found} | given
    if theirs.kind == SCHEDULE and torchs.keys() & {"lr_lambda", "schedulers"}:
        known |= {"lr_lambda", "schedulers", "milestones"}  # the table has samples of these
    needed = [n for n, d in torchs.items() if d is inspect.Parameter.empty and n not in known]
    if needed:
        raise CandidateError(
            f"torch's {theirs.target.__name__} needs {', '.join(needed)}; "
            f"give {' '.join(f'--arg {name}=…' for name in needed)}"
        )
    return found


class _Matching:
    """The settings that have a counterpart, one after another.

    Attributes:
        owner: whose defaults the reference's are.
        rest: of the arguments, those that no setting has taken yet.
        result: both sides' settings.
    """

    def __init__(self, owner: str, rest: Settings) -> None:
        self.owner, self.rest, self.result = owner, rest, Match()

    def add(self, mine: Mapping[str, inspect.Parameter], theirs: Settings) -> None:
        """One setting, or a pair as β₁ and β₂, that is one or two names on either side."""
        value, source = self._default(list(mine.values()), list(theirs.values()))
        whole = [name for side in (mine, theirs) for name in side if len(side) == 1]
        parts = [name for side in (mine, theirs) for name in side if len(side) == 2]
        given = {name: self.rest.pop(name) for name in whole if name in self.rest}
        if given:
            value, source = next(iter(given.values())), "--arg"
            if any(other != value for other in given.values()):
                raise CandidateError(f"{' and '.join(whole)} are the same, and differ: {given}")
            if parts and not (isinstance(value, tuple | list) and len(value) == 2):
                raise CandidateError(f"{whole[0]} must be 2 numbers, got {value!r}")
        if parts:
            source = "--arg" if any(name in self.rest for name in parts) else source
            value = tuple(self.rest.pop(n, v) for n, v in zip(parts, value, strict=True))
        if value is not inspect.Parameter.empty:
            self.result.add(_spread(mine, value), _spread(theirs, value), value, source)

    def _default(self, mine: list[inspect.Parameter], theirs: list[Any]) -> tuple[Any, str]:
        default = theirs[0] if len(theirs) == 1 else tuple(theirs)
        if len(mine) == 1:
            return _own_value(mine[0], default, self.owner)
        default = (default,) * 2 if default is inspect.Parameter.empty else default
        own = [_own_value(*each, self.owner) for each in zip(mine, default, strict=True)]
        values, source = tuple(value for value, _ in own), own[0][1]
        if source.startswith("your default"):
            source = _your_default(values, default, self.owner)
        return values, source


def _spread(names: Iterable[str], values: Any) -> Settings:
    """What it is under one name, or each of the two values under its own."""
    names = list(names)
    return {names[0]: values} if len(names) == 1 else dict(zip(names, values, strict=True))


def _counterparts(
    taken: Mapping[str, inspect.Parameter], torchs: Settings, own: Names
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The candidate's names and torch's for the same: one each, or two for one; each comes once."""
    free = {_plain(name): name for name in taken}
    found: dict[tuple[str, ...], tuple[str, ...]] = {
        (name,): (free.pop(_plain(name)),) for name in torchs if _plain(name) in free
    }
    both = spellings.BETAS[0]
    for pair in spellings.BETAS if "betas" in torchs and ("betas",) not in found else ():
        if all(_plain(each) in free for each in pair):
            found["betas",] = tuple(free.pop(_plain(each)) for each in pair)
            break
    if torchs.keys() >= set(both) and "betas" in free:
        found[both] = (free.pop("betas"),)
    known = {name for names in found for name in names}
    for late in (spellings.OPTIMIZER, own):
        for name in torchs:
            for spelling in late.get(name, ()) if name not in known else ():
                if _plain(spelling) in free:
                    found[name,] = (free.pop(_plain(spelling)),)
                    known.add(name)
                    break
    return [(mine, names) for names, mine in found.items()]


def _own_value(mine: inspect.Parameter, default: Any, owner: str) -> tuple[Any, str]:
    if mine.default is None or _is_required(mine):
        return default, f"{owner}'s default"
    return mine.default, _your_default(mine.default, default, owner)


def _your_default(value: Any, theirs: Any, owner: str) -> str:
    differs = theirs is not inspect.Parameter.empty and value != theirs
    return f"your default; {owner}'s is {theirs!r}" if differs else "your default"


def _is_required(parameter: inspect.Parameter) -> bool:
    # Older optimizers for torch have an object of this class as the default of what is required.
    old = type(parameter.default).__name__ == "_RequiredParameter"
    return old or parameter.default is inspect.Parameter.empty


def _refuse_unknown(
    candidate: Candidate, theirs: Reference, args: Settings, taken: Mapping[str, Any]
) -> None:
    torchs = theirs.parameters()
    for name in args:
        if name not in taken and name not in torchs:
            raise CandidateError(
                f"neither side takes {name!r}{did_you_mean(name, [*taken, *torchs])}\n"
                f"  {candidate.name} takes {', '.join(taken) or 'nothing'}\n"
                f"  {theirs.name} takes {', '.join(torchs)}"
            )


def _refuse_missing(
    candidate: Candidate, taken: Mapping[str, inspect.Parameter], given: Settings, owner: str
) -> None:
    missing = [name for name, p in taken.items() if _is_required(p) and name not in given]
    if {"params", "parameters", "model"} & set(missing):
        raise CandidateError(
            f"{candidate.name} is made with the parameters; so must be a subclass of "
            "torch.optim.Optimizer. Any other has update(params, grads), and gets them there"
        )
    if missing:
        raise CandidateError(
            f"{candidate.name} needs {', '.join(missing)}, for which {owner} has no counterpart; "
            f"give {' '.join(f'--arg {name}=…' for name in missing)}"
        )


def _why(candidate: Candidate) -> str:
    return "is made already" if candidate.made else "does not take it"


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
