"""The same hyperparameters for both sides, whatever the candidate's constructor calls them."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from torch_ref.lockstep.candidates.candidate import Candidate, CandidateError, did_you_mean
from torch_ref.lockstep.candidates.reference import SCHEDULE, Reference
from torch_ref.lockstep.frameworks.optimizers.roles import plain
from torch_ref.registry import spellings
from torch_ref.registry.pairs import Names

Settings = dict[str, Any]
#: What stands before the name of a setting that one side alone is given.
MINE, THEIRS = "mine.", "theirs."
_UNMATCHED = "has nothing for it"
_NOBODY = {"": "neither side takes", MINE: "yours does not take", THEIRS: "theirs does not take"}


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

    @property
    def unset(self) -> bool:
        """Whether one side alone has it, and it stayed at its default."""
        return self.source.endswith(_UNMATCHED)


def said(mapped: Iterable[Mapped]) -> list[str]:
    """A line for each that was set, and one for all of a side that were not.

    >>> said([Mapped("", name, 0, "torch's; yours has nothing for it") for name in ("a", "b")])
    ["a = 0, b = 0 (torch's; yours has nothing for it)"]
    """
    mapped = list(mapped)
    unset: dict[str, list[str]] = {}
    for each in mapped:
        if each.unset:
            unset.setdefault(each.source, []).append(f"{each.mine or each.theirs} = {each.value!r}")
    lines = [str(each) for each in mapped if not each.unset]
    return lines + [f"{', '.join(values)} ({source})" for source, values in unset.items()]


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

    ``mine.name=value`` is for the candidate alone, ``theirs.name=value`` for the other side alone.

    Raises:
        CandidateError: a text is not like that, or one name comes twice.

    >>> parse(["lr=0.01", "betas=(0.9, 0.99)", "amsgrad=True", "nonlinearity=relu"])
    {'lr': 0.01, 'betas': (0.9, 0.99), 'amsgrad': True, 'nonlinearity': 'relu'}
    """
    found: Settings = {}
    for text in arguments:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not _bare(name).isidentifier():
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
        args: under either side's names; with ``mine.`` or ``theirs.`` before, for that side alone.

    Raises:
        CandidateError: an argument that neither side takes, or one that the candidate needs.
    """
    taken, torchs = candidate.parameters(), theirs.parameters()
    catch_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    taken = {name: p for name, p in taken.items() if p.kind is not p.VAR_KEYWORD}
    if not catch_all:
        _refuse_unknown(candidate, theirs, args, taken)
    matching = _Matching(theirs.owner, dict(args), candidate)
    matching.alone(taken, torchs)
    own = theirs.optimizer.spellings if theirs.optimizer else {}
    counterparts = {names[0]: (mine, names) for mine, names in _counterparts(taken, torchs, own)}
    for name in torchs:
        if name in counterparts:
            mine, names = counterparts[name]
            matching.add({n: taken[n] for n in mine}, {n: torchs[n] for n in names})
        elif matching.is_for(name, torchs[name], taken):
            matching.given(name, {name} if catch_all else set())
    matching.left(taken)
    _refuse_missing(candidate, taken, matching.result.mine, theirs.owner)
    matching.unset(taken, torchs)
    return matching.result


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
        candidate: whose settings mine are.
        result: both sides' settings.
    """

    def __init__(self, owner: str, rest: Settings, candidate: Candidate) -> None:
        self.owner, self.rest, self.candidate, self.result = owner, rest, candidate, Match()

    def alone(self, taken: dict[str, inspect.Parameter], torchs: Settings) -> None:
        """Take what is given to one side by its prefix; that side has it no more to be matched."""
        for side, known in ((MINE, taken), (THEIRS, torchs)):
            for full in [name for name in self.rest if name.startswith(side)]:
                name, value = _bare(full), self.rest.pop(full)
                known.pop(name, None)
                mine, theirs = ({name: value}, {}) if side == MINE else ({}, {name: value})
                self.result.add(mine, theirs, value, "--arg, for this side alone")

    def is_for(self, name: str, default: Any, taken: Mapping[str, inspect.Parameter]) -> bool:
        """Whether an argument is for torch's setting, which has no counterpart."""
        if name not in self.rest:
            return False
        return name not in taken or _alike(self.rest[name], default)

    def given(self, name: str, mine: Iterable[str]) -> None:
        """Give torch an argument for which it alone has a setting."""
        value = self.rest.pop(name)
        both = dict.fromkeys(mine, value)
        alone = f"{self.owner} alone: {self.candidate.name} {_why(self.candidate)}"
        self.result.add(both, {name: value}, value, "--arg" if both else alone)

    def left(self, taken: Mapping[str, inspect.Parameter]) -> None:
        """Give the candidate the arguments that are left."""
        for name, value in self.rest.items():
            alone = f"{self.candidate.name} alone: {self.owner} does not take it"
            self.result.add({name: value}, {}, value, alone)

    def unset(self, taken: Mapping[str, inspect.Parameter], torchs: Settings) -> None:
        """Note what stayed at its default on one side, because the other has nothing for it."""
        mine = {n: p.default for n, p in taken.items() if n not in self.result.mine}
        for name, value in mine.items():
            source = f"your default; {self.owner} {_UNMATCHED}"
            self.result.mapped.append(Mapped(name, "", value, source))
        for name, value in torchs.items() if not self.candidate.made else ():
            if name not in self.result.theirs:
                source = f"{self.owner}'s default; {self.candidate.name} {_UNMATCHED}"
                self.result.mapped.append(Mapped("", name, value, source))

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
    free = {plain(name): name for name in taken}

    def same(name: str, spelling: str) -> bool:
        mine = free.get(plain(spelling))
        value = None if mine is None else taken[mine].default
        return mine is not None and _alike(value, torchs[name]) and _is_part(spelling, value, name)

    found: dict[tuple[str, ...], tuple[str, ...]] = {
        (name,): (free.pop(plain(name)),) for name in torchs if same(name, name)
    }
    both = spellings.BETAS[0]
    for pair in spellings.BETAS if "betas" in torchs and ("betas",) not in found else ():
        if all(plain(each) in free for each in pair):
            found["betas",] = tuple(free.pop(plain(each)) for each in pair)
            break
    if torchs.keys() >= set(both) and "betas" in free:
        found[both] = (free.pop("betas"),)
    known = {name for names in found for name in names}
    for late in (spellings.OPTIMIZER, own):
        for name in torchs:
            for spelling in late.get(name, ()) if name not in known else ():
                if same(name, spelling):
                    found[name,] = (free.pop(plain(spelling)),)
                    known.add(name)
                    break
    return [(mine, names) for names, mine in found.items()]


