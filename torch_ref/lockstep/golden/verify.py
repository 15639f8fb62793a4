"""Comparing what another implementation wrote with a golden file, case by case."""

import difflib
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from torch_ref.lockstep.compare.problems import Arrays, RecordedGradients
from torch_ref.lockstep.compare.report import GRADIENT, Report, plain
from torch_ref.lockstep.compare.run import lockstep
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.golden.cause import Trajectory, common_causes
from torch_ref.lockstep.golden.manifest import NAMES, SHARED, Manifest, trajectory
from torch_ref.lockstep.golden.tensor_file import GoldenError, TensorFile
from torch_ref.lockstep.layout import Block

Settings = dict[str, Any]
Trajectories = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class CaseResult:
    """The result of one case in one dtype.

    Attributes:
        dtype, case: "float64" or "float32", and the case's number.
        hyperparameters: all that torch's class was given.
        changed: those that differ from the defaults, case 0.
        report: of the run, as the harness writes it.
    """

    dtype: str
    case: int
    hyperparameters: Settings
    changed: Settings
    report: Report

    @property
    def label(self) -> str:
        """The case in a few words."""
        return _settings(self.changed) or "the defaults"

    def as_dict(self) -> dict[str, Any]:
        """For JSON, in which no number may be infinite or NaN: those are strings."""
        report, first = self.report, None
        if report.first is not None:
            first = report.first.as_dict()
            first["parameter"] = first.pop("name")
            first["absolute"] = abs(report.first.mine - report.first.theirs)
        found = {
            "dtype": self.dtype,
            "case": self.case,
            "hyperparameters": self.hyperparameters,
            "agrees": report.agrees,
            "steps": report.steps,
            "compared": sorted({q for _, q in report.drifts if q != GRADIENT}),
            "relative": report.worst.relative,
            "ulp": report.worst.ulp,
            "first": first,
        }
        return plain(found)


