"""What `lockstep check` writes: at any width, for programs, for GitHub, as a badge; its example."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import typer
from click.testing import Result as Ended
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from experiments.cli import check as check_command
from experiments.cli import example, verdict
from torch_ref.lockstep.candidates.source import places
from torch_ref.lockstep.check import check
from torch_ref.lockstep.finding import Variant
from torch_ref.lockstep.frameworks import templates
from torch_ref.lockstep.layout import Block, columns
from torch_ref.lockstep.result import Row

SCHEMA = Path(check_command.__file__).parents[1] / "docs/check.schema.json"
OTHERS = """
import numpy as np
from scratch.nn import BatchNorm1d

class Biased(BatchNorm1d):
    def running_variance(self, var, n):
        return var

def decay(step):
    return 0.1 * 0.9 ** (step + 1)

def mine(shape, rng):
    return rng.normal(0, 1 / np.sqrt(shape[1]), shape)

class InPlace:
    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, params, grads):
        for name in params:
            grads[name] *= self.lr
            params[name] -= grads[name]

class Infinite:
    def update(self, params, grads):
        for name in params:
            params[name] *= np.inf
"""
#: One of each kind: what is checked, the exit status.
KINDS = [
    (f"{example.FILE}:{example.NAME} --against Adam", 1),
    (f"{example.FILE}:{example.NAME} --against chapter.Adam --arg eps=1e-7", 0),
    ("others.py:Biased --against BatchNorm1d", 1),
    ("others.py:decay --against ExponentialLR --arg gamma=0.9", 1),
    ("others.py:mine --against kaiming_normal_ --arg nonlinearity=relu", 1),
    ("others.py:mine --against lecun_normal", 0),
    ("others.py:InPlace --against SGD", 1),
    ("others.py:Infinite --against SGD", 1),
    ("others.py:Nothing --against SGD", 2),
]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """The command in a folder with the example and the others."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(check_command.check)
    Path("others.py").write_text(OTHERS)
    CliRunner().invoke(app, ["--example"])
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_example_is_written_once_and_its_mistake_is_found(command: Callable) -> None:
    source = example.FILE.read_text()
    again = command("--example")
    assert (again.exit_code, example.FILE.read_text()) == (2, source)
    assert "is left as it is" in again.stderr
    _, _, *asked = example.COMMAND.split()
    said = command(*asked)
    line = source.splitlines().index(source.splitlines()[-1]) + 1
    assert said.exit_code == 1
    assert 'agrees with "epsilon before the bias correction"' in said.stdout
    assert f"{example.FILE}:{line}: params[name] -=" in said.stdout


#: By the template, what it is held against, and with what.
TEMPLATES = {
    "layer": "--against LayerNorm",
    "initializer": "--against kaiming_normal_ --arg nonlinearity=relu",
    "schedule": "--against ExponentialLR",
}


def test_every_template_agrees_with_what_it_shows(command: Callable) -> None:
    for name in templates.TEMPLATES:
        done = command("--template", name)
        Path("mine.py").write_text(done.stdout)
        (made,) = re.findall(r"^(?:class|def) (\w+)", done.stdout, flags=re.MULTILINE)
        asked = TEMPLATES.get(name, "--against SGD").split()
        assert command(f"mine.py:{made}", *asked).exit_code == 0, name
    assert command("--template").stdout == command("--template", "update").stdout
    assert "'nothing' is not one of update, each" in command("--template", "nothing").stderr


def test_every_output_fits_the_schema(command: Callable) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for asked, status in KINDS:
        done = command(*asked.split(), "--json")
        found = json.loads(done.stdout)
        jsonschema.validate(found, schema)
        assert (done.exit_code, "error" in found) == (status, status == 2), done.output
        assert done.stderr == ""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"agrees": True}, schema)


