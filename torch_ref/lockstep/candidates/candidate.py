"""The user's own optimizer: found in a file, constructed, and blamed by its own line if it fails.

A candidate is a class or a function that makes an optimizer, an optimizer already made, or a
function that is one; ``frameworks.optimizers`` has the ways in which it may be written.
"""

import ast
import difflib
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from torch_ref import extras
from torch_ref.errors import LockstepError
from torch_ref.lockstep.candidates.limit import TimeUp
from torch_ref.lockstep.compare.sides import is_torchs, named_adapter
from torch_ref.lockstep.frameworks import loading
from torch_ref.lockstep.frameworks.optimizers import ways
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.optimizers.templates import NoWay

_OURS = Path(__file__).parents[2]


class CandidateError(LockstepError):
    """The candidate cannot be run; the message says why, with the user's own line."""


@dataclass(frozen=True)
class Candidate:
    """The optimizer, layer, initializer or schedule to check.

    Attributes:
        name: what it is called in messages.
        target: a class or a function that makes an optimizer, or an optimizer.
        file: where it is written, if that is known.

    >>> from scratch.optim import Adam
    >>> Candidate.of(Adam).name, Candidate.of(Adam(lr=0.1)).made
    ('Adam', True)
    """

    name: str
    target: Any
    file: Path | None = None

    @classmethod
    def of(cls, target: Any) -> "Candidate":
        """The candidate for an object at hand; a candidate as it is."""
        if isinstance(target, Candidate):
            return target
        source = target if inspect.isroutine(target) or isinstance(target, type) else type(target)
        try:
            file = Path(inspect.getfile(source))
        except (TypeError, OSError):  # a builtin; a class that was written in a notebook
            file = None
        return cls(getattr(target, "__name__", type(target).__name__), target, file)

    @property
    def is_torch(self) -> bool:
        """Whether it is a subclass of ``torch.optim.Optimizer``."""
        return is_torchs(self.target)

    @property
    def takes_parameters(self) -> bool:
        """Whether its constructor is given the parameters to optimize."""
        return ways.takes_parameters(self.target)

    @property
    def made(self) -> bool:
        """Whether it is an optimizer already, and takes no hyperparameters any more."""
        return ways.is_made(self.target)

    def parameters(self) -> dict[str, inspect.Parameter]:
        """The settings that it takes: arguments of a constructor, or of a function of one step."""
        with self.blamed("looking for its settings raised"):
            return ways.parameters(self.target)

    def side(self, settings: dict[str, Any]) -> Adapter:
        """Construct it with ``settings``, behind the face that a run needs.

        Raises:
            CandidateError: the constructor raised, or what it made is not an optimizer.
        """
        with self.blamed("the constructor raised"):
            try:
                side = named_adapter(self.name, self.target, settings)
            except NoWay as error:
                raise CandidateError(
                    f"{self.name} must be something that optimizes: {error.shown}"
                ) from None
        side.name = self.name
        return side

    @contextmanager
    def blamed(self, what: str) -> Iterator[None]:
        """Turn what the user's code raises inside of the block into a ``CandidateError``."""
        try:
            yield
        except (CandidateError, TimeUp, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.blame(error, what)

    def blame(self, error: BaseException, what: str) -> NoReturn:
        """Raise the ``CandidateError`` of what the user's code raised."""
        message = self.missing(error) or f"{self.name}: {what} {said_of(error)}"
        raise CandidateError(message + self.line_of(error)) from error

    def missing(self, error: BaseException) -> str:
        """What to install, if ``error`` is of a package that an extra brings; else nothing."""
        if isinstance(error, ModuleNotFoundError) and extras.brings(error):
            return str(extras.explained(error, self.name))
        return ""

    def line_of(self, error: BaseException) -> str:
        """The user's own line that ``error`` came from, on a line of its own; or nothing."""
        if isinstance(error, SyntaxError) and error.filename and error.lineno:
            return shown_line(error.filename, error.lineno, error.text)
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if self.owns(Path(frame.filename))]
        return shown_line(own[-1].filename, own[-1].lineno, own[-1].line) if own else ""

    def owns(self, path: Path) -> bool:
        """Whether the file is the candidate's, or one beside it that it uses."""
        if self.file is None or path == self.file:
            return path == self.file
        foreign = "site-packages" in path.parts or path.is_relative_to(_OURS)
        return path.is_relative_to(self.file.parent) and not foreign


