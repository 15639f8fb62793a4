"""An interpreter that has the base package alone: nothing that an extra brings can be imported."""

import os
import subprocess
import sys
from pathlib import Path

from torch_ref.extras import EXTRAS

ROOT = Path(__file__).parents[2]
#: What comes first in each program.
_BLOCK = f"""\
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(EXTRAS)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nothing())
"""
_COMMAND = (
    "from experiments.__main__ import main\nsys.argv = ['lockstep', *{arguments!r}]\nmain()\n"
)


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in ``folder`` there."""
    return subprocess.run(
        [sys.executable, "-c", _BLOCK + program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def lockstep(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command there."""
    return python(_COMMAND.format(arguments=arguments), folder)
