"""Optimizers as torch would have them, which has none of these."""

from typing import Any

import torch
from torch import Tensor

Group = dict[str, Any]


class Stepwise(torch.optim.Optimizer):
    """An optimizer of torch with a rule for one parameter; ``maximize`` is taken care of."""

    def __init__(self, params: Any, **settings: Any) -> None:
        for name, value in settings.items():
            numbers = value if isinstance(value, tuple) else (value,)
            if any(isinstance(number, float) and number < 0 for number in numbers):
                raise ValueError(f"{name} must be at least 0, got {value}")
        if not all(0 <= beta < 1 for beta in settings.get("betas", ())):
            raise ValueError(f"betas must be at least 0 and below 1, got {settings['betas']}")
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    g = -w.grad if group["maximize"] else w.grad
                    self.rule(_as_real(w), _as_real(g), self.state[w], group)
        return loss

    def rule(self, w: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        """Change ``w`` and the buffers in ``state`` by one step along the gradient ``g``."""
        raise NotImplementedError


def _as_real(x: Tensor) -> Tensor:
    return torch.view_as_real(x) if x.is_complex() else x


class TorchLion(Stepwise):
    """Lion; see ``scratch.optim.Lion``."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        decay = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, lr=lr, betas=betas, **decay)

    def rule(self, w: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        m = state.setdefault("exp_avg", torch.zeros_like(w))
        beta1, beta2 = group["betas"]
        w.mul_(1 - group["lr"] * group["weight_decay"])
        w.sub_(group["lr"] * torch.sign(beta1 * m + (1 - beta1) * g))
        m.mul_(beta2).add_((1 - beta2) * g)


class TorchLAMB(Stepwise):
    """LAMB; see ``scratch.optim.LAMB``."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        decay = {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, lr=lr, betas=betas, eps=eps, **decay)

    def rule(self, w: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(w), torch.zeros_like(w)
        (beta1, beta2), m, v = group["betas"], state["exp_avg"], state["exp_avg_sq"]
        t = int(state["step"].add_(1))
        m.mul_(beta1).add_(g, alpha=1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = (v / (1 - beta2**t)).sqrt_().add_(group["eps"])
        u = (m / (1 - beta1**t)).div_(root).add_(w, alpha=group["weight_decay"])
        length, step = norm(w), norm(u)
        ratio = torch.where((length > 0) & (step > 0), length / step, 1.0)
        w.sub_(group["lr"] * ratio * u)


class TorchLARS(Stepwise):
    """LARS; see ``scratch.optim.LARS``."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float | None = 1e-3,
        eps: float = 1e-8,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        trust = {"trust_coefficient": trust_coefficient, "eps": eps}
        rest = {"weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize}
        super().__init__(params, lr=lr, momentum=momentum, **trust, **rest)

    def rule(self, w: Tensor, g: Tensor, state: dict[str, Any], group: Group) -> None:
        g = self._ratio(norm(w), norm(g), group) * g.add(w, alpha=group["weight_decay"])
        mu = group["momentum"]
        if mu:
            b = state.setdefault("momentum_buffer", torch.zeros_like(w))
            b.mul_(mu).add_(g)
            g = g.add(b, alpha=mu) if group["nesterov"] else b
        w.sub_(group["lr"] * g)

    def _ratio(self, w: Tensor, g: Tensor, group: Group) -> Tensor:
        trust, decay = group["trust_coefficient"], group["weight_decay"]
        if trust is None:
            return torch.ones_like(w)
        return torch.where((w > 0) & (g > 0), trust * w / (g + decay * w + group["eps"]), 1.0)


def norm(x: Tensor) -> Tensor:
    """The Euclidean norm; torch's own takes |x| of a single element, whose square may overflow."""
    return x.square().sum().sqrt()


class TorchLookaheadAdam(torch.optim.Adam):
    """Torch's Adam with Lookahead around it; see ``scratch.optim.lookahead``."""

    def __init__(
        self, params: Any, sync_period: int = 5, slow_step_size: float = 0.5, **settings: Any
    ) -> None:
        if sync_period < 1 or not 0 <= slow_step_size <= 1:
            raise ValueError(
                "sync_period must be at least 1 and slow_step_size in [0, 1], got "
                f"{sync_period} and {slow_step_size}"
            )
        super().__init__(params, **settings)
        for group in self.param_groups:
            group.setdefault("sync_period", sync_period)
            group.setdefault("slow_step_size", slow_step_size)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        each = [(w, group) for group in self.param_groups for w in group["params"]]
        start = {w: w.clone() for w, _ in each if "slow" not in self.state.get(w, {})}
        loss = super().step(closure)
        for w, group in each:
            if w.grad is None:
                continue
            slow = self.state[w].setdefault("slow", start.get(w))
            if int(self.state[w]["step"]) % group["sync_period"] == 0:
                slow.add_(group["slow_step_size"] * (w - slow))
                w.copy_(slow)
        return loss
