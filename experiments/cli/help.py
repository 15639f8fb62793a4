"""What ``--help`` shows: whole words at any width, options in groups, and examples.

It is made of a command's docstring: paragraphs, and below ``Examples:`` on each line a command, and
behind a # what it does.
"""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
import typer.core

from experiments.cli.ending import console
from experiments.engine.terminal import escape, wrapped

#: The columns of a name, behind which its help begins.
NAMES = 28


class Command(typer.core.TyperCommand):
    """A command with this help."""

    def get_help(self, ctx: typer.Context) -> str:
        return _printed(_of_command(ctx, self))


class Group(typer.core.TyperGroup):
    """All commands, with this help."""

    def get_help(self, ctx: typer.Context) -> str:
        return _printed(_of_group(ctx, self))


def usage(ctx: typer.Context) -> str:
    """How a command is called, on a line."""
    arguments = [p for p in ctx.command.params if p.param_type_name == "argument"]
    names = [p.metavar if p.required else f"[{p.metavar.strip('[]')}]" for p in arguments]
    of_group = ["COMMAND"] if isinstance(ctx.command, Group) else []
    return " ".join([ctx.command_path, "[OPTIONS]", *of_group, *names])


def examples(command: Any) -> list[tuple[str, str]]:
    """Those of its docstring: what to type, and what that does."""
    _, _, last = inspect.cleandoc(command.help or "").partition("Examples:\n")
    lines = (line.partition("  #") for line in last.splitlines() if line.strip())
    return [(line.strip(), about.strip()) for line, _, about in lines]


def _of_command(ctx: typer.Context, command: Any) -> Iterator[str]:
    yield f"[bold]Usage:[/] {escape(usage(ctx))}"
    yield from _about(command)
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        heading = getattr(param, "rich_help_panel", None) or (
            "Arguments" if param.param_type_name == "argument" else "Options"
        )
        groups.setdefault(heading, []).append(_row(param))
    last = groups.pop("Options", [])
    for heading, rows in (groups | {"Options": last}).items():
        yield from _group(heading, rows)


def _of_group(ctx: typer.Context, group: Any) -> Iterator[str]:
    yield f"[bold]Usage:[/] {escape(usage(ctx))}"
    yield from _about(group)
    panels: dict[str, list[tuple[str, str]]] = {}
    for name, command in group.commands.items():
        row = name, next(_paragraphs(command), "")
        panels.setdefault(command.rich_help_panel or "Commands", []).append(row)
    for heading, rows in panels.items():
        yield from _group(heading, rows)
    yield from _group("Options", map(_row, group.get_params(ctx)))


def _about(command: Any) -> Iterator[str]:
    for paragraph in _paragraphs(command):
        yield ""
        yield f"  {escape(paragraph)}"
    if found := examples(command):
        yield from ("", "[bold]Examples[/]")
        for line, about in found:
            yield f"  {escape(line)}"
            yield f"      [dim]{escape(about)}[/]"


def _paragraphs(command: Any) -> Iterator[str]:
    """Those of the docstring, each on a line."""
    text, _, _ = inspect.cleandoc(command.help or "").partition("Examples:\n")
    for paragraph in text.strip().split("\n\n"):
        yield " ".join(paragraph.split())


def _group(heading: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from ("", f"[bold]{escape(heading)}[/]")
    for name, about in rows:
        yield f"{name}\0{about}"


def _row(param: Any) -> tuple[str, str]:
    """An option or an argument, and its help with the default."""
    about, default = escape(param.help or ""), param.default
    named = isinstance(default, str | int | float | Path) and not isinstance(default, bool)
    if named and default != "":
        shown = f"{default:g}" if isinstance(default, float) else default
        about += f" [dim]{escape(f'[{shown}]')}[/]"
    if param.param_type_name == "argument":
        return param.metavar, about
    names = ", ".join((*param.opts, *param.secondary_opts))
    return (names if param.is_flag else f"{names} {param.metavar or 'TEXT'}"), about


def _printed(lines: Iterable[str]) -> str:
    width = console.width
    with console.capture() as captured:
        for line in lines:
            name, table, about = line.partition("\0")
            for part in _columns(name, about, width) if table else wrapped(line, width, 0):
                console.print(part, soft_wrap=True)
    return captured.get().rstrip("\n")


def _columns(name: str, about: str, width: int) -> list[Any]:
    """A name and its help beside it; below it where the name is long or the terminal narrow."""
    side = NAMES if width >= 72 else 8
    if len(name) + 3 > side:
        below = wrapped(" " * side + about, width, 0)
        return [f"  {escape(name)}", *(below if about else [])]
    gap = " " * (side - 2 - len(name))
    return wrapped(f"  {escape(name)}{gap}{about}", width, side - 2)
