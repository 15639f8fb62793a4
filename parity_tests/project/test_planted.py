"""The faults that are planted by hand: each of them still is one."""

import ast
from pathlib import Path

import pytest

from parity_tests.planted import FAULTS, ROOT, Fault, files_of


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted(fault: Fault, tmp_path: Path) -> None:
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    path = tmp_path / fault.file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    fault.plant(tmp_path)
    assert ast.dump(ast.parse(path.read_text(encoding="utf-8"))) != ast.dump(ast.parse(text))
    assert list(files_of(fault.tests, ROOT))
    with pytest.raises(ValueError, match="once, for"):
        fault.plant(tmp_path)


def test_no_two_have_one_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
