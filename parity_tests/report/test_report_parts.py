"""What the page is made of: curves, paths, layers, distances, conventions."""

import ast
import base64
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import experiments
from experiments import cli
from experiments.data import Dataset
from experiments.parity import drift, run, twins
from experiments.report import chapter, charts, javascript, results, rules, survey
from experiments.report.reasons import REASONS
from experiments.report.why import WHY
from parity_tests.report import report_results
from torch_ref import registry
from torch_ref.conventions import CONVENTIONS, Convention, as_markdown

ROOT = Path(__file__).parents[2]


def test_a_curve_is_thinned_and_keeps_its_extremes() -> None:
    values = np.sin(np.arange(10_000) / 50)
    values[[1234, 7777]] = 9, -9
    at = charts.thinned(values)
    assert len(at) <= charts.MOST
    assert {0, 1234, 7777, 9999} <= set(at.tolist())


def test_packed_numbers_are_what_plotly_reads() -> None:
    packed = charts.pack([[1.5, np.nan]])
    assert packed["shape"] == "1,2"
    raw = np.frombuffer(base64.b64decode(packed["bdata"]), "<f4")
    np.testing.assert_array_equal(raw, [1.5, np.nan])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("optimizers", "SGD"),
        ("optimizers", "SparseAdam"),
        ("schedules", "OneCycleLR"),
        ("schedules", "SequentialLR"),
        ("initializers", "orthogonal"),
        *(("layers", name) for name in registry.LAYERS),
    ],
)
def test_a_twin_is_measured_to_rounding(title: str, name: str) -> None:
    distances = twins.worst(title, twins.TABLES[title][0][name])
    assert distances["float64"].relative < 1e-13
    assert all(found.relative < 1e-5 for found in distances.values())


def test_float32_drifts_from_float64_and_less_from_torch(mnist: Dataset) -> None:
    settings = drift.DriftSettings(sizes=(784, 8, 10), steps=(1, 4), optimizers=("SGD",))
    (found,) = drift.measured(settings, mnist, lambda _: None)
    assert found["steps"] == [1, 4]
    ends = {name: values[-1] for name, values in found["distance"].items()}
    assert 1e-10 < ends["scratch float32 – scratch float64"] < 1e-6
    assert ends["scratch float64 – torch float64"] < 1e-15


def test_the_command_measures_what_the_page_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "measured", lambda *_: iter([]))
    monkeypatch.setattr(drift, "measured", lambda *_: [])
    done = CliRunner().invoke(cli.app, ["parity", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == str(tmp_path / run.FILE)
    found = results.read(tmp_path).parity
    assert len(found.info["conventions"]) == len(CONVENTIONS)


def test_the_readme_has_the_table_of_conventions() -> None:
    assert as_markdown() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("convention", CONVENTIONS, ids=[c.name for c in CONVENTIONS])
def test_a_convention_makes_a_difference_and_none_once_it_is_aligned(
    convention: Convention,
) -> None:
    apart, aligned = convention.measure()
    assert apart > 0.01
    assert aligned < 1e-14


def test_a_reason_is_of_a_claim_and_stands_where_it_does_not_hold() -> None:
    claims = {c.text for name in experiments.NAMES for c in experiments.load(name).claims}
    assert REASONS.keys() <= claims
    text = next(iter(REASONS))
    for holds, expected in ((0, REASONS[text]), (1, None)):
        verdicts = [chapter.Verdict("scratch", holds, 1)]
        assert chapter.JudgedClaim("", text, verdicts, []).why == expected


def test_one_seed_is_told_without_counting() -> None:
    words = [chapter.Verdict("torch", *of).words for of in ((1, 1), (0, 1), (2, 3))]
    assert words == ["holds", "does not hold", "holds in only 2 of 3 seeds"]


def test_settings_other_than_the_chapters_judge_nothing(whole_results: Path) -> None:
    found = chapter.sections(results.read(whole_results))  # a quick run's
    claims = [claim for part in found for claim in part.claims]
    assert {(v.sign, v.words) for claim in claims for v in claim.verdicts} == {("–", "not judged")}
    assert {claim.why for claim in claims} == {None}
    assert chapter.overview(found) == (None, [])


def test_every_experiment_has_its_rule_and_why_and_each_formula_is_mathml() -> None:
    assert rules.RULES.keys() == WHY.keys() == set(experiments.NAMES)
    shown = [rule for each in rules.RULES.values() for rule in each]
    shown += [rules.of_optimizer(name, p.scratch) for name, p in javascript.optimizers().items()]
    for rule in shown:
        math = ElementTree.fromstring(f"<p>{rule.formula}</p>")
        leaves = "".join(math.itertext())
        assert "\\" not in leaves, leaves  # a command that was not understood
        assert "&" not in leaves, leaves
        if rule.code:
            assert ast.parse(rule.source, rule.file).body
            assert (ROOT / rule.file).is_file()
    bare = [rule.name for rule in shown if not rule.formula]
    assert bare == ["LookaheadAdam"]  # made of Adam's, whose formula alone would be wrong


def test_where_scratch_and_torch_part_visibly_the_section_says_from_when(folder: Path) -> None:
    home, name = folder / "optimizer-comparison", "optimizer-comparison"
    before = next(p for p in chapter.sections(results.read(folder)) if p.name == name)

    def away(rows: list[list[str]]) -> None:
        for row in rows:
            if row[:3] == ["torch", "SGD", "loss"] and float(row[4]) >= 2:
                row[5] = str(float(row[5]) * 2)

    report_results.edit_rows(home, away)
    after = next(p for p in chapter.sections(results.read(folder)) if p.name == name)
    assert "SGD (from 2 on)" in str(after.parting)
    assert "SGD (from 2 on)" not in str(before.parting)


def test_the_survey_on_the_page_is_the_committed_one() -> None:
    found = survey.section()
    assert {row.verdict for row in found.rows} <= survey.VERDICTS.keys()
    assert set(found.kinds) <= survey.KINDS.keys()
    differ = sum(row.sign == "✗" for row in found.rows)
    assert f"{differ} differ" in found.finding
    assert f"{differ} differ" in (ROOT / "experiments" / "docs" / "survey.md").read_text("utf-8")


def test_it_is_said_whose_a_claim_is(folder: Path) -> None:
    found = {part.name: part for part in chapter.sections(results.read(folder))}
    whose = [claim.ours for claim in found["batchnorm-scales"].claims]
    assert whose == [claim.ours for claim in experiments.load("batchnorm-scales").claims]
    assert {True, False} == set(whose)
