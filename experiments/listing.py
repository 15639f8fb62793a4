"""The tables that ``lockstep list`` prints: the experiments, and the pairs in lockstep."""

from rich.console import Console
from rich.table import Table

import experiments
from torch_ref import registry


def print_lists(console: Console) -> None:
    """Print both tables."""
    table = Table(title="Experiments", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("name", "section", "what it shows"):
        table.add_column(column)
    for name in experiments.NAMES:
        experiment = experiments.load(name)
        table.add_row(f"[bold]{name}[/]", experiment.section, experiment.title)
    console.print(table)

    table = Table(title="\nIn lockstep", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("scratch", "torch", "section", "cases"):
        table.add_column(column)
    for row in pairs():
        table.add_row(*row)
    console.print(table)


def pairs() -> list[tuple[str, str, str, str]]:
    """(hand-written, torch's, section, cases tried) for every row of the registry."""
    modules = {"optim": registry.OPTIMIZERS, "init": registry.INITIALIZERS, "nn": registry.LAYERS}
    return [
        (f"{module}.{pair.name}", pair.torch, pair.section, str(len(pair.cases)))
        for module, table in modules.items()
        for pair in table.values()
    ]
