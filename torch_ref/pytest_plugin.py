"""The pytest plugin: a fixture ``lockstep`` that compares an optimizer with torch's.

It stands here, outside of ``torch_ref.lockstep``, so that pytest starts without importing torch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch_ref.lockstep.result import Result


@pytest.fixture
def lockstep() -> Callable[..., "Result"]:
    """Assert that an optimizer does what torch's does, or say at which step and why not.

    ``lockstep(mine, theirs, *, dtype="float64", steps=200, seconds=20.0, **settings)``: as
    ``torch_ref.lockstep.check.check``, which it calls. An optimizer that is made already keeps its
    hyperparameters, and the settings are torch's; a class is made with the settings, too::

        def test_my_adam(lockstep):
            lockstep(MyAdam(lr=1e-3), torch.optim.Adam, lr=1e-3)
    """

    def compare(
        mine: Any,
        theirs: Any,
        *,
        dtype: Any = "float64",
        steps: int = 200,
        seconds: float = 20.0,
        **settings: Any,
    ) -> "Result":
        __tracebackhide__ = True
        from torch_ref.lockstep.check import check

        outcome = check(mine, theirs, settings, dtype=dtype, steps=steps, seconds=seconds)
        if not outcome.agrees:
            raise AssertionError(str(outcome))
        return outcome

    return compare