@dataclass(frozen=True)
class Verification:
    """The result of comparing a candidate's trajectories with the golden ones.

    Attributes:
        candidate: the name of its file.
        manifest: of the golden file.
        results: of every case and dtype that the candidate has.
        findings: the variants that do in all cases in float64 what the candidate does.
    """

    candidate: str
    manifest: Manifest
    results: tuple[CaseResult, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every case that the candidate has agrees to rounding."""
        return not self.failed

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that diverge."""
        return tuple(result for result in self.results if not result.report.agrees)

    @property
    def shared(self) -> Settings:
        """The changed hyperparameters that all cases that diverge have, and no case that agrees."""
        if not self.failed:
            return {}
        passed = [result.changed.items() for result in self.results if result.report.agrees]
        return {
            key: value
            for key, value in self.failed[0].changed.items()
            if all((key, value) in result.changed.items() for result in self.failed)
            and passed
            and not any((key, value) in changed for changed in passed)
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "agrees": self.agrees,
            "candidate": self.candidate,
            "name": self.manifest.name,
            "class": self.manifest.torch_class,
            "torch": self.manifest.torch_version,
            "shared": self.shared,
            "findings": [
                {"names": each.names, "distance": each.distance, "theirs": each.theirs}
                for each in self.findings
            ],
            "cases": [result.as_dict() for result in self.results],
        }

    def __str__(self) -> str:
        verb = "agrees with" if self.agrees else "diverges from"
        theirs = f"{self.manifest.torch_class} ({self._owner()})"
        lines = [f"{self.candidate} {verb} {theirs}"]
        for dtype in self.manifest.tolerance:
            lines += self._lines(dtype)
        if self.shared:
            lines.append(
                f"  Every case that diverges has {_settings(self.shared)}; no case that agrees has."
            )
        causes = [
            Block("cause", each.lines(self.candidate, "together with", "bit for bit"))
            for each in self.findings
        ]
        return "\n".join([*lines, *(block.text() for block in causes)])

    def _owner(self) -> str:
        """Whose trajectories the golden ones are."""
        version = self.manifest.torch_version
        return f"torch {version}" if version else "by hand, which is proven equal to torch's"

    def _lines(self, dtype: str) -> list[str]:
        results = [result for result in self.results if result.dtype == dtype]
        if not results:
            unseen = "; float32 does not show what is below its tolerance, as ε's place may be"
            return [f"  {dtype}: not in the file{unseen if dtype == 'float64' else ''}"]
        passed = [result.report for result in results if result.report.agrees]
        written, known = len(results), len(self.manifest.cases)
        missing = f" ({known - written} more are not in the file)" if written < known else ""
        line = f"  {dtype}: {len(passed)} of {written} cases agree{missing}"
        if passed:
            relative = max(report.worst.relative for report in passed)
            ulp = max(report.worst.ulp for report in passed)
            line += f", {self.manifest.steps} steps: at most {relative:.1e} relative, {ulp:.3g} ULP"
        failed = [result for result in results if not result.report.agrees]
        return [line, *(f"    {result.label}: at {result.report.first}" for result in failed)]


def verify(golden: Path, candidate: Path) -> Verification:
    """Compare the trajectories of a candidate with the golden ones.

    Args:
        golden: a file of :func:`torch_ref.lockstep.golden.write_golden`.
        candidate: a safetensors file with ``param``, and the buffers it chooses, of any of the
            cases and dtypes under the golden file's names.

    Within a step the buffers are compared before the parameters that they lead to.

    Raises:
        GoldenError: one of the files cannot be used; the message names it, the tensor and what was
            expected.

    >>> import tempfile
    >>> from torch_ref.lockstep.golden import write_golden
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_golden("SGD", Path(folder))
    ...     verify(path, path).agrees
    True
    """
    theirs = TensorFile(golden)
    manifest = Manifest.from_json(theirs.metadata.get("manifest"), golden)
    mine = TensorFile(candidate)
    _check_names(theirs, mine, manifest)
    results, cases = [], []
    for dtype in manifest.tolerance:
        start, grads = _inputs(theirs, mine, manifest, dtype)
        steps = _by_step(grads, manifest.steps)
        for number, case in enumerate(manifest.cases):
            if any(name.startswith(f"{dtype}/{number}/") for name in mine.names):
                at, settings = (dtype, number), case.hyperparameters
                ours = _trajectories(mine, manifest, *at, False)
                torchs = _trajectories(theirs, manifest, *at, True)
                sides = _Replayed(mine.path.name, ours), _Replayed(manifest.torch_class, torchs)
                report = _compare(*sides, start, steps, manifest.tolerance[dtype])
                results.append(CaseResult(*at, settings, manifest.changed(number), report))
                if dtype == "float64":  # in which the variants are told apart
                    params = _by_step(ours["param"], manifest.steps)
                    problem = RecordedGradients(start, steps)
                    cases.append(Trajectory(settings, problem, params, report.agrees))
    if not results:
        wanted = trajectory(next(iter(manifest.tolerance)), 0, "param", "…")
        raise GoldenError(f"{candidate} has no trajectories; expected tensors such as {wanted!r}")
    tolerance = manifest.tolerance.get("float64", 0.0)
    found = common_causes(manifest.name, cases, tolerance)
    return Verification(candidate.name, manifest, tuple(results), tuple(found))


def _check_names(theirs: TensorFile, mine: TensorFile, manifest: Manifest) -> None:
    known = manifest.tensors()
    for name in mine.names:
        if name not in known:
            near = difflib.get_close_matches(name[:200], known, n=1)
            expected = f"did you mean {near[0]!r}?" if near else f"expected {NAMES['parameter']!r}"
            raise GoldenError(
                f"{mine.path}: tensor {reprlib.repr(name)} is not one of {theirs.path}; {expected}"
            )


def _inputs(
    theirs: TensorFile, mine: TensorFile, manifest: Manifest, dtype: str
) -> tuple[Arrays, Arrays]:
    """The start and the gradients; what the candidate repeats of them must be the same."""
    found: dict[str, Arrays] = {key: {} for key in SHARED}
    for parameter, shape in manifest.parameters.items():
        shapes = {"start": shape, "gradient": manifest.stacked(shape)}
        for key in SHARED:
            name = NAMES[key].format(dtype=dtype, parameter=parameter)
            found[key][parameter] = theirs.read(name, dtype, shapes[key])
            if name in mine.names:
                repeated = mine.read(name, dtype, shapes[key])
                if not np.array_equal(repeated, found[key][parameter]):
                    raise GoldenError(
                        f"{mine.path}: tensor {name!r} must be {theirs.path}'s, or be left out: "
                        "the steps are to be taken from its start and along its gradients"
                    )
    return found["start"], found["gradient"]


def _by_step(arrays: Arrays, steps: int) -> list[Arrays]:
    """What is stacked over the steps, step by step."""
    return [{name: np.asarray(values[i]) for name, values in arrays.items()} for i in range(steps)]


def _compare(
    ours: "_Replayed", torchs: "_Replayed", start: Arrays, steps: list[Arrays], tolerance: float
) -> Report:
    # A candidate may hold anything, inf and 1e300 too, and is reported, not warned of.
    with np.errstate(all="ignore"):
        problem = RecordedGradients(start, steps)
        return lockstep(ours, torchs, problem, steps=len(steps), tolerance=tolerance)


def _trajectories(
    file: TensorFile, manifest: Manifest, dtype: str, number: int, everything: bool
) -> Trajectories:
    """Return values over the steps by quantity and parameter; buffers only if present."""
    found: Trajectories = {}
    for parameter, shape in manifest.parameters.items():
        for quantity, its_shape in manifest.cases[number].quantities(parameter, shape).items():
            name = trajectory(dtype, number, quantity, parameter)
            if everything or quantity == "param" or name in file.names:
                values = file.read(name, dtype, manifest.stacked(its_shape))
                found.setdefault(quantity, {})[parameter] = values
    return found


class _Replayed:
    """A side of the harness that has taken its steps already."""

    strict = True

    def __init__(self, name: str, trajectories: Trajectories) -> None:
        self.name, self._trajectories = name, trajectories

    def start(self, params: Arrays) -> None:
        self._start, self._at = params, -1

    def step(self, grads: Arrays) -> None:
        self._at += 1

    def params(self) -> Arrays:
        return self._now("param") if self._at >= 0 else self._start

    def state(self) -> dict[str, Arrays]:
        buffers = {q: self._now(q) for q in self._trajectories if q != "param"}
        return {
            name: {q: values[name] for q, values in buffers.items() if name in values}
            for name in self._start
        }

    def _now(self, quantity: str) -> Arrays:
        return {name: np.asarray(v[self._at]) for name, v in self._trajectories[quantity].items()}


def _settings(settings: Settings) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())
