"""Whose Adam is PyTorch's? What `lockstep survey` found, as it is committed with the project."""

import json
from collections import Counter
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from experiments.engine.texts import Text, joined, say

FILE = "survey.json"
#: A verdict in the file → its sign, and its words.
VERDICTS = {
    "agrees": ("✓", say("agrees")),
    "cannot be told apart": ("≈", say("cannot be told apart")),
    "differs": ("✗", say("differs")),
    "cannot be run": ("–", say("cannot be run")),
}
KINDS = {
    "Optimizers": say("optimizers"),
    "Schedules": say("schedules"),
    "Initializers": say("initializers"),
    "Normalization layers": say("normalization layers"),
}


@dataclass(frozen=True)
class Row:
    """One thing of a package beside torch's: each with its settings and what differs."""

    kind: str
    name: str
    against: str
    settings: str
    verdict: str
    sign: str
    words: Text
    why: str


@dataclass(frozen=True)
class Survey:
    """The section; empty where the file is not there."""

    versions: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, str]:
        return {kind: KINDS.get(kind, kind) for kind in dict.fromkeys(r.kind for r in self.rows)}

    @property
    def finding(self) -> Text:
        """How many agree."""
        count = Counter(row.verdict for row in self.rows)
        named = sum(bool(row.why) for row in self.rows if row.verdict == "differs")
        return say(
            "Of {checks} checks {agree} agree to rounding, {alike} cannot be told apart by a "
            "sample, and {differ} differ, {named} of them by a cause that is named.",
            checks=len(self.rows),
            agree=count["agrees"],
            alike=count["cannot be told apart"],
            differ=count["differs"],
            named=named,
        )


def section() -> Survey:
    """What the file says."""
    file = resources.files("experiments") / "docs" / FILE
    if not file.is_file():
        return Survey()
    content = json.loads(file.read_text(encoding="utf-8"))
    return Survey(content["versions"], [_row(check) for check in content["checks"]])


def _row(check: dict[str, Any]) -> Row:
    sign, words = VERDICTS.get(check["verdict"], ("–", VERDICTS["cannot be run"][1]))
    return Row(
        check["kind"],
        check["name"],
        check["against"],
        ", ".join(check["settings"]),
        check["verdict"],
        sign,
        words,
        str(joined(check["causes"] or [Text("")], "; ")),
    )
