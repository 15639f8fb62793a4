"""The manifest of a golden file, and the names of its tensors."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch_ref.lockstep.golden.tensor_file import DTYPES, GoldenError

FORMAT, VERSION = "lockstep-golden", 2

Shape = tuple[int, ...]

#: The names of the tensors, by what they hold.
NAMES = {
    "start": "{dtype}/start/{parameter}",
    "gradient": "{dtype}/grad/{parameter}",
    "parameter": "{dtype}/{case}/param/{parameter}",
    "buffer": "{dtype}/{case}/{buffer}/{parameter}",
}
#: Those of them that all cases share.
SHARED = ("start", "gradient")


@dataclass(frozen=True)
class Case:
    """One run of an optimizer.

    Attributes:
        hyperparameters: all those of torch's class that the run was given.
        buffers: parameter → the state buffers that torch keeps for it, under torch's names → shape.
    """

    hyperparameters: dict[str, Any]
    buffers: dict[str, dict[str, Shape]]

    def quantities(self, parameter: str, shape: Shape) -> dict[str, Shape]:
        """Return a parameter's quantities with their shapes: "param" itself and its buffers."""
        return {"param": shape, **self.buffers.get(parameter, {})}


@dataclass(frozen=True)
class Manifest:
    """The description of a golden file: the JSON under ``manifest`` of its ``__metadata__``.

    Attributes:
        name: of the optimizer, in the registry.
        torch_class: the class whose trajectories these are.
        torch_version: that computed them; empty where torch was not installed, and the class is the
            hand-written one, which is proven equal to torch's.
        steps: of every case.
        parameters: name → shape.
        tolerance: dtype → the relative distance that is still rounding.
        cases: in the order of their numbers.

    >>> case = Case({"lr": 0.1}, {"w0": {"sum": (3,)}})
    >>> shapes, tolerance = {"w0": (3,)}, {"float64": 1e-12}
    >>> manifest = Manifest("SGD", "torch.optim.SGD", "2.9.0", 2, shapes, tolerance, (case,))
    >>> Manifest.from_json(manifest.to_json(), "a file").cases
    (Case(hyperparameters={'lr': 0.1}, buffers={'w0': {'sum': (3,)}}),)
    """

    name: str
    torch_class: str
    torch_version: str
    steps: int
    parameters: dict[str, Shape]
    tolerance: dict[str, float]
    cases: tuple[Case, ...]

    def stacked(self, shape: Shape) -> Shape:
        """The shape of a quantity of this shape over all steps."""
        return (self.steps, *shape)

    def tensors(self) -> set[str]:
        """The names of all tensors of the file."""
        names = set()
        for dtype in self.tolerance:
            for parameter, shape in self.parameters.items():
                names |= {NAMES[k].format(dtype=dtype, parameter=parameter) for k in SHARED}
                for number, case in enumerate(self.cases):
                    for quantity in case.quantities(parameter, shape):
                        names.add(trajectory(dtype, number, quantity, parameter))
        return names

    def changed(self, number: int) -> dict[str, Any]:
        """The hyperparameters of a case that differ from those of case 0."""
        first = self.cases[0].hyperparameters
        mine = self.cases[number].hyperparameters
        return {key: value for key, value in mine.items() if value != first.get(key)}

    def to_json(self, indent: int | None = None) -> str:
        """As JSON; the module :mod:`torch_ref.lockstep.golden` describes it."""
        renamed = {"torch_class": "class", "torch_version": "torch"}
        fields = {renamed.get(key, key): value for key, value in asdict(self).items()}
        whole = {"format": FORMAT, "version": VERSION, **fields, "tensors": NAMES}
        return json.dumps(whole, indent=indent)

    @staticmethod
    def from_json(text: Any, path: object) -> "Manifest":
        """Read what :meth:`to_json` wrote into the file at ``path``.

        Raises:
            GoldenError: it is something else.
        """
        try:
            fields = json.loads(text)
            if fields["format"] != FORMAT:
                raise ValueError
            if fields["version"] != VERSION:
                raise GoldenError(
                    f"{path} is of version {fields['version']!r} of the golden format, this reads "
                    f"{VERSION}"
                )
            return _manifest(fields)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            raise GoldenError(
                f"{path} is not a golden file: the manifest in its __metadata__ is damaged or "
                "missing; `lockstep golden NAME` writes one"
            ) from None


def trajectory(dtype: str, case: int, quantity: str, parameter: str) -> str:
    """The name of the tensor with one quantity over the steps: "param", or a buffer's name.

    >>> trajectory("float64", 0, "exp_avg", "w1")
    'float64/0/exp_avg/w1'
    """
    return NAMES["buffer"].format(dtype=dtype, case=case, buffer=quantity, parameter=parameter)


def _manifest(fields: Mapping[str, Any]) -> Manifest:
    """Raises one of the errors that ``from_json`` catches where the fields are not as they must."""
    cases = tuple(
        Case(
            _finite(dict(case["hyperparameters"])),
            {name: _shapes(buffers) for name, buffers in case["buffers"].items()},
        )
        for case in fields["cases"]
    )
    names = [fields[key] for key in ("name", "class", "torch")]
    parameters = _shapes(fields["parameters"])
    shapes = list(parameters.values())
    shapes += [s for case in cases for buffers in case.buffers.values() for s in buffers.values()]
    counts = [fields["steps"], *(n for shape in shapes for n in shape)]
    tolerance = {dtype: float(value) for dtype, value in fields["tolerance"].items()}
    if not (
        all(type(name) is str for name in names)
        and all(type(n) is int and n > 0 for n in counts)
        and all(math.isfinite(value) and value >= 0 for value in tolerance.values())
        and tolerance.keys() <= DTYPES.keys()
        and cases
        and parameters
        and tolerance
    ):
        raise ValueError
    name, cls, torchs = names
    return Manifest(name, cls, torchs, fields["steps"], parameters, tolerance, cases)


def _finite(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, which a report repeats as JSON: that knows no infinity and no NaN."""
    json.dumps(settings, allow_nan=False)
    return settings


def _shapes(fields: Mapping[str, Any]) -> dict[str, Shape]:
    return {name: tuple(shape) for name, shape in fields.items()}