def said_of(error: BaseException) -> str:
    """What an error says, whatever its own ``__str__`` does.

    >>> said_of(ValueError("lr is 0"))
    'ValueError: lr is 0'
    """
    try:
        return f"{type(error).__name__}: {error}"
    except BaseException as another:
        return f"{type(error).__name__}, whose text raised {type(another).__name__}"


def load(location: str) -> Candidate:
    """The candidate at ``path/to/file.py:Name``, or ``package.module:Name``; run in this process.

    Raises:
        CandidateError: there is no such file, module or name in it, or running it raised.

    >>> load("optimizers/adam.py")
    Traceback (most recent call last):
        ...
    torch_ref.lockstep.candidates.candidate.CandidateError: give the file and the name ...
    >>> load("scratch.optim:Adam").name
    'Adam'
    """
    given, _, name = location.rpartition(":")
    if not given or not name.isidentifier():
        raise CandidateError(_how_to_name(location))
    module, path = module_at(given)
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if _is_own(value, module)]
        near = did_you_mean(name, names) or (f"; it has {', '.join(names)}" if names else "")
        raise CandidateError(f"{given} has no {name!r}{near}")
    return Candidate(name, getattr(module, name), path)


def _how_to_name(location: str) -> str:
    """What to write instead of a location without a name; a file is read for it, and not run."""
    path = Path(location.rstrip(":"))
    if path.suffix == ".py" and path.is_file():
        with suppress(SyntaxError, ValueError):
            body = ast.parse(path.read_bytes()).body
            names = [each.name for each in body if isinstance(each, ast.ClassDef | ast.FunctionDef)]
            if names:
                return f"name what is to be checked in it, like {path}:{names[0]}"
    return (
        "give the file and the name in it, like path/to/file.py:MyAdam, or a module's, like "
        f"package.module:MyAdam, got {location!r}"
    )


def module_at(given: str) -> tuple[ModuleType, Path | None]:
    """The module of a file or of a dotted name, run in this process, and the file.

    Raises:
        CandidateError: there is no such file or module, or running it raised.

    >>> module_at("scratch.optim")[0].__name__
    'scratch.optim'
    """
    path = Path(given).resolve()
    if path.is_file() and path.suffix != ".py":
        raise CandidateError(f"{given} is not a Python file: its name does not end in .py")
    if path.is_file():
        with Candidate(given, None, path).blamed("running it raised"):
            return loading.run(path), path
    if not loading.is_dotted(given):
        near = did_you_mean(path.name, _python_files(path.parent))
        raise CandidateError(f"there is no file {given}{near}")
    with Candidate(given, None).blamed("importing it raised"):
        module = loading.imported(given)
    return module, Path(module.__file__) if module.__file__ else None


def name_of(candidate: Any) -> str:
    """Return the name of a candidate: its own, or that of its class."""
    return getattr(candidate, "__name__", None) or type(candidate).__name__


def parameters_of(candidate: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function or class; none of a builtin's."""
    try:
        return dict(inspect.signature(candidate).parameters)
    except (TypeError, ValueError):
        return {}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'Adam'?"`` where a known name is near, whatever its capitals.

    >>> did_you_mean("adamw", ["Adam", "AdamW"])
    "; did you mean 'AdamW'?"
    """
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""


def _is_own(value: Any, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _python_files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.py")] if folder.is_dir() else []


def shown_line(filename: str, number: int | None, text: str | None) -> str:
    """A line of the user's on a line of its own; the file from the current folder, if below it."""
    path = Path(filename)
    path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"\n  {path}:{number}: {(text or '').strip()}"
