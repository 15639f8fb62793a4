"""What the files of a results folder are to have in them.

A shape is a type or several; a list of one, for every item; or a mapping of shapes by name, where
``"*"`` stands for every name and a name that ends in ``?`` may be missing.
"""

from collections.abc import Mapping
from typing import Any

from experiments.engine.texts import Text, say
from torch_ref.errors import LockstepError

NUMBER = (int, float)
SEEN = {"seed": int, "holds": bool, "measured": str}
CLAIM = {"text": str, "ours?": bool, "holds": int, "of": int, "seeds": [SEEN]}
TEXTS = {"*": {"template": str, "values": {"*": str}}}
NAMES = ("experiment", "title", "section", "python", "machine", "finished", "code")
RESULT = {
    **dict.fromkeys(NAMES, str),
    "files": {"metrics.csv": str},
    "quick": bool,
    "settings": dict,
    "seeds": [int],
    "dataset?": {"name": str},
    "backends": {"scratch?": {"device": str}, "torch?": {"device": str}},
    "claims": {"scratch?": [CLAIM], "torch?": [CLAIM]},
    "texts?": TEXTS,
}
BEST = {"lr": NUMBER, "loss": NUMBER, "low": NUMBER, "high": NUMBER, "learns": bool}
OPTIMIZER = {"runs": int, "diverged": int, "best": BEST, "by_architecture": {"*": BEST}}
SWEEP = {
    "runs": int,
    "backends": {"scratch?": dict, "torch?": dict},
    "settings": dict,
    "summary": {"*": {"*": OPTIMIZER}},
}
VALUE = {"low": NUMBER, "median": NUMBER, "high": NUMBER}
ROW = {"what": str, "against": str, "unit": str, "value?": VALUE, "goal?": NUMBER}
BENCH = {
    "machine": dict,
    "options": dict,
    "sections": [{"name": str, "title": str, "rows": [ROW]}],
    "texts?": TEXTS,
}
DISTANCE = {"relative": NUMBER, "ulp": NUMBER}
PARITY = {
    "machine": dict,
    "twins": [{"table": str, "name": str, "distance": {"*": DISTANCE}}],
    "drift": [{"optimizer": str, "steps": [int], "distance": {"*": [NUMBER]}}],
    "conventions": [{"name": str, "apart": NUMBER, "aligned": NUMBER}],
}


class Damaged(LockstepError):
    """A file cannot be used; ``why`` says so."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


def wrong(field: str) -> Damaged:
    """What is raised where a field is not what it should be."""
    return Damaged(say("{field} is not what it should be", field=field))


def check(value: Any, shape: Any, field: str = "") -> None:
    """See that a value has a shape.

    Raises:
        Damaged: it has not; ``claims/scratch`` names what.

    >>> check({"seeds": [0, 1]}, {"seeds": [int]})
    >>> check({"seeds": [0, "1"]}, {"seeds": [int]})
    Traceback (most recent call last):
    ...
    experiments.report.shapes.Damaged: seeds is not what it should be
    """
    if isinstance(shape, Mapping):
        _check_mapping(_of_kind(value, Mapping, field), shape, field)
    elif isinstance(shape, list):
        for item in _of_kind(value, list, field):
            check(item, shape[0], field)
    else:
        _of_kind(value, shape, field)


def _check_mapping(value: Mapping[str, Any], shape: Mapping[str, Any], field: str) -> None:
    for name, inner in shape.items():
        if name == "*":
            found = value
        elif name.endswith("?"):
            name = name[:-1]
            found = {name: value[name]} if value.get(name) is not None else {}
        else:
            found = {name: value.get(name)}
        for key, each in found.items():
            check(each, inner, f"{field}/{key}".strip("/"))


def like(value: Any) -> Any:
    """The shape of a setting, from the chapter's.

    >>> like({"hidden": (100, 100), "init": "he"})
    {'hidden': [(<class 'int'>, <class 'float'>)], 'init': <class 'str'>}
    """
    if isinstance(value, Mapping):
        return {name: like(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [like(value[0])]
    return NUMBER if isinstance(value, NUMBER) and not isinstance(value, bool) else type(value)


def _of_kind(value: Any, kind: Any, field: str) -> Any:
    # To isinstance, True is an int.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise wrong(field)
    return value
