"""Where the console script ``lockstep`` begins, once it is installed: beside everything else.

``experiments`` and ``scratch`` are what many people's folders are called, and a ``PYTHONPATH`` with
an empty entry, or a dot, makes Python look in the current folder first. So this module, which the
wheel has beside the packages, has a name that nobody else's has, and lets what would hide them come
last. Processes that are started later are given the same path.
"""

import sys
from pathlib import Path

PACKAGES = ("experiments", "scratch", "torch_ref")
#: The folder with our packages: this module's own, or further up in a checkout.
ROOT = next(up for up in Path(__file__).resolve().parents if (up / "torch_ref/registry").is_dir())


def main() -> None:
    """Run the command."""
    sys.path.sort(key=hides_ours)  # stable: the others stay in their order
    from experiments.__main__ import main as run

    run()


def hides_ours(entry: str) -> bool:
    """Whether an entry of ``sys.path`` is another folder that has one of our packages' names.

    >>> hides_ours(str(ROOT))
    False
    """
    folder = Path(entry).resolve()
    names = [name for package in PACKAGES for name in (package, f"{package}.py")]
    return folder != ROOT and any((folder / name).exists() for name in names)
