"""Of what an average or a sum of squares is, and which of them a step is divided by."""

from torch_ref.lockstep.diagnose.variants.variant import variant

_EACH = "has a square for each element: g²"
SQUARES = (
    variant("one sum of g² for all elements of an array", _EACH, squares="sum"),
    variant("one mean of g² for all elements of an array", _EACH, "AdaGrad-Norm", squares="mean"),
    variant("one sum of g² for each row", _EACH, squares="rows"),
    variant("one sum of g² for all parameters together", _EACH, squares="all"),
    variant("|g| in place of g²", _EACH, squares="sizes"),
)
#: Of a rule with squares alone.
OLD_SUM = variant(
    "divided by the squares of the steps before",
    "has the new g² in what it divides by",
    step_by="old h",
)
