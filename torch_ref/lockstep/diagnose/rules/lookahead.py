"""Lookahead around another optimizer, and the known ways to write it otherwise."""

from typing import Any, ClassVar

from torch_ref.lockstep.diagnose.rules.base import Arrays, Settings, UpdateRule
from torch_ref.lockstep.diagnose.variants.variant import variant

_SLOW = "has slow weights s from the start: s += {slow_step_size:g}·(w − s), w = s at each sync"
_SYNCHRONIZED = (
    variant("slow weights from the first synchronization on", _SLOW, "timm", slow="late"),
    variant("slow weights alone: w is not set to them", _SLOW, reset=False),
    variant("slow_step_size inverted", _SLOW, slow_step_size=lambda part: 1 - part),
    variant("synchronized one step early", _SLOW, offset=1),
)


def around(base: type[UpdateRule]) -> type[UpdateRule]:
    """The optimizer with slow weights, towards which it is set back after every few steps.

    >>> import numpy as np
    >>> from torch_ref.lockstep.diagnose.rules.sgd import SGDRule
    >>> rule, params = around(SGDRule)({"lr": 1.0, "sync_period": 2}), {"w": np.array([0.0])}
    >>> for _ in range(2):
    ...     rule.update(params, {"w": np.array([-1.0])})
    >>> params["w"]  # halfway back from 2
    array([1.])
    """
    inner = base.__name__.removesuffix("Rule")
    own: dict[str, Any] = {
        "__doc__": f"Lookahead around {inner}: slow weights come nearer in every period.",
        "VARIANTS": _SYNCHRONIZED,
        "DEFAULTS": {**base.DEFAULTS, "sync_period": 5, "slow_step_size": 0.5},
        "FORMS": {**base.FORMS, **_Lookahead.OWN},
    }
    return type(f"Lookahead{inner}Rule", (_Lookahead, base), own)


class _Lookahead(UpdateRule):
    """The slow weights.

    ========== ======================================================================
    ``slow``   weights from the "start", or "late": from the first synchronization
    ``reset``  whether w is set to them
    ``offset`` how many steps early they meet for the first time
    ========== ======================================================================
    """

    PAPER: ClassVar[str] = "Zhang et al. 2019, arXiv:1907.08610"
    OWN: ClassVar[Settings] = {"slow": "start", "reset": True, "offset": 0}
    _steps = 0

    def update(self, params: Arrays, grads: Any) -> None:
        if not self._steps:
            self._slow = {name: w.copy() for name, w in params.items()}
        super().update(params, grads)
        self._steps += 1
        times, rest = divmod(self._steps + self.form["offset"], self.settings["sync_period"])
        if rest:
            return
        for name, w in params.items():
            slow = w if self.form["slow"] == "late" and times == 1 else self._slow[name]
            self._slow[name] = slow + self.settings["slow_step_size"] * (w - slow)
            if self.form["reset"]:
                w[...] = self._slow[name]