def _own_value(mine: inspect.Parameter, default: Any, owner: str) -> tuple[Any, str]:
    if mine.default is None or is_required(mine):
        return default, f"{owner}'s default"
    value = plain_number(mine.default)
    value = tuple(value) if isinstance(value, list) else value
    return value, _your_default(value, default, owner)


def plain_number(value: Any) -> Any:
    """A number of NumPy's, of torch's or another's, or several, as Python has it; else as it is.

    >>> import numpy as np
    >>> plain_number(np.float32(0.5)), plain_number(np.array(2)), plain_number("relu")
    (0.5, 2, 'relu')
    """
    if type(value) in (tuple, list):
        return type(value)(map(plain_number, value))
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return value.item()
    return value


def _your_default(value: Any, theirs: Any, owner: str) -> str:
    differs = theirs is not inspect.Parameter.empty and value != theirs
    return f"your default; {owner}'s is {theirs!r}" if differs else "your default"


def is_required(parameter: inspect.Parameter) -> bool:
    """Whether a parameter must be given.

    >>> [is_required(each) for each in inspect.signature(round).parameters.values()]
    [True, False]
    """
    # Older optimizers for torch have an object of this class as the default of what is required.
    old = type(parameter.default).__name__ == "_RequiredParameter"
    return old or parameter.default is inspect.Parameter.empty


def _refuse_unknown(
    candidate: Candidate, theirs: Reference, args: Settings, taken: Mapping[str, Any]
) -> None:
    torchs = theirs.parameters()
    known = {MINE: taken, THEIRS: torchs, "": {**taken, **torchs}}
    for name in args:
        side = name.removesuffix(_bare(name))
        if _bare(name) not in known[side]:
            raise CandidateError(
                f"{_NOBODY[side]} {_bare(name)!r}{did_you_mean(_bare(name), known[side])}\n"
                f"  {candidate.name} takes {', '.join(taken) or 'nothing'}\n"
                f"  {theirs.name} takes {', '.join(torchs)}"
            )


def _refuse_missing(
    candidate: Candidate, taken: Mapping[str, inspect.Parameter], given: Settings, owner: str
) -> None:
    missing = [name for name, p in taken.items() if is_required(p) and name not in given]
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


def _bare(name: str) -> str:
    return name.removeprefix(MINE).removeprefix(THEIRS)


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two values may be of one setting: both numbers, both words, or as many numbers.

    >>> _alike(1e-30, (None, 1e-3)), _alike([0.9, 0.999], (0.9, 0.99)), _alike(None, 0.1)
    (False, True, True)
    """
    if mine is None and isinstance(theirs, tuple) and None in theirs:
        return False  # torch's own way to say that it chooses
    kinds = _kind(mine), _kind(theirs)
    return kinds[0] == kinds[1] or "" in kinds


def _is_part(spelling: str, value: Any, name: str) -> bool:
    """Whether a ``decay`` may be the part that an average keeps; a small one is that of lr.

    >>> _is_part("decay", 0.01, "alpha"), _is_part("decay", 0.99, "alpha")
    (False, True)
    """
    averages = name in ("alpha", "rho", "decay_rate") and name != spelling
    return not (averages and "decay" in spelling and _kind(value) == "a number") or value >= 0.5


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "a word"
    if isinstance(value, Real):
        return "a number"
    return f"{len(value)} values" if isinstance(value, list | tuple) else ""
