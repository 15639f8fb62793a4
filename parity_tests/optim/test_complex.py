"""Complex parameters: two real ones each, as torch's optimizers take them."""

import numpy as np
import pytest
import torch

from parity_tests.helpers import normal
from parity_tests.optimizer_helpers import ANY_SHAPE, ELEMENTWISE
from scratch import optim
from scratch.optim import blocks
from torch_ref.registry import SAME_GRADIENTS, OptimizerPair, resolve

REAL = {"complex128": "float64", "complex64": "float32"}
SHAPES = {"w": (7, 5), "z": ()}


def drawn(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.asarray(normal(seed, shape) + 1j * normal(seed + 1, shape), dtype)


@pytest.mark.parametrize("dtype", REAL)
@ELEMENTWISE
def test_a_complex_parameter_is_torchs(pair: OptimizerPair, dtype: str) -> None:
    tolerance = SAME_GRADIENTS[REAL[dtype]]
    for case in pair.cases:
        mine = pair.scratch(**case)
        params = {name: drawn(0, shape, dtype) for name, shape in SHAPES.items()}
        theirs = {name: torch.tensor(w) for name, w in params.items()}
        twin = resolve(pair.torch)(list(theirs.values()), **pair.to_torch(mine))
        for step in range(1, 21):
            grads = {name: drawn(10 * step, shape, dtype) for name, shape in SHAPES.items()}
            mine.update(params, grads)
            for name, w in theirs.items():
                w.grad = torch.tensor(grads[name])
            twin.step()
        for name, w in params.items():
            expected = theirs[name].numpy()
            np.testing.assert_allclose(w, expected, tolerance, tolerance, err_msg=f"{case}")
        buffers = mine.init_state(np.ones((7, 5))).keys() - set(mine.numbers)
        assert {mine.state["w"][key].dtype.name for key in buffers} <= {dtype}


@ELEMENTWISE
def test_it_is_two_real_ones_in_any_layout_in_blocks_and_with_rates_of_its_runs(
    pair: OptimizerPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 6)
    for lr in (0.1, np.array([0.1, 0.01, 0.1])):
        w, g = drawn(0, (6, 4), "complex128")[::2], drawn(2, (4, 3), "complex128").T
        real = {"w": np.stack([w.real, w.imag], axis=-1)}
        whole, parts = pair.scratch(lr=lr), pair.scratch(lr=lr)
        for _ in range(3):
            whole.update({"w": w}, {"w": g})
            parts.update(real, {"w": np.stack([g.real, g.imag], axis=-1)})
        np.testing.assert_array_equal(w, real["w"][..., 0] + 1j * real["w"][..., 1])


def test_who_does_not_take_every_number_alone_refuses_it() -> None:
    params, grads = {"w": np.ones((2, 2), complex)}, {"w": np.ones((2, 2), complex)}
    for pair in ANY_SHAPE.values():
        if not pair.scratch.elementwise:
            with pytest.raises(TypeError, match=r"params\['w'\] must be real for "):
                pair.scratch().update(params, grads)


@pytest.mark.parametrize("bad", [np.ones(2), np.array([1, 1j * np.inf]), np.ones(2, "complex64")])
def test_a_gradient_must_be_complex_and_finite_too(bad: np.ndarray) -> None:
    params = {"w": np.ones(2, complex)}
    with pytest.raises(ValueError, match=r"grads\['w'\] must be"):
        optim.Adam().update(params, {"w": bad})
    np.testing.assert_array_equal(params["w"], 1)
