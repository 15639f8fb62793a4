"""How much memory a container leaves its processes: a control group's limit, less what is used.

The system's own account, ``/proc/meminfo``, is of the whole machine. Both versions of Linux's
control groups are read; see its ``Documentation/admin-guide/cgroup-v2.rst`` and ``cgroup-v1``.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class _Version(NamedTuple):
    """Where a version of control groups has its files, and what it calls them."""

    mount: str
    limit: str
    used: str
    reclaimable: tuple[str, ...]  # in memory.stat: what files take that can be read again


_V2 = _Version("sys/fs/cgroup", "memory.max", "memory.current", ("active_file", "inactive_file"))
_V1 = _Version(
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)


def left(root: Path = Path("/")) -> int | None:
    """The bytes that this process's groups leave it; ``None`` where there is no limit.

    A group may be limited by those above it; the least counts.
    """
    rooms = [
        room for version, group in _groups(root) if (room := _room(version, group)) is not None
    ]
    return min(rooms, default=None)


def _groups(root: Path) -> Iterator[tuple[_Version, Path]]:
    """The process's own groups and those above, as far as they are to be seen from here."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:  # 0::/path, or 4:memory:/path
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        version = _V1 if controllers else _V2
        inner = PurePosixPath(path.lstrip("/"))
        if ".." in inner.parts:  # it is above what is to be seen from here
            inner = PurePosixPath()
        for each in (inner, *inner.parents):
            yield version, root / version.mount / each


def _room(version: _Version, group: Path) -> int | None:
    try:
        limit, used = (int((group / name).read_text()) for name in (version.limit, version.used))
        lines = (group / "memory.stat").read_text().splitlines()
        counts = dict(line.split(maxsplit=1) for line in lines)
        again = sum(int(counts.get(name, 0)) for name in version.reclaimable)
        return max(0, limit - used + again)
    except (OSError, ValueError):  # no such group, or its limit is "max"
        return None
