"""What is known about a candidate's difference from torch, in data and in sentences."""

from dataclasses import dataclass

from torch_ref.lockstep.catalogue import Variant
from torch_ref.lockstep.report import Report


@dataclass(frozen=True)
class Finding:
    """Variants that, all turned on at once, do what the candidate does.

    Attributes:
        variants: one, or two.
        distance: the largest relative distance of any element of any parameter at any step.
        theirs: what the reference does instead.
    """

    variants: tuple[Variant, ...]
    distance: float
    theirs: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.variants)


@dataclass(frozen=True)
class Diagnosis:
    """What is known about a candidate's difference from torch.

    Attributes:
        report: the candidate beside torch, on the same gradients.
        findings: what does the same as the candidate, the simplest first; all of them are the same
            thing as far as this run can tell. Empty where the candidate agrees, and where nothing
            known does the same.
        tried: how many variants and pairs of variants were run.
        lr_halved_at: the step at which the candidate's lr was halved, ``None`` where it cannot be.
        rounding: whether the candidate diverges from torch, but not from torch's formula written
            in NumPy. Some settings amplify rounding errors, and then there is no cause to find.
    """

    report: Report
    findings: tuple[Finding, ...]
    tried: int
    lr_halved_at: int | None
    rounding: bool = False

    @property
    def agrees(self) -> bool:
        return self.report.agrees

    @property
    def after_lr_changed(self) -> bool:
        """Whether they diverge only once lr has been halved."""
        first, halved_at = self.report.first, self.lr_halved_at
        return first is not None and halved_at is not None and first.step >= halved_at

    @property
    def reason(self) -> str:
        """Why there is no finding."""
        if self.rounding:
            return "torch's formula in NumPy does too: these settings amplify rounding errors"
        if not self.tried:
            return "no variant was tried: its parameters become inf or NaN"
        return f"no known variant does the same: {self.tried} were tried, alone and in pairs"

    def lines(self) -> list[str]:
        """The diagnosis in sentences, the findings one a line."""
        if self.agrees:
            return [str(self.report)]
        if not self.findings:
            return [
                f"your {self.report.mine} diverges from {self.report.theirs}; {self.reason}",
                f"look first at {self.report.first}{self._lr_note()}",
            ]
        lines = [self._line(finding) for finding in self.findings]
        if len(lines) > 1:
            lines.append(
                f"in this run these {len(lines)} are one and the same: it may be any of them"
            )
        return lines

    def _line(self, finding: Finding) -> str:
        names = " together with ".join(f'"{name}"' for name in finding.names)
        apart = f"to {finding.distance:.0e}" if finding.distance else "bit for bit"
        return f"your {self.report.mine} agrees with {names} {apart}; {finding.theirs}"

    def _lr_note(self) -> str:
        if not self.after_lr_changed:
            return ""
        return f"; until lr was halved at step {self.lr_halved_at}, the two agreed"

    def __str__(self) -> str:
        return "\n".join(self.lines())
