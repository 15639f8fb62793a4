"""The line of the user's file where a variant stands, if the source says so beyond doubt.

The file is read, not run: of a class its methods but the constructor, of a function its body. A
line is named only if it is the only one there that speaks of what the variant varies.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from torch_ref.lockstep.finding import Place, Variant
from torch_ref.registry import spellings

#: By a word in the name of what a variant changes, the setting that its line speaks of.
SETTINGS = {"eps": "eps", "decay": "weight_decay", "nesterov": "momentum", "momentum": "momentum"}


def places(
    file: Path | None, name: str, variants: Iterable[Variant], own: Mapping[str, str]
) -> tuple[Place, ...]:
    """Where each of the variants stands in a file, as far as that can be told.

    Args:
        file: of the candidate, or nothing.
        name: of the class or function in it.
        variants: that the candidate agrees with.
        own: by torch's name of a setting, the candidate's.

    >>> from scratch.optim import chapter
    >>> path, epsilon = Path(chapter.__file__), Variant("eps first", "", {"eps_place": "first"})
    >>> places(path, "Adam", [epsilon], {"eps": "eps"})[0].text
    'w -= lr_t * m / (np.sqrt(v) + self.eps)'
    """
    try:
        source = file.read_text(encoding="utf-8") if file else ""
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError):
        return ()
    found = (_line(tree, name, variant, own) for variant in variants)
    lines = dict.fromkeys(line for line in found if line)
    return tuple(Place(_shown(file), line, source.splitlines()[line - 1].strip()) for line in lines)


def defined(file: Path, name: str) -> int:
    """The line on which a class or function begins in a file; the first, where that is not known.

    >>> defined(Path(__file__), "places") > 1
    True
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return 1
    lines = (node.lineno for node in tree.body if getattr(node, "name", "") == name)
    return next(lines, 1)


def _line(tree: ast.Module, name: str, variant: Variant, own: Mapping[str, str]) -> int | None:
    settings = {setting for key in variant.changes for setting in _settings(key, own)}
    names = {each for setting in settings for each in _names(setting, own)}
    numbers = {value for value in variant.changes.values() if isinstance(value, float)} - {0.0, 1.0}
    lines = {
        statement.lineno
        for statement in _statements(tree, name)
        if names & _words(statement) or numbers & _numbers(statement)
    }
    return lines.pop() if len(lines) == 1 else None


def _settings(change: str, own: Mapping[str, str]) -> list[str]:
    """The settings that what a variant changes has to do with."""
    return [change] if change in own else [SETTINGS[word] for word in SETTINGS if word in change]


def _names(setting: str, own: Mapping[str, str]) -> set[str]:
    return {setting, own.get(setting, setting), *spellings.OPTIMIZER.get(setting, ())}


def _statements(tree: ast.Module, name: str) -> Iterator[ast.stmt]:
    """The statements of what takes the steps that hold no other statements."""
    named = [node for node in tree.body if getattr(node, "name", "") == name]
    inside = chain.from_iterable(_functions(node) for node in named)
    for statement in chain.from_iterable(map(ast.walk, inside)):
        if isinstance(statement, ast.stmt) and not hasattr(statement, "body"):
            yield statement


def _functions(node: ast.stmt) -> list[ast.stmt]:
    """A function, or the methods of a class but its constructor."""
    if not isinstance(node, ast.ClassDef):
        return [node]
    methods = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return [method for method in methods if method.name != "__init__"]


def _words(statement: ast.stmt) -> set[str]:
    """The names, attributes and texts in it."""
    nodes = list(ast.walk(statement))
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    attributes = {n.attr.lstrip("_") for n in nodes if isinstance(n, ast.Attribute)}
    return texts | attributes | {n.id for n in nodes if isinstance(n, ast.Name)}


def _numbers(statement: ast.stmt) -> set[Any]:
    constants = (n.value for n in ast.walk(statement) if isinstance(n, ast.Constant))
    return {value for value in constants if isinstance(value, float)}


def _shown(file: Path | None) -> str:
    """The path from the current folder where the file lies below it."""
    path = Path(file or "")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
