"""What MkDocs calls while it builds the documentation (``make docs``).

The pages link to the repository, as GitHub shows them. In the built site the pictures of the
gallery lie beside the pages, a link to any other file outside of ``experiments/docs`` is its text
alone, and the commands' page is what ``lockstep --help`` knows.
"""

import re
from pathlib import Path
from typing import Any

from typer.cli import get_docs_for_click
from typer.main import get_command

from experiments import cli

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?:\.\./)+(?!gallery/)[^)]*\)")
_PICTURE = re.compile(r"\]\((?:\.\./)+gallery/")


def on_files(files: Any, config: Any) -> Any:
    """Add the gallery and the page of the commands."""
    from mkdocs.structure.files import File

    experiments = ROOT / "experiments"
    for picture in sorted(filter(Path.is_file, (experiments / "gallery").rglob("*"))):
        name = picture.relative_to(experiments).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    files.append(File.generated(config, "commands.md", content=commands()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead the links to what the site has."""
    up = "../" * page.file.src_uri.count("/")
    pictures = _PICTURE.sub(f"]({up}gallery/", markdown)
    inside = Path(config["docs_dir"])

    def kept(found: re.Match[str]) -> str:
        target = found[0].rpartition("(")[2].rstrip(")").partition("#")[0]
        file = (inside / page.file.src_uri).parent / target
        return found[0] if file.resolve().is_relative_to(inside.resolve()) else found[1]

    return _LINK.sub(kept, pictures)


def commands() -> str:
    """A page of all commands and their options, made by typer."""
    command = get_command(cli.app)
    return get_docs_for_click(
        obj=command, ctx=command.make_context("lockstep", ["list"]), name="lockstep"
    )
