"""The twins that one can look at: those that the table names, all of them."""

import pytest

from torch_ref import init, optim
from torch_ref.registry import (
    INITIALIZERS,
    OPTIMIZERS,
    InitializerPair,
    OptimizerPair,
    resolve,
)


@pytest.mark.parametrize("pair", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_an_optimizer_has_a_class_of_the_two_that_the_table_names(pair: OptimizerPair) -> None:
    twin = getattr(optim, pair.name.replace("chapter.", "Chapter"))
    assert (twin.by_hand, twin.by_torch) == (pair.scratch, resolve(pair.torch))
    assert twin(**pair.cases[-1]).settings == optim.by_name(pair.name, **pair.cases[-1]).settings


@pytest.mark.parametrize("pair", INITIALIZERS.values(), ids=INITIALIZERS)
def test_an_initializer_is_drawn_by_the_function_that_the_table_names(
    pair: InitializerPair,
) -> None:
    twin = getattr(init, pair.name)
    assert twin.__doc__ == f"The twin of ``scratch.init.{pair.name}``: ``{pair.torch}``."
