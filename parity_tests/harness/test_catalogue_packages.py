"""The rules beyond torch are what the packages have under their names, or variants of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.frameworks import needs
from torch_ref.lockstep import lockstep
from torch_ref.lockstep.compare.problems import GradientStream
from torch_ref.lockstep.diagnose.rules import FAMILIES
from torch_ref.registry import Settings, resolve

Row = tuple[str, Settings, Settings, str, Settings]
DECAYED: Settings = {"weight_decay": 0.1}

#: A family, its settings and its variant; the class of a package, and that one's settings.
CLASSES: tuple[Row, ...] = (
    ("Lion", DECAYED, {}, "lion_pytorch.Lion", DECAYED),
    ("SignSGD", {"momentum": 0.9} | DECAYED, {}, "pytorch_optimizer.SignSGD", DECAYED),
    ("LAMB", DECAYED, {"clip": 1.0}, "timm.optim.Lamb", DECAYED),
    ("LAMB", {}, {"clip": 1.0, "trust": "with decay"}, "timm.optim.Lamb", {"weight_decay": 0.0}),
    ("LARS", {"lr": 1.0} | DECAYED, {}, "timm.optim.Lars", {"momentum": 0.9} | DECAYED),
    ("AdaBelief", DECAYED, {}, "pytorch_optimizer.AdaBelief", DECAYED),
    ("AdaBelief", {"rectify": True}, {}, "timm.optim.AdaBelief", {}),
    ("Yogi", DECAYED, {}, "pytorch_optimizer.Yogi", DECAYED),
    ("NovoGrad", {}, {}, "pytorch_optimizer.NovoGrad", {}),
    ("NovoGrad", DECAYED, {"kept": "float32"}, "timm.optim.NvNovoGrad", DECAYED),
    ("Adan", DECAYED, {}, "timm.optim.Adan", DECAYED),
    ("LaProp", DECAYED, {"precision": "float32 sum"}, "timm.optim.LaProp", DECAYED),
    ("LaProp", {}, {"eps_place": "1e-15 inside"}, "pytorch_optimizer.LaProp", {}),
    ("ADOPT", DECAYED, {"clip": 0.333}, "timm.optim.Adopt", DECAYED),
    ("ADOPT", {}, {"clip_from": "t"}, "pytorch_optimizer.ADOPT", {}),
    ("MADGRAD", DECAYED, {}, "madgrad.MADGRAD", DECAYED),
    ("AdaMod", {"betas": (0.9, 0.99, 0.9999)}, {}, "pytorch_optimizer.AdaMod", {}),
    ("QHM", {"momentum": 0.9}, {}, "pytorch_optimizer.QHM", {"momentum": 0.9, "nu": 0.7}),
    ("QHAdam", {}, {"weights": "float32 sums"}, "pytorch_optimizer.QHAdam", {"nus": (0.7, 1.0)}),
    ("AdaBound", {}, {"eps_place": "1e-15 inside"}, "pytorch_optimizer.AdaBound", {}),
    ("SGDW", {"momentum": 0.9} | DECAYED, {}, "timm.optim.SGDW", {"momentum": 0.9} | DECAYED),
    ("DiffGrad", {}, {"eps_place": "1e-15 inside"}, "pytorch_optimizer.DiffGrad", {}),
    ("AdaNorm", {}, {"eps_place": "1e-15 inside"}, "pytorch_optimizer.AdaNorm", {}),
    ("StableAdamW", {}, {}, "pytorch_optimizer.StableAdamW", {}),
    ("AdamW", DECAYED, {"eps_place": "1e-15 inside"}, "pytorch_optimizer.AdamC", DECAYED),
    ("Prodigy", DECAYED, {}, "prodigyopt.Prodigy", DECAYED),
    ("DAdaptAdam", {}, {}, "dadaptation.DAdaptAdam", {}),
    ("DAdaptSGD", {}, {}, "dadaptation.DAdaptSGD", {"momentum": 0.9}),
    (
        "NAdam",
        {"lr": 1e-3, "decoupled_weight_decay": True} | DECAYED,
        {"schedule": False, "product": "double", "next_correction": "now"},
        "timm.optim.NAdamW",
        DECAYED,
    ),
    ("NAdam", {}, {"product": "double"}, "timm.optim.NAdamLegacy", {}),
    ("RAdam", {}, {"below": "nothing"}, "pytorch_optimizer.RAdam", {}),
    (
        "Adafactor",
        {"eps": (1e-30, 1e-3)},
        {"eps_place": "squares", "relative": "lr"},
        "transformers.Adafactor",
        {"lr": 0.01, "relative_step": False},
    ),
)


@pytest.mark.parametrize(
    ("family", "settings", "changes", "dotted", "theirs"),
    [
        pytest.param(*row, marks=needs(row[3].split(".")[0]), id=f"{row[0]}-{row[3]}")
        for row in CLASSES
    ],
)
def test_a_rule_is_the_class_of_a_package(
    family: str, settings: Settings, changes: Settings, dotted: str, theirs: Settings
) -> None:
    rule = FAMILIES[family](settings, **changes)
    stream = GradientStream(((7, 5), (5,)), awkward=True)
    foreach = {"foreach": False} if dotted.startswith("pytorch_optimizer") else {}
    report = lockstep(rule, resolve(dotted), stream, steps=30, **theirs, **foreach)
    assert report.agrees, str(report)


@needs("schedulefree")
@pytest.mark.parametrize("of", ["SGD", "AdamW"])
def test_schedule_free(of: str) -> None:
    import schedulefree

    settings: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.1, "warmup_steps": 5}
    rule = FAMILIES[f"ScheduleFree{of}"](settings)
    stream = GradientStream(((7, 5), (5,)), awkward=True)
    params = {name: w.copy() for name, w in stream.params.items()}
    tensors = {name: torch.tensor(w) for name, w in params.items()}
    optimizer = getattr(schedulefree, f"{of}ScheduleFree")(list(tensors.values()), **settings)
    optimizer.train()
    for _ in range(30):
        grads = stream.next()
        rule.update(params, grads)
        for name, w in tensors.items():
            w.grad = torch.tensor(grads[name])
        optimizer.step()
        for name, w in tensors.items():
            np.testing.assert_allclose(params[name], w.numpy(), rtol=1e-12, atol=1e-15)


BOTH: Settings = {"schedule": False, "product": "double"}
#: Of optax: the family, its settings and its variant; and what makes optax's.
OPTAX: tuple[tuple[str, Settings, Settings, Callable[[Any], Any]], ...] = (
    ("Lion", {"lr": 1e-3, "weight_decay": 1e-3}, {}, lambda o: o.lion(1e-3)),
    ("LAMB", DECAYED, {}, lambda o: o.lamb(1e-3, weight_decay=0.1)),
    (
        "LARS",
        {"lr": 0.1, "eps": 0.0} | DECAYED,
        {"ratio": "sum", "lr_place": "inside"},
        lambda o: o.lars(0.1, weight_decay=0.1),
    ),
    ("AdaBelief", {}, {}, lambda o: o.adabelief(1e-3)),
    ("Yogi", {}, {}, lambda o: o.yogi(1e-2)),
    ("Adan", {}, {"share": "left", "eps_place": "both"}, lambda o: o.adan(1e-3)),
    ("NAdam", {"lr": 1e-3}, BOTH, lambda o: o.nadam(1e-3)),
    ("RAdam", {}, {"eps_place": "outside"}, lambda o: o.radam(1e-3)),
    ("Rprop", {}, {"applied": "late"}, lambda o: o.rprop(1e-2)),
    (
        "Adafactor",
        {"eps": (1e-30, 1e-3)},
        {"eps_place": "squares", "relative": "lr", "averaged": "in float32", "factored": False},
        lambda o: o.adafactor(1e-2),
    ),
    ("MADGRAD", {}, {"growing": "in float32"}, lambda o: o.contrib.madgrad(1e-2)),
    ("ADOPT", {}, {}, lambda o: o.contrib.adopt(1e-3)),
)


@needs("jax", "optax")
@pytest.mark.parametrize(
    ("family", "settings", "changes", "make"), OPTAX, ids=[row[0] for row in OPTAX]
)
def test_a_rule_is_what_optax_has(
    family: str, settings: Settings, changes: Settings, make: Callable[[Any], Any]
) -> None:
    import jax
    import optax
    import optax.contrib

    # Without the denormal numbers of awkward gradients, which JAX takes for zero.
    stream = GradientStream(((7, 5), (5,)))
    rule, scale = FAMILIES[family](settings, **changes), {}
    with jax.enable_x64(True):
        mine = {name: w.copy() for name, w in stream.params.items()}
        theirs, pair = dict(stream.params), make(optax)
        state, update = pair.init(theirs), jax.jit(pair.update)
        for _ in range(15):
            grads = stream.next()
            rule.update(mine, grads)
            updates, state = update(grads, state, theirs)
            theirs = {name: np.asarray(w + updates[name]) for name, w in theirs.items()}
            for name, w in mine.items():
                scale[name] = np.maximum(scale.get(name, 0.0), np.abs(w))
                assert (np.abs(w - theirs[name]) <= 1e-12 * scale[name]).all()
