"""The pictures of the catalogue's page: what each variant does, beside the rule without it.

They are made with the page, by ``python -m parity_tests.catalogue_page``. The runs are those of the
portrait: every parameter has another series of gradients, and lr is halved halfway. Each variant
is shown by the run in which it stands out most.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from parity_tests.harness.catalogue_cases import cases
from torch_ref.lockstep.diagnose.portrait.experiment import HALF, LATE, PARAMETERS, SCALES, STEPS
from torch_ref.lockstep.diagnose.rules import FAMILIES, UpdateRule
from torch_ref.registry import Settings

#: What a run is called, by the name of its parameter in the portrait; the plainest first.
CALLED = {
    "steady": "the same gradient",
    "impulse": "one gradient, then none",
    "late": f"none before step {LATE}",
    "vector": "no gradient (vector)",
    "matrix": "no gradient (matrix)",
    "uneven": "uneven gradients",
    "odd": "uneven gradients",
    "one changed": "one element × 100",
    "scaled": "gradient {scale:.0e}",
}
COLUMNS, WIDE, HIGH, LEFT, ABOVE = 6, 150, 104, 8, 20
#: Of the picture's height: what differs by more is plain, by less than the other cannot be seen.
PLAIN, SEEN = 0.3, 0.05
#: Beyond the rule's own range, in its heights, a variant is cut off.
BEYOND = 1.0


class Shown(NamedTuple):
    """How a variant differs: two paths of one element, and by how much of the picture's height."""

    called: str
    rule: np.ndarray
    variant: np.ndarray
    seen: float


def trajectories(rule: UpdateRule) -> dict[str, np.ndarray]:
    """Where each element is before the first step and after each."""
    axes, params = rule.AXES, {}
    for name, (shape, value, _) in PARAMETERS.items():
        if len(shape) >= axes:
            params[name] = value * (1.0 + np.arange(np.prod(shape))).reshape(shape)
    found = {name: [w.ravel().copy()] for name, w in params.items()}
    for step in range(1, STEPS + 1):
        rule.lr *= 0.5 if step == HALF else 1.0
        rule.update(
            params, {name: PARAMETERS[name][2](step, w.shape) for name, w in params.items()}
        )
        for name, w in params.items():
            found[name].append(w.ravel().copy())
    return {name: np.array(path) for name, path in found.items()}


def shown(family: str) -> dict[str, Shown]:
    """By variant, the run in which it stands out; with the defaults if it can be seen there."""
    rule = FAMILIES[family]
    settings: list[Settings] = sorted(cases(family), key=len)
    plain = [trajectories(rule(each)) for each in settings]
    found = {}
    for variant in rule.VARIANTS:
        best: Shown | None = None
        for case, without in zip(settings, plain, strict=True):
            best = _better(best, _most(without, trajectories(rule(case, **variant.changes))))
            if best.seen > PLAIN:
                break
        assert best is not None
        found[variant.name] = best
    return found


def _better(a: Shown | None, b: Shown) -> Shown:
    return b if a is None or min(b.seen, PLAIN) > a.seen else a


def _most(rule: Mapping[str, np.ndarray], variant: Mapping[str, np.ndarray]) -> Shown:
    """The element that differs most, or the first in which it is plain."""
    names = [name for name in CALLED if name in rule]
    each = [s for name in names for s in _elements(name, rule[name], variant[name])]
    return max(each, key=lambda s: min(s.seen, PLAIN))


def _elements(name: str, rule: np.ndarray, variant: np.ndarray) -> Iterator[Shown]:
    for i, (ours, theirs) in enumerate(zip(rule.T, variant.T, strict=True)):
        height = np.ptp(ours) or np.ptp(np.nan_to_num(theirs, posinf=0, neginf=0))
        reach = BEYOND * height
        cut = np.clip(np.nan_to_num(theirs, nan=np.inf), ours.min() - reach, ours.max() + reach)
        whole = np.ptp(np.concatenate([ours, cut]))
        seen = float(np.abs(cut - ours).max() / whole) if whole else 0.0
        scale = SCALES[i] if name == "scaled" else 1.0
        yield Shown(CALLED[name].format(scale=scale), ours, cut, seen)


def picture(family: str) -> str:
    """A panel for each variant, with its number in the table."""
    panels = shown(family).values()
    rows = -(-len(panels) // COLUMNS)
    size = f"{COLUMNS * WIDE} {rows * HIGH}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
        'font-family="system-ui, sans-serif" font-size="10" fill="#57606a">'
        "<style>path{fill:none;stroke-width:1.5}.a{stroke:#8c959f;stroke-width:4}"
        ".b{stroke:#d55e00}</style>"
        f"<title>The variants of {family}</title>"
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
    )
    drawn = "\n".join(_panel(i, each) for i, each in enumerate(panels))
    return f"{head}{drawn}\n</svg>\n"


def _panel(i: int, each: Shown) -> str:
    x, y = i % COLUMNS * WIDE, i // COLUMNS * HIGH
    low, high = (f(np.concatenate([each.rule, each.variant])) for f in (np.min, np.max))
    rule, variant = (_path(path, low, high) for path in (each.rule, each.variant))
    text = each.called if each.seen > SEEN else f"{each.seen:.0e} of the height apart"
    return (
        f'<g transform="translate({x} {y})"><text x="{LEFT}" y="14">'
        f'<tspan font-weight="700" fill="#1b1f24">{i + 1}</tspan> {text}</text>'
        f'<path class="a" d="{rule}"/><path class="b" d="{variant}"/></g>'
    )


def _path(values: np.ndarray, low: float, high: float) -> str:
    """In whole pixels, which are the same on every processor."""
    xs = LEFT + np.arange(len(values)) * ((WIDE - 2 * LEFT) / STEPS)
    ys = ABOVE + (high - values) / ((high - low) or 1.0) * (HIGH - ABOVE - 12)
    return "M" + " ".join(f"{x:.0f} {y:.0f}" for x, y in zip(xs, ys, strict=True))
