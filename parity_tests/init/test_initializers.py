"""The initializers: equal to torch's from the same seed, and refusing what torch refuses."""

import inspect
import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.helpers import DRAWN_ALIKE, distance, loops_over
from parity_tests.random.both_generators import ANY_MEAN, GNU
from scratch import init
from scratch.random import Generator
from torch_ref import init as torch_init
from torch_ref.registry import INITIALIZERS, SAME_GRADIENTS, InitializerPair, Settings, resolve

pytestmark = pytest.mark.arithmetic

CASES = [
    (pair, case, shape)
    for pair in DRAWN_ALIKE.values()
    for case in pair.cases
    for shape in pair.shapes
    if sum(shape[:1]) % case.get("groups", 1) == 0
]
CUT_OFF_ALIKE = pytest.mark.skipif(
    "trunc_normal" not in DRAWN_ALIKE, reason="torch before 2.12 draws other numbers"
)
FANS = ("xavier", "he", "lecun_", "xavier_", "kaiming_")
TORCHS = [name for name in torch.nn.init.__all__ if name.endswith("_")]


def draw_both(
    pair: InitializerPair, case: Settings, shape: tuple[int, ...], dtype: str, seed: int = 11
) -> tuple[np.ndarray, np.ndarray]:
    generators = Generator(seed), torch.Generator().manual_seed(seed)
    mine = pair.scratch(shape, **case, generator=generators[0], dtype=dtype)
    theirs = getattr(torch_init, pair.name)(
        shape, **case, generator=generators[1], dtype=getattr(torch, dtype)
    )
    assert generators[0].rand() == torch.rand((), generator=generators[1]).item()
    return mine, theirs.numpy()


