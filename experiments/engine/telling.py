"""What is said of an experiment's result in a terminal: its claims, and how far both sides part."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from experiments.engine.terminal import escape, show

#: Results as ``result.json`` has them.
Result = Mapping[str, Any]
#: Below this both sides agree to rounding in float32, which a training may make larger later.
ROUNDING = 1e-5


def tell(console: Console, result: Result) -> None:
    """A line for the experiment, for each claim, and for both sides."""
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in result["seconds"].items())
    show(console, f"[bold]{result['experiment']}[/] ({result['section']}) in {seconds}")
    if result["quick"]:
        count = len(next(iter(result["claims"].values())))
        claims = f"its {count} claims are" if count > 1 else "its claim is"
        show(console, f"  – {claims} not judged: --quick is too short for them")
    else:
        for claim in claims_of(result):
            tell_claim(console, claim)
    if result["distance"] is not None:
        show(console, f"    [dim]{escape(both_sides(result))}[/]")


def is_done(console: Console, name: str, altered: Sequence[str] | None) -> bool:
    """Whether a result is as it was written, and need not be computed; says it, or what is not.

    Args:
        altered: what ``output.altered`` found.
    """
    if altered:
        changed = escape(", ".join(altered))
        show(console, f"[bold]{name}[/]: not as it was written: {changed}; it is run again")
    if altered == []:
        show(console, f"[bold]{name}[/] is done already; --force runs it again")
    return altered == []


def claims_of(result: Result) -> list[dict[str, Any]]:
    """For each claim what both sides say of it, by their names."""
    by_backend = result["claims"]
    rows = zip(*(by_backend.get(name) or () for name in result["backends"]), strict=True)
    return [dict(zip(result["backends"], row, strict=True)) for row in rows]


def holds(claim: Mapping[str, Any]) -> bool:
    """Whether it does, in every seed of every side."""
    return all(judged["holds"] == judged["of"] for judged in claim.values())


def tell_claim(console: Console, claim: Mapping[str, Any], of: str = "") -> None:
    """Its mark and text; where it does not hold, what was measured.

    Args:
        of: whose it is, before the text.
    """
    first = next(iter(claim.values()))
    mark = "[green]✓[/]" if holds(claim) else "[red]✗[/]"
    counts = ", ".join(f"{name} {c['holds']}/{c['of']}" for name, c in claim.items())
    counted = f" [dim]({escape(counts)})[/]" if first["of"] > 1 else ""
    whose = " [dim](ours, not the chapter's)[/]" if first.get("ours") else ""
    show(console, f"  {mark} {escape(of)}{escape(first['text'])}{counted}{whose}")
    for line in _against(claim):
        show(console, f"      [dim]{escape(line)}[/]")


def _against(claim: Mapping[str, Any]) -> Iterator[str]:
    """Of each side in whose seeds it does not hold, what the first of those showed."""
    for name, judged in claim.items():
        for seen in [seen for seen in judged["seeds"] if not seen["holds"]][:1]:
            seed = f", seed {seen['seed']}" if judged["of"] > 1 else ""
            yield f"{name}{seed}: {seen['measured']}"


def both_sides(result: Result) -> str:
    """How far scratch and torch are apart, from where on, and what is known of why.

    >>> both_sides({"distance": {"f": 0.0, "x": 3e-16}, "parting": None})
    'scratch and torch agree to 3e-16'
    """
    distance = {metric: float(value) for metric, value in result["distance"].items()}
    if (parting := result["parting"]) is None:
        return f"scratch and torch agree to {max(distance.values(), default=0.0):.0e}"
    apart = ", ".join(
        f"{metric} {value:.1%}" if math.isfinite(value) else f"{metric}, where one side diverged"
        for metric, value in distance.items()
        if value > parting["limit"]
    )
    where = f"{parting['metric']} of {parting['run']}"
    if parting["first"] > ROUNDING:
        return f"scratch and torch differ in the {where} from the first on; at most: {apart}"
    return (
        f"scratch and torch agree in the {where} to {parting['first']:.0e} at first, and part at "
        f"x = {parting['x']:g}; at most: {apart}. Training has made a difference of rounding larger"
    )
