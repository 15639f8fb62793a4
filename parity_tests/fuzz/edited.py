"""What may stand in a file that somebody, or a fault, has changed: any JSON, any bytes."""

import copy
import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

#: Where a text could be taken for something else.
TEXTS = ("", "0", "nan", "../../x", "a\0b", "\ud800", "\x1b[31m", "{0.__class__}", "x" * 3000)
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**400, 0.5, 1e308, math.inf, -math.inf, math.nan)

leaves = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)
#: Any JSON there is, and what Python's reader takes besides: NaN and the infinities.
anything = st.recursive(
    leaves | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)

Path = tuple[str | int, ...]


def paths(tree: Any, at: Path = ()) -> Iterator[Path]:
    """Those of all that is in a tree of dicts and lists, and of the tree itself."""
    yield at
    if isinstance(tree, dict):
        inner: Any = tree.items()
    else:
        inner = enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from paths(value, (*at, key))


@st.composite
def one_thing_changed(draw: st.DrawFn, tree: Any) -> Any:
    """The tree with something in it that is another, is missing, or is there twice."""
    _, *inner = paths(tree)
    *above, last = draw(st.sampled_from(inner))
    changed = copy.deepcopy(tree)
    place = changed
    for key in above:
        place = place[key]
    how = draw(st.sampled_from(("replace", "replace", "remove", "double", "nest")))
    if how == "remove":
        del place[last]
    elif how == "double" and isinstance(place, list):
        place.append(copy.deepcopy(place[last]))
    elif how == "nest":
        place[last] = [place[last]]
    else:
        place[last] = draw(anything)
    return changed


def nested(depth: int) -> str:
    """JSON that is deeper than a reader that calls itself can go."""
    return "[" * depth + "]" * depth