def assert_as_close_as_promised(
    pair: InitializerPair, case: Settings, mine: np.ndarray, theirs: np.ndarray
) -> None:
    """Bit for bit, but for normal numbers elsewhere than on Linux, and what LAPACK computes."""
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    if pair.draws == "orthogonal":
        apart = np.abs(mine.astype(np.float64) - theirs).max(initial=0) / abs(case.get("gain", 1))
        assert apart <= SAME_GRADIENTS[mine.dtype.name]
    elif pair.draws == "normal" and not (GNU and (ANY_MEAN or not case.get("mean"))):
        # A logarithm, a cosine or sine that are off by an ULP make three; std·x, rounded, a fourth.
        # Beside a mean, an ULP is one of the larger of the two numbers that are added.
        least = mine.dtype.type(abs(case.get("mean", 0)))
        unit = np.spacing(np.maximum(np.abs(theirs), least))
        assert np.max(np.abs(mine.astype(np.float64) - theirs) / unit, initial=0) <= 4
    else:
        np.testing.assert_array_equal(mine, theirs, strict=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@loops_over("pair case shape", CASES)
def test_the_same_seed_gives_torchs_weights(
    pair: InitializerPair,
    case: Settings,
    shape: tuple[int, ...],
    dtype: str,
    record_parity: Callable[..., None],
) -> None:
    mine, theirs = draw_both(pair, case, shape, dtype)
    # An element of an orthogonal matrix has the error of the whole of it.
    least = (
        np.abs(theirs).max(initial=0) if pair.draws == "orthogonal" else abs(case.get("mean", 0))
    )
    worst = distance(mine, theirs, least=least)
    record_parity(pair.name, dtype, "same seed", 1, worst.relative, worst.ulp)
    assert_as_close_as_promised(pair, case, mine, theirs)


# A matrix that is nearly singular has no sure rotation: how close they come is not to be promised.
@pytest.mark.parametrize(
    "pair",
    [pair for pair in DRAWN_ALIKE.values() if pair.draws != "orthogonal"],
    ids=lambda pair: pair.name,
)
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_seed_give_torchs_weights(pair: InitializerPair, data: st.DataObject) -> None:
    axes = {"eye": (2, 2), "sparse": (2, 2), "dirac": (3, 5)}.get(pair.name, (2, 5))
    size = st.integers(1, 9)
    shape = tuple(data.draw(st.lists(size, min_size=axes[0], max_size=axes[1]), "shape"))
    case = data.draw(st.sampled_from(pair.cases), "case")
    dtype = data.draw(st.sampled_from(["float64", "float32"]), "dtype")
    seed = data.draw(st.integers(0, 2**63 - 1), "seed")
    if "groups" in case:
        shape = (case["groups"] * shape[0], *shape[1:])
    mine, theirs = draw_both(pair, case, shape, dtype, seed)
    assert_as_close_as_promised(pair, case, mine, theirs)


@CUT_OFF_ALIKE
@given(
    mean=st.floats(-1, 1),
    std=st.floats(0.2, 2),
    low=st.floats(-2, 2),
    width=st.floats(0.1, 3),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_bounds_cut_the_normal_off_as_torchs(
    mean: float, std: float, low: float, width: float, seed: int
) -> None:
    case = {"mean": mean, "std": std, "a": low, "b": low + width}
    with warnings.catch_warnings(action="ignore"):
        mine, theirs = draw_both(INITIALIZERS["trunc_normal"], case, (5, 7), "float64", seed)
    np.testing.assert_array_equal(mine, theirs, strict=True)
    assert mine.min() >= low
    assert mine.max() <= low + width


@pytest.mark.parametrize("name", TORCHS)
def test_every_function_of_torchs_and_all_its_arguments_are_tried(name: str) -> None:
    pairs = [pair for pair in INITIALIZERS.values() if pair.torch == f"torch.nn.init.{name}"]
    own = next(pair for pair in pairs if pair.name == name.removesuffix("_"))
    arguments = inspect.signature(getattr(torch.nn.init, name)).parameters
    tried = {argument for case in own.cases for argument in case}
    assert tried == arguments.keys() - {"tensor", "generator"}
    assert inspect.signature(own.scratch).parameters.keys() >= tried


@pytest.mark.parametrize("pair", INITIALIZERS.values(), ids=INITIALIZERS)
def test_the_arguments_have_torchs_order_and_defaults(pair: InitializerPair) -> None:
    mine = inspect.signature(pair.scratch).parameters.values()
    mine = [(p.name, p.default) for p in mine if p.name not in ("shape", "generator", "dtype")]
    theirs = inspect.signature(resolve(pair.torch)).parameters.values()
    theirs = [(p.name, p.default) for p in theirs if p.name not in ("tensor", "generator")]
    assert mine == [] if pair.settings else mine == theirs


#: Shapes that some function has no use for, and what is out of the range of some setting.
ODD_SHAPES = ((), (5,), (3,), (3, 4), (2, 2, 2), (4, 4, 3), (5, 4, 3), (2,) * 6)
OUT_OF_RANGE = (-1.0, 0.0, 3.0, 8, "other")


def refused_by_torch(pair: InitializerPair, shape: tuple[int, ...], case: Settings) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            getattr(torch_init, pair.name)(shape, **case, generator=torch.Generator())
        except (ValueError, RuntimeError, ZeroDivisionError, TypeError, AttributeError):
            return True
    return False


@pytest.mark.parametrize("pair", DRAWN_ALIKE.values(), ids=DRAWN_ALIKE)
def test_what_torch_refuses_is_refused(pair: InitializerPair) -> None:
    asked = inspect.signature(pair.scratch).parameters.keys() - {"shape", "generator", "dtype"}
    odd = [pair.cases[0] | {name: value} for name in asked for value in OUT_OF_RANGE]
    tried = [(shape, case) for shape in ODD_SHAPES for case in (*pair.cases, *odd)]
    refused = [each for each in (*tried, *pair.refused) if refused_by_torch(pair, *each)]
    assert all(each in refused for each in pair.refused)
    for shape, case in refused:
        message = rf"\b({'|'.join([*case, 'shape'])})\b.* got "
        with pytest.raises((ValueError, TypeError), match=message):
            pair.scratch(shape, **case, generator=Generator(0))


@pytest.mark.parametrize("name", [n for n in INITIALIZERS if n.startswith(FANS)])
def test_a_layer_without_inputs_or_outputs_has_no_scale(name: str) -> None:
    for shape in ((0, 3), (3, 0), (4, 3, 0)):
        with pytest.raises(ValueError, match=r"shape must have no empty axis, got \("):
            getattr(init, name)(shape, generator=Generator(0))


def test_torchs_sparse_draws_its_zeros_from_the_global_stream_and_the_twin_does_not() -> None:
    def torchs(global_seed: int, generator: torch.Generator | None = None) -> torch.Tensor:
        torch.manual_seed(global_seed)
        w = torch.empty(20, 6, dtype=torch.float64)
        return torch.nn.init.sparse_(w, 0.4, generator=generator)

    with torch.random.fork_rng(devices=[]):
        mine = init.sparse((20, 6), 0.4, generator=Generator(5), dtype=np.float64)
        np.testing.assert_array_equal(mine, torchs(5).numpy(), strict=True)
        zeros = [torchs(seed, torch.Generator().manual_seed(5)) == 0 for seed in (0, 1)]
        assert not torch.equal(*zeros)
        before = torch.random.get_rng_state()
        torch_init.sparse((20, 6), sparsity=0.4, generator=torch.Generator().manual_seed(5))
        assert torch.equal(torch.random.get_rng_state(), before)


@CUT_OFF_ALIKE
def test_a_mean_far_outside_the_bounds_warns_on_both_sides() -> None:
    with pytest.warns(UserWarning, match=r"mean=5 is more than 2 std \(1\) outside .*\[-2, 2\]"):
        mine = init.trunc_normal((3, 4), mean=5.0, generator=Generator(0), dtype=np.float64)
    with pytest.warns(UserWarning, match="mean is more than 2 std from"):
        theirs = torch_init.trunc_normal(
            (3, 4), mean=5.0, generator=torch.Generator().manual_seed(0), dtype=torch.float64
        )
    np.testing.assert_array_equal(mine, theirs.numpy(), strict=True)


@pytest.mark.parametrize(
    ("name", "case", "message"),
    [
        ("uniform", {"a": 2}, "a must be <= b, got a=2.0 and b=1.0"),
        ("trunc_normal", {"a": 2.0, "b": math.inf}, "b must be a finite number, got inf"),
        ("dirac", {"shape": (4, 4, 3), "groups": 3}, "groups must divide the 4 outputs .*got 3"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    name: str, case: Settings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(init, name)(**{"shape": (3, 4), "generator": Generator(0)} | case)
