"""The result of a check: it agrees, or where it diverges, and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch_ref.lockstep.candidates.reference import OPTIMIZER
from torch_ref.lockstep.candidates.settings import Mapped, said
from torch_ref.lockstep.compare.report import Divergence, Report, plain
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.layout import Block, text

#: What the details of a check say of a finding.
_OF_DETAIL = ("names", "distance", "p", "theirs")


@dataclass(frozen=True)
class Row:
    """One measured property in which the candidate differs from its reference.

    Attributes:
        property: what was measured, in a few words.
        mine, theirs: what was found on either side; numbers are fitted, not looked up.

    >>> print(Row("decay of the second moment", "0.99", "0.999"))
    decay of the second moment: 0.99; torch's 0.999
    """

    property: str
    mine: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.property}: {self.mine}; torch's {self.theirs}"

    def cells(self) -> tuple[str, str, str]:
        """It as a row of a table."""
        return self.property, f"yours {self.mine}", f"torch's {self.theirs}"


@dataclass
class Result:
    """The result of checking an optimizer, a layer, an initializer or a schedule.

    Attributes:
        mine, theirs: what they are called.
        kind: "optimizer", "norm", "initializer" or "schedule".
        seen: how far they agree, in words; what was compared. An optimizer's is in its report.
        first: where they diverged first, a place or a short text; ``None`` if they agree.
        report: of an optimizer's run; ``None`` if it could not go to its end.
        findings: the variants that fit; all of them are the same thing as far as can be told. Empty
            if none does, or if the sides agree.
        cause: lines that say why they diverge, as far as that is known.
        portrait: the measured properties that differ, whether or not a variant is known that has
            them.
        notes: what the reader must know: the settings of both sides, what was not compared; where
            they would diverge, though they agree here.
        faults: sentences on what an optimizer does and must not do.
        dtype, steps: of the run; the steps that were taken.
        mapped: the hyperparameters, under both sides' names.
        settings: the reference's.
        lr_halved_at: the step of a diagnosis at which the candidate's lr was halved, ``None`` where
            it cannot be.
        lr_varied: whether the candidate's lr was changed in the check; ``None`` if that was not
            tried.
        rounding: whether the candidate diverges from torch, but not from torch's formula written in
            NumPy. Some settings amplify rounding errors, and then there is no cause to find.
        seconds: that the check took.
        asked: the candidate's name in its file, where it calls itself otherwise.
        stands_for: what of torch's ``theirs`` stands in for, where torch is not installed.
    """

    mine: str
    theirs: str
    kind: str
    seen: str = ""
    first: Divergence | str | None = None
    report: Report | None = None
    findings: list[Finding] = field(default_factory=list)
    cause: list[str] = field(default_factory=list)
    portrait: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    dtype: str = ""
    steps: int = 0
    mapped: list[Mapped] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    lr_halved_at: int | None = None
    lr_varied: bool | None = None
    rounding: bool = False
    seconds: float = 0.0
    asked: str = ""
    stands_for: str = ""

    @classmethod
    def of_run(cls, report: Report, dtype: str, **known: Any) -> "Result":
        """Return the result of an optimizer's run."""
        return cls(
            report.mine,
            report.theirs,
            OPTIMIZER,
            first=report.first,
            report=report,
            dtype=dtype,
            steps=report.steps,
            **known,
        )

    @property
    def agrees(self) -> bool:
        """Whether neither a difference beyond rounding or chance nor a fault was found."""
        return self.first is None and not self.faults

    @property
    def after_lr_changed(self) -> bool:
        """Whether an optimizer diverges only once lr has been halved."""
        if self.lr_halved_at is None or not isinstance(self.first, Divergence):
            return False
        return self.first.step >= self.lr_halved_at

    def explain(self, findings: list[Finding], tried: str) -> None:
        """Take the findings of a search; ``tried`` says of what, if there is none."""
        self.findings = findings
        self.cause = [finding.line(self.mine) for finding in findings] or [
            f"none of the known variants fits, {tried}: look there"
        ]

    def raise_if_diverged(self) -> None:
        """Raise an AssertionError that says where and why, if the sides do not agree."""
        if not self.agrees:
            raise AssertionError(str(self))

    def blocks(self) -> list[Block]:
        """The verdict and what differs first, the causes, what was measured, the settings."""
        settings = said(self.mapped)
        return [
            Block(self._verdict(), self._first_lines()),
            *self._causes(),
            *_unless_empty("measured", [row.cells() for row in self.portrait]),
            *_unless_empty("notes", self.notes),
            *_unless_empty("settings", settings),
        ]

    def _first_lines(self) -> list[str]:
        lines = [f"it {fault}" for fault in self.faults]
        if self.report is not None and self.report.agrees:
            worst = self.report.worst
            lines.append(
                f"{self.steps:,} steps in {self.dtype}: at most {worst.relative:.1e} relative, "
                f"{worst.ulp:.3g} ULP"
            )
        elif self.first is not None:
            lines.append(f"at {self.first}")
        if self.stands_for:
            lines.append(
                f"held against {self.theirs}, which is proven equal to {self.stands_for}; torch is "
                "not installed"
            )
        return lines

    def _causes(self) -> list[Block]:
        """What is said of all causes; then a block for each finding."""
        wording = ("together with", "bit for bit") if self.kind == OPTIMIZER else ()
        told = {each.line(self.mine, *wording): each for each in self.findings}
        found = [told[line].lines(self.mine, *wording) for line in self.cause if line in told]
        of_all = [line for line in self.cause if line not in told]
        return [
            *_unless_empty("cause", of_all),
            *(
                Block(f"cause {i} of {len(found)}" if len(found) > 1 else "cause", lines)
                for i, lines in enumerate(found, 1)
            ),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON has; inf and NaN as text."""
        report, detail = self.report, None if self.kind == OPTIMIZER else self._detail()
        found = {
            "candidate": self.asked or self.mine,
            "against": self.theirs,
            "stands_for": self.stands_for or None,
            "agrees": self.agrees,
            "dtype": self.dtype,
            "steps": self.steps,
            "settings": self.settings,
            "mapped": [asdict(each) for each in self.mapped],
            "worst": asdict(report.worst) if report else None,
            "first": self._first(),
            "faults": self.faults,
            "cause": [] if detail else self.cause,
            "findings": self._findings(),
            "portrait": [asdict(row) for row in self.portrait],
            "notes": [] if detail else self.notes,
            "detail": detail,
            "seconds": round(self.seconds, 3),
        }
        return plain(found)

    def _detail(self) -> dict[str, Any]:
        """Return the details of a check of anything but an optimizer."""
        return {
            "mine": self.mine,
            "theirs": self.theirs,
            "agrees": self.agrees,
            "seen": self.seen,
            "first": self._first(),
            "findings": [{key: each[key] for key in _OF_DETAIL} for each in self._findings()],
            "notes": list(self.notes),
        }

    def _findings(self) -> list[dict[str, Any]]:
        return [
            {
                "names": list(each.names),
                "distance": each.distance,
                "p": each.p,
                "theirs": each.theirs,
                "places": [place._asdict() for place in each.places],
            }
            for each in self.findings
        ]

    def _first(self) -> dict[str, Any] | str | None:
        return self.first.as_dict() if isinstance(self.first, Divergence) else self.first

    def _verdict(self) -> str:
        if self.agrees and self.seen:
            return self.seen
        if self.agrees:
            verb = "agrees with"
        elif self.report is not None and self.report.agrees:
            verb = "breaks the contract, though its numbers are those of"
        elif self.first is None:
            verb = "breaks the contract, and cannot be compared with"
        else:
            verb = "diverges from"
        return f"{self.mine} {verb} {self.theirs}"

    def __str__(self) -> str:
        return text(self.blocks())


def _unless_empty(heading: str, lines: Sequence[str | tuple[str, ...]]) -> list[Block]:
    return [Block(heading, lines)] if lines else []
