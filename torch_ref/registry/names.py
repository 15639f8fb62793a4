"""Everything in the table by its name; torch is not imported for it."""

import difflib
import sys
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from torch_ref.registry.initializers import INITIALIZERS
from torch_ref.registry.layers import LAYERS
from torch_ref.registry.optimizers import OPTIMIZERS
from torch_ref.registry.pairs import OptimizerPair, Pair
from torch_ref.registry.schedules import SCHEDULES

#: By the module of ours, its pairs.
TABLES: dict[str, Mapping[str, Pair]] = {
    "scratch.optim": OPTIMIZERS,
    "scratch.lr_scheduler": SCHEDULES,
    "scratch.init": INITIALIZERS,
    "scratch.nn": LAYERS,
}


class Entry(NamedTuple):
    """One side of a pair: the dotted name under which it is imported, and the pair."""

    name: str
    pair: Pair

    @property
    def by_hand(self) -> bool:
        """Whether it is the hand-written side."""
        return self.name.startswith("scratch.")


def find(name: str) -> Entry | None:
    """The entry of a name, which may leave out the first modules and torch's last underscore.

    Where both sides have the name, it is torch's.

    >>> find("Adam").name, find("scratch.optim.Adam").name, find("chapter.Adam").name
    ('torch.optim.Adam', 'scratch.optim.Adam', 'scratch.optim.chapter.Adam')
    >>> find("Momentum").name, find("init.eye").name, find("optax.adam")
    ('scratch.optim.Momentum', 'torch.nn.init.eye_', None)
    """
    for dotted, pair in _dotted().items():
        if f".{dotted}".endswith((f".{name}", f".{name}_")):
            return Entry(dotted, pair)
    return None


def spelled(name: str) -> str:
    """``name`` in the letters that :func:`find` knows, if it is one but for their case.

    >>> spelled("adam"), spelled("Chapter.adam"), spelled("RMSPROP"), spelled("optax.adam")
    ('Adam', 'chapter.Adam', 'RMSprop', 'optax.adam')
    """
    parts = name.count(".") + 1
    for dotted in _dotted() if find(name) is None else ():
        for known in (dotted, dotted.removesuffix("_")):
            last = ".".join(known.split(".")[-parts:])
            if last.casefold() == name.casefold():
                return last
    return name


def entry_of(target: object) -> Entry | None:
    """The entry of a class or function itself."""
    for dotted, pair in _dotted().items():
        home, _, name = dotted.rpartition(".")
        # Torch's module is there if what is asked for is torch's.
        if getattr(sys.modules.get(home), name, None) is target is not None:
            return Entry(dotted, pair)
    return None


def nearest(name: str, most: int = 3) -> list[str]:
    """The names in the table that are nearest to ``name``, whatever its capitals.

    >>> nearest("chapter.Adm"), nearest("nothing of the kind")
    (['chapter.Adam'], [])
    """
    last = name.rpartition(".")[2].lower()
    spelled: dict[str, list[str]] = {}
    for pair in _dotted().values():
        spelled.setdefault(pair.name.rpartition(".")[2].lower(), []).append(pair.name)
    near = difflib.get_close_matches(last, spelled, n=most)
    found = dict.fromkeys(each for key in near for each in spelled[key])
    exact = [each for each in found if each.rpartition(".")[0] == name.rpartition(".")[0] != ""]
    return exact or list(found)[:most]


@cache
def _dotted() -> dict[str, Pair]:
    """Return pairs by full name, torch's first; a name of several goes to the pair so called."""
    pairs = [(home, pair) for home, table in TABLES.items() for pair in table.values()]
    pairs.sort(key=lambda item: item[1].torch.rpartition(".")[2].rstrip("_") != item[1].name)
    known: dict[str, Pair] = {}
    for _, pair in pairs:
        if pair.torch.startswith("torch."):
            known.setdefault(pair.torch, pair)
    for home, pair in pairs:
        known[f"{home}.{pair.name}"] = pair
        if isinstance(pair, OptimizerPair) and pair.of_chapter:
            known.setdefault(f"{pair.scratch.__module__}.{pair.scratch.__name__}", pair)
    return known
