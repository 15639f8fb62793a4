"""Which tests one process of several runs, so that what they share is made once."""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

#: Their tests share nothing and take a second or more each.
APART = ("test_optimizers", "test_training", "test_same_seed")


class TogetherByFile(LoadScopeScheduling):
    """The tests of a file stay together, largest files first; the long ones fill up the end.

    A test of a file ``APART`` is a file to itself, so that every process is busy to the end. The
    files on the report are one: they look at the same results.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    """What is shared out as one piece, of which a test is a part."""
    file = nodeid.partition("::")[0]
    name = PurePath(file).stem
    if name in APART:
        return nodeid
    return "report" if name.startswith("test_report") else file
