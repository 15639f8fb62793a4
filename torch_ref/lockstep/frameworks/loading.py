"""The module that a candidate is in: a file that is run, or a module that is imported."""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


def run(path: Path) -> ModuleType:
    """The file as a module, under a name that hides no other module.

    While it is run, its folder and the current one are the first on ``sys.path``, as for a script.
    A file with relative imports is run as part of the packages that it lies in.
    """
    package, root = _package(path) if _is_relative(path) else ("", path.parent)
    name = f"{package}._candidate_{path.stem}".lstrip(".")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} must be a Python file, with the suffix .py")
    module = importlib.util.module_from_spec(spec)
    with _found_first(root, path.parent):
        if package:
            importlib.import_module(package)
        sys.modules[name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    return module


def imported(name: str) -> ModuleType:
    """The module of a dotted name: installed, or in the current folder.

    >>> imported("os.path").__name__.endswith("path")
    True
    """
    with _found_first():
        return importlib.import_module(name)


def is_dotted(name: str) -> bool:
    """Whether it may be the name of a module, and is not that of a file.

    >>> is_dotted("optax.contrib"), is_dotted("adam.py"), is_dotted("./adam")
    (True, False, False)
    """
    return not name.endswith(".py") and all(part.isidentifier() for part in name.split("."))


@contextmanager
def _found_first(*folders: Path) -> Iterator[None]:
    """Let modules in these folders, and in the current one, be found before all others."""
    search, writes = list(sys.path), sys.dont_write_bytecode
    sys.path[:0] = list(dict.fromkeys(map(str, (*folders, Path.cwd()))))
    # A file that is edited within one second would be taken from its old bytecode.
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = search, writes


def _is_relative(path: Path) -> bool:
    """Whether the file imports anything relative to a package."""
    try:
        nodes = ast.walk(ast.parse(path.read_bytes()))
    except (SyntaxError, ValueError):  # it is told where the file is run
        return False
    return any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)


def _package(path: Path) -> tuple[str, Path]:
    """The dotted name of the package that a file lies in, and the folder that this is found in."""
    folder, names = path.parent, []
    while (folder / "__init__.py").is_file():
        names.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(names)), folder
