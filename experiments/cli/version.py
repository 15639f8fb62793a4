"""What ``--version`` prints."""

import platform
from contextlib import suppress
from importlib import metadata

#: Of the distributions that the numbers depend on, what they are called.
PACKAGES = {"numpy": "NumPy", "torch": "torch"}


def versions() -> str:
    """That of this project and of what it computes with; nothing is imported for it.

    >>> versions().startswith("lockstep ")
    True
    """
    found = ["lockstep " + (_installed("lockstep-scratch") or "from a checkout")]
    found += [f"Python {platform.python_version()}"]
    return ", ".join(found + [f"{PACKAGES[p]} {v}" for p in PACKAGES if (v := _installed(p))])


def _installed(package: str) -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return ""
