"""The ways in which an optimizer may be written: each is run as it is."""

from pathlib import Path

import pytest

from parity_tests.harness.ways_of_writing import WAYS
from torch_ref.lockstep.check import check
from torch_ref.lockstep.frameworks.optimizers.templates import TEMPLATES, template

SETTINGS = {"lr": 0.01, "momentum": 0.5}


@pytest.mark.parametrize("way", WAYS)
def test_sgd_is_torchs_however_it_is_written(way: str) -> None:
    target, varied = WAYS[way]
    result = check(target, "SGD", SETTINGS, steps=20)
    assert result.agrees, result
    assert result.lr_varied is varied
    other = check(target, "SGD", SETTINGS | {"nesterov": True}, steps=20)
    assert "Nesterov ignored" in str(other), other


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_torchs_sgd_in_few_lines(name: str, tmp_path: Path) -> None:
    code = template(name)
    assert len(code.splitlines()) <= 15
    file = tmp_path / "mine.py"
    file.write_text(code)
    own = "my_sgd" if "def my_sgd" in code else "MySGD"
    result = check(f"{file}:{own}", "SGD", SETTINGS, steps=20)
    assert result.agrees, result
    assert [each.value for each in result.mapped if each.source == "--arg"] == [0.01, 0.5]
    with pytest.raises(KeyError, match="there is no template 'x'; there are update"):
        template("x")
