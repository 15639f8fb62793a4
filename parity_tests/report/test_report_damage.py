"""The page of damaged and hostile files: each is named, nothing of it is run, the rest is shown."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import experiments
from experiments.report import results
from experiments.report.chapter import sections
from experiments.report.results import Missing, Unreadable
from experiments.report.translations import korean
from parity_tests.report import report_results as fabricated
from parity_tests.report.report_results import Structure, rendered

HOSTILE = "</script><script>alert(1)</script>&\u2028\"'<img src=x onerror=alert(1)>"


def _truncate(home: Path) -> None:
    text = (home / "result.json").read_text()
    (home / "result.json").write_text(text[: len(text) // 2])


def _set(home: Path, key: str, value: object) -> None:
    fabricated.edit(home / "result.json", lambda info: info.update({key: value}))


def _edit_number(home: Path) -> None:
    path = home / "metrics.csv"
    path.write_text(path.read_text().replace("0,SGD", "1,SGD") + "scratch,SGD,loss,0,1,0.0\n")


def _rows(change: Callable[[list[list[str]]], object]) -> Callable[[Path], None]:
    return lambda home: fabricated.edit_rows(home, change)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_truncate, "is not JSON"),
    "empty": (lambda home: (home / "result.json").write_text(""), "is not JSON"),
    "a list": (lambda home: (home / "result.json").write_text("[]"), "has no object"),
    "not text": (lambda home: (home / "result.json").write_bytes(b"\xff\xfe\x00"), "is not JSON"),
    "NaN in JSON": (lambda home: _set(home, "seeds", [float("nan")]), "JSON knows no NaN"),
    "deep": (lambda home: (home / "result.json").write_text("[" * 10**5), "is not JSON"),
    "wrong type": (lambda home: _set(home, "seeds", "0"), "seeds is not what it should be"),
    "no seeds": (lambda home: _set(home, "seeds", []), "seeds is not what it should be"),
    "foreign backend": (lambda home: _set(home, "backends", {"jax": {}}), "backends is not"),
    "claims of a number": (lambda home: _set(home, "claims", 3), "claims is not"),
    "another's": (lambda home: _set(home, "experiment", "surface"), "of another experiment"),
    "an edited verdict": (
        lambda home: (home / "result.json").write_text(
            (home / "result.json").read_text().replace('"of": ', '"of": 1')
        ),
        "was changed after it was written",
    ),
    "edited numbers": (_edit_number, "was changed after it was written"),
    "no metrics": (lambda home: (home / "metrics.csv").unlink(), "metrics.csv"),
    "a folder": (
        lambda home: ((home / "result.json").unlink(), (home / "result.json").mkdir()),
        "is not a file",
    ),
    "another header": (_rows(lambda rows: rows[0].reverse()), "its columns are not"),
    "no numbers": (_rows(lambda rows: rows[1].__setitem__(5, "high")), "has no curves"),
    "short row": (_rows(lambda rows: rows[3].pop()), "has no curves"),
    "header alone": (_rows(lambda rows: rows.__delitem__(slice(1, None))), "there is nothing of"),
    "another seed": (_rows(lambda rows: rows[1].__setitem__(3, "7")), "is not of the seeds"),
    "infinite x": (_rows(lambda rows: rows[1].__setitem__(4, "inf")), "differ from seed to seed"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_result_is_named_and_the_others_are_read(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder / "optimizer-comparison")
    found = results.read(folder)
    bad = [item for item in found.items if isinstance(item, Missing | Unreadable)]
    assert [item.name for item in bad] == ["optimizer-comparison"]
    assert message in bad[0].why
    assert korean(bad[0].why) != bad[0].why
    shown = {part.name: part for part in sections(found)}
    assert bad[0].why in shown["optimizer-comparison"].trouble
    assert shown["init-comparison"].charts


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '{"machine": {}, "twins": [3]}'])
def test_damaged_files_are_named_and_the_page_is_made(folder: Path, content: str) -> None:
    for file in (results.SWEEP, results.BENCH, results.PARITY):
        if content == "{":
            (folder / file).write_text(content)
        else:
            fabricated.write_json(folder / file, json.loads(content))
    text = Structure(rendered(folder)).text
    for name in ("sweep", "bench", "parity"):
        assert isinstance(getattr(results.read(folder), name), Unreadable)
        assert f"The result of {name} is unreadable" in text


def test_numbers_without_what_the_figure_needs_are_no_failure(folder: Path) -> None:
    def rename(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[2] = "something"

    for name in experiments.NAMES:
        fabricated.edit_rows(folder / name, rename)
    found = Structure(rendered(folder))
    assert "Its numbers lack what the figure needs" in found.text
    assert "What the chapter says, and what was measured" in found.text


def test_a_run_that_diverged_leaves_a_gap_and_is_said(folder: Path) -> None:
    def diverge(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            if row[1] == "He" and float(row[4]) > 3:
                row[5] = "nan"

    fabricated.edit_rows(folder / "init-comparison", diverge)
    part = next(p for p in sections(results.read(folder)) if p.name == "init-comparison")
    assert part.trouble is None
    assert any("Diverges in some seed: He (scratch)" in note for note in part.notes)


def test_what_stands_in_files_is_shown_and_never_run(folder: Path) -> None:
    def rename(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[1] = HOSTILE if row[1] == "He" else row[1]

    def soil(info: dict) -> None:
        info["settings"][HOSTILE] = HOSTILE
        info["machine"] = info["python"] = info["finished"] = HOSTILE
        for claims in info["claims"].values():
            for claim in claims:
                claim["text"] = HOSTILE
                for seed in claim["seeds"]:
                    seed["measured"] = HOSTILE

    fabricated.edit_rows(folder / "init-comparison", rename)
    fabricated.edit(folder / "init-comparison" / "result.json", soil)
    fabricated.edit(folder / "bench.json", lambda b: b["sections"][0].update(title=HOSTILE))
    clean, html = Structure(rendered(folder.parent / "none")), rendered(folder)
    soiled = Structure(html)
    scripts = [sum(tag == "script" for tag, _ in s.tags) for s in (clean, soiled)]
    assert scripts[0] == scripts[1]
    assert not any("onerror" in attributes for _, attributes in soiled.tags)
    assert not any(tag == "img" for tag, _ in soiled.tags)
    assert HOSTILE in soiled.text
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert "\u2028" not in embedded[1]
    names = [trace["name"] for trace in _traces(json.loads(embedded[1]), "init-comparison-loss")]
    assert HOSTILE in names


def _traces(data: dict, chart: str) -> list[dict]:
    return [trace for panel in data["charts"][chart]["panels"] for trace in panel["traces"]]


def test_no_file_outside_is_read_because_of_what_a_file_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = folder.parent / "secret.csv"
    secret.write_text("secret")
    for name in ("surface", "zero-init"):
        info = json.loads((folder / name / "result.json").read_text())
        info |= {"dataset": {"name": "../../secret.csv", "digest": "0"}, "file": str(secret)}
        info["files"]["../../secret.csv"] = "0"
        fabricated.write_json(folder / name / "result.json", info)
    read = []
    whole = results._bytes
    monkeypatch.setattr(results, "_bytes", lambda path: read.append(path) or whole(path))
    results.read(folder)
    assert all(path.resolve().is_relative_to(folder) for path in read)
    assert len(read) == 2 * len(experiments.NAMES) + 3
