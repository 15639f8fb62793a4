"""The README's pictures of the parity and of a terminal: ``python -m parity_tests.pictures``.

The first is drawn from the table of ``experiments/docs/parity.md``; the other is what the command
prints.
"""

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "experiments" / "gallery"
ROW = re.compile(r"^\| `(.+?)` \| \S+ \| (\d+) \| \S+ \| (\d+) \|", re.M)
#: Rich's template loads a font from the network; without, the reader's own is taken.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.S)


def distances() -> list[tuple[str, int, int]]:
    """Each optimizer, with its largest difference in float64 and in float32, in ULP."""
    text = (ROOT / "experiments" / "docs" / "parity.md").read_text(encoding="utf-8")
    return [(name, int(double), int(single)) for name, double, single in ROW.findall(text)]


def draw_parity(path: Path) -> None:
    """A row of dots for each optimizer."""
    names, double, single = zip(*reversed(distances()), strict=True)
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    axes.hlines(names, 0, [max(pair) for pair in zip(double, single, strict=True)], color="0.85")
    axes.plot(double, names, "o", color="#0072b2", label="float64")
    axes.plot(single, names, "D", color="#d55e00", markersize=5, label="float32")
    axes.set(xlabel="largest difference from torch in 1,000 steps, in units in the last place")
    axes.grid(axis="x", color="0.9")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=120)


def draw_terminal(path: Path, folder: Path, command: str) -> None:
    """What ``command`` prints in ``folder``, as rich exports it."""
    env = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "96", "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-m", "experiments", *command.split()]
    done = subprocess.run(arguments, cwd=folder, env=env, capture_output=True, text=True)
    console = Console(record=True, width=96, file=StringIO())
    console.print(f"[bold]$[/bold] lockstep {command}")
    console.print(Text.from_ansi(done.stdout))
    svg = console.export_svg(title="lockstep check", unique_id=path.stem)
    path.write_text(FONT_FACE.sub("", svg), encoding="utf-8")


def main() -> None:
    """Draw both."""
    draw_parity(GALLERY / "parity.png")
    with TemporaryDirectory() as folder:
        draw_terminal(Path(folder, "example.svg"), Path(folder), "check --example")
        draw_terminal(
            GALLERY / "check.svg", Path(folder), "check wrong_adam.py:Adam --against Adam"
        )


if __name__ == "__main__":
    main()