def test_people_github_and_the_badge_are_told_the_same(command: Callable) -> None:
    for asked, status in KINDS:
        done = command(*asked.split(), "--github", "--badge", "badge.svg")
        what, _, against, *_ = asked.split()
        assert (done.exit_code, done.stderr.splitlines()[0]) == (
            status,
            f"checking {what} against {against} …",
        )
        told = [line for line in done.stdout.splitlines() if line.startswith("::")]
        kind = "notice" if status == 0 else "error"
        form = rf"::{kind} file=[\w.]+,line=\d+,title=[^,:]+::.+"
        assert told, done.output
        assert all(re.fullmatch(form, each) for each in told), told
        texts = [e.text for e in ET.parse("badge.svg").iter("{http://www.w3.org/2000/svg}text")]
        said = ("agrees with", "diverges from", "cannot be run")[status]
        assert texts[0] == "lockstep"
        assert texts[1].startswith(said)


def test_quiet_leaves_the_verdict_and_an_annotation_has_its_line(command: Callable) -> None:
    done = command(*KINDS[0][0].split(), "--quiet", "--github")
    verdict_line, told = done.stdout.splitlines()
    assert (verdict_line, done.stderr) == ("✗ Adam diverges from torch.optim.Adam", "")
    count = len(example.SOURCE.splitlines())
    assert told.startswith(f"::error file={example.FILE},line={count},title=Adam diverges from")
    # Where no line is the cause's, it is that on which the candidate begins.
    begins = OTHERS.splitlines().index("def decay(step):") + 1
    decay = command(
        "others.py:decay", "--against", "ExponentialLR", "--arg", "gamma=0.9", "--github"
    )
    assert f"::error file=others.py,line={begins}," in decay.stdout


def test_a_badge_is_a_whole_svg_and_nothing_else(command: Callable) -> None:
    assert command(*KINDS[0][0].split(), "--badge", "badge.png").exit_code == 2
    hostile = verdict.badge("lockstep", '<a href="x">&\x1b', verdict.RED)
    assert ET.fromstring(hostile)[-1][-1].text == '<a href="x">&\\x1b'


def test_one_block_a_cause_in_the_order_in_which_it_is_read(command: Callable) -> None:
    outcome = check(f"{example.FILE}:{example.NAME}", "Adam")
    outcome.portrait = [Row("decay of the second moment", "0.99", "0.999")]
    outcome.notes = ["a note"]
    headings = [block.heading for block in outcome.blocks()]
    assert headings == [
        *("Adam diverges from torch.optim.Adam", "cause", "measured", "notes", "settings")
    ]
    (measured,) = outcome.blocks()[2].body()
    assert measured == "  decay of the second moment  yours 0.99  torch's 0.999"
    # Of several, what is said of them all comes first.
    outcome.cause = [*outcome.cause * 2, "these 2 are one and the same"]
    _, of_all, first, second, *_ = outcome.blocks()
    assert of_all.body() == ["  these 2 are one and the same"]
    assert (first.heading, second.heading) == ("cause 1 of 2", "cause 2 of 2")
    assert len(verdict.annotations(outcome, "wrong_adam.py:Adam")) == len(outcome.findings) == 1


WORDS = st.text(st.characters(whitelist_categories=("L", "N", "P", "S")), min_size=1, max_size=30)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=30), max_size=5), st.integers(20, 130))
def test_a_block_fits_any_width_in_whole_words(lines: list[list[str]], width: int) -> None:
    block = Block("a heading", [" ".join(words) for words in lines])
    shown = block.text(width).split("\n")
    assert " ".join(shown).split() == ["a", "heading", *(w for words in lines for w in words)]
    for line in shown:
        assert columns(line) <= width or len(line.split()) == 1


TWICE = """
class Mine:
    def __init__(self, eps=1e-8):
        self.eps = eps

    def update(self, params, grads):
        a = 1 / (1 + self.eps)
        b = 2 / (2 + {second})

def other(eps):
    return eps
"""


def test_a_line_is_named_only_where_there_is_one_alone(tmp_path: Path) -> None:
    file, epsilon = tmp_path / "mine.py", Variant("", "", {"eps_place": "inside"})
    for second, lines in (("self.eps", []), ("3", [7])):
        file.write_text(TWICE.format(second=second))
        assert [each.line for each in places(file, "Mine", [epsilon], {})] == lines
    file.write_text("def Mine(:")
    assert places(file, "Mine", [epsilon], {}) == places(None, "Mine", [epsilon], {}) == ()
