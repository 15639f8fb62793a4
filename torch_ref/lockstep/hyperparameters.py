"""The same hyperparameters for both sides, whatever the candidate's constructor calls them."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch_ref.lockstep.candidate import Candidate, CandidateError, arguments, did_you_mean

Settings = dict[str, Any]

#: How torch computes, not what.
_IMPLEMENTATION = frozenset({"params", "foreach", "capturable", "differentiable", "fused"})

#: What people call torch's hyperparameters; capitals and underscores do not matter.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "eta", "step_size", "lrate", "rate", "η"),
    "eps": ("epsilon", "ε", "delta"),
    "weight_decay": ("wd", "l2", "l2_reg", "weight_decay_rate", "lam", "lambda_", "λ"),
    "momentum": ("mu", "μ", "friction", "momentum_coefficient"),
    "nesterov": ("use_nesterov",),
    "amsgrad": ("use_amsgrad",),
    "dampening": ("damping", "tau"),
    "alpha": ("rho", "decay_rate", "decay", "gamma", "beta", "beta2", "smoothing", "ρ", "α"),
    "rho": ("decay_rate", "decay", "gamma", "beta", "ρ"),
    "initial_accumulator_value": ("initial_accumulator", "init_accumulator"),
}
_PAIRS = (("beta1", "beta2"), ("b1", "b2"), ("β1", "β2"), ("rho1", "rho2"), ("decay1", "decay2"))
#: The same word means different things in different papers. These come last: where there is a
#: clearer word for the learning rate, α is SGD's momentum, as in the chapter.
_BY_FAMILY: dict[str, dict[str, tuple[str, ...]]] = {
    "SGD": {"lr": ("alpha", "α"), "momentum": ("alpha", "α", "beta", "rho", "gamma", "β")},
    **{
        family: {"lr": ("alpha", "α")}
        for family in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta")
    },
}


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


def match(candidate: Candidate, theirs: type, args: Settings) -> Match:
    """Give both sides the same values: an argument, else the candidate's default, else torch's.

    Args:
        candidate: whose constructor's arguments are looked at.
        theirs: a class of ``torch.optim``.
        args: under either side's names.

    Raises:
        CandidateError: an argument that neither side takes, or one that the candidate needs.
    """
    taken, torchs = candidate.parameters(), torch_parameters(theirs)
    catch_all = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    taken = {name: p for name, p in taken.items() if p.kind is not p.VAR_KEYWORD}
    _refuse_unknown(candidate, theirs, args, taken, torchs, catch_all)
    result, rest = Match(), dict(args)
    names = _counterparts(taken, torchs, theirs.__name__)
    for name, default in torchs.items():
        mine = names.get(name, ())
        if len(mine) == 1:
            _one(result, rest, taken[mine[0]], name, default)
        elif mine:
            _pair(result, rest, [taken[each] for each in mine], name, default)
        elif name in rest:
            value = rest.pop(name)
            both = {name: value} if catch_all else {}
            why = "--arg" if catch_all else f"torch alone: {candidate.name} {_why(candidate)}"
            result.add(both, {name: value}, value, why)
    for name, value in rest.items():
        result.add({name: value}, {}, value, f"{candidate.name} alone: torch does not take it")
    _refuse_missing(candidate, taken, result.mine)
    return result


def own_defaults(candidate: Candidate, theirs: Any, args: Settings) -> list[Mapped]:
    """The candidate's defaults, where no argument replaces them, of what torch takes too.

    Args:
        candidate: an initializer or a schedule.
        theirs: torch's function or class.
        args: what was given.

    Raises:
        CandidateError: torch needs something for which there is neither.
    """
    taken, torchs = candidate.parameters(), torch_parameters(theirs)
    both = [name for name in torchs if name in taken and name not in args]
    found = [Mapped(name, name, *_own_value(taken[name], torchs[name])) for name in both]
    found = [each for each in found if each.value not in (None, inspect.Parameter.empty)]
    known = {each.mine for each in found} | args.keys()
    needed = [n for n, d in torchs.items() if d is inspect.Parameter.empty and n not in known]
    if needed:
        raise CandidateError(
            f"torch's {theirs.__name__} needs {', '.join(needed)}; "
            f"give {' '.join(f'--arg {name}=…' for name in needed)}"
        )
    return found


def torch_parameters(cls: type) -> Settings:
    """The hyperparameters of a class of ``torch.optim`` and their defaults.

    >>> import torch
    >>> torch_parameters(torch.optim.Adagrad)["eps"]
    1e-10
    """
    return {
        name: parameter.default
        for name, parameter in arguments(cls, skip=1).items()
        if name not in _IMPLEMENTATION
    }


def _counterparts(
    taken: Mapping[str, inspect.Parameter], torchs: Settings, family: str
) -> dict[str, tuple[str, ...]]:
    """For torch's names, the candidate's: one, or two for a pair. Each is used once."""
    free = {_plain(name): name for name in taken}
    found: dict[str, tuple[str, ...]] = {
        name: (free.pop(_plain(name)),) for name in torchs if _plain(name) in free
    }
    if "betas" in torchs and "betas" not in found:
        for pair in _PAIRS:
            if all(_plain(each) in free for each in pair):
                found["betas"] = tuple(free.pop(_plain(each)) for each in pair)
                break
    for late in (SPELLINGS, _BY_FAMILY.get(family, {})):
        for name in torchs:
            for spelling in late.get(name, ()) if name not in found else ():
                if _plain(spelling) in free:
                    found[name] = (free.pop(_plain(spelling)),)
                    break
    return found


def _one(result: Match, rest: Settings, mine: inspect.Parameter, name: str, default: Any) -> None:
    value, source = _own_value(mine, default)
    given = {each: rest.pop(each) for each in (mine.name, name) if each in rest}
    if given:
        value, source = next(iter(given.values())), "--arg"
        if any(other != value for other in given.values()):
            raise CandidateError(f"{mine.name} and {name} are the same, and differ: {given}")
    if value is not inspect.Parameter.empty:
        result.add({mine.name: value}, {name: value}, value, source)


def _pair(
    result: Match, rest: Settings, mine: list[inspect.Parameter], name: str, default: Any
) -> None:
    """One of torch's that is two of the candidate's, as β₁ and β₂."""
    default = (default,) * len(mine) if default is inspect.Parameter.empty else default
    own = [_own_value(each, each_default) for each, each_default in zip(mine, default, strict=True)]
    values, source = tuple(value for value, _ in own), own[0][1]
    if source.startswith("your default"):
        source = _your_default(values, default)
    if name in rest:
        values, source = rest.pop(name), "--arg"
        if not isinstance(values, tuple | list) or len(values) != len(mine):
            raise CandidateError(f"{name} must be {len(mine)} numbers, got {values!r}")
    for each in mine:
        source = "--arg" if each.name in rest else source
    values = tuple(rest.pop(each.name, value) for each, value in zip(mine, values, strict=True))
    result.add(
        {each.name: value for each, value in zip(mine, values, strict=True)},
        {name: values},
        values,
        source,
    )


def _own_value(mine: inspect.Parameter, default: Any) -> tuple[Any, str]:
    if mine.default is None or _is_required(mine):
        return default, "torch's default"
    return mine.default, _your_default(mine.default, default)


def _your_default(value: Any, torchs: Any) -> str:
    differs = torchs is not inspect.Parameter.empty and value != torchs
    return f"your default; torch's is {torchs!r}" if differs else "your default"


def _is_required(parameter: inspect.Parameter) -> bool:
    # Older optimizers for torch have an object of this class as the default of what is required.
    old = type(parameter.default).__name__ == "_RequiredParameter"
    return old or parameter.default is inspect.Parameter.empty


def _refuse_unknown(
    candidate: Candidate,
    theirs: type,
    args: Settings,
    taken: Mapping[str, Any],
    torchs: Settings,
    catch_all: bool,
) -> None:
    for name in args:
        if name not in taken and name not in torchs and not catch_all:
            raise CandidateError(
                f"neither side takes {name!r}{did_you_mean(name, [*taken, *torchs])}\n"
                f"  {candidate.name} takes {', '.join(taken) or 'nothing'}\n"
                f"  torch.optim.{theirs.__name__} takes {', '.join(torchs)}"
            )


def _refuse_missing(
    candidate: Candidate, taken: Mapping[str, inspect.Parameter], given: Settings
) -> None:
    missing = [name for name, p in taken.items() if _is_required(p) and name not in given]
    if {"params", "parameters", "model"} & set(missing):
        raise CandidateError(
            f"{candidate.name} is made with the parameters; so must be a subclass of "
            "torch.optim.Optimizer. Any other has update(params, grads), and gets them there"
        )
    if missing:
        raise CandidateError(
            f"{candidate.name} needs {', '.join(missing)}, for which torch has no counterpart; "
            f"give {' '.join(f'--arg {name}=…' for name in missing)}"
        )


def _why(candidate: Candidate) -> str:
    return "is made already" if candidate.made else "does not take it"


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
