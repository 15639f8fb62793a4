"""The whole page as one file: texts, data, styles and scripts, and nothing from anywhere else."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from experiments.engine import output, threads
from experiments.report import chapter, explorer, lab, parity, reproduce, results, speed
from experiments.report.charts import Chart
from experiments.report.explorer import MOMENTUM
from experiments.report.lab import Size
from experiments.report.surfaces import SURFACES
from experiments.report.texts import Text, known, say
from experiments.report.words import WORDS

FILE = "report.html"
STYLES = ("page.css",)
SCRIPTS = ("page.js", "charts.js", "explorer.js", "lab.js", "start.js")


def write(
    folder: Path, size: Size | None = None, computed: Mapping[str, Any] | None = None
) -> tuple[Path, results.Results]:
    """Write the page into the folder from what is there; returns its path and what was found.

    Args:
        folder: the results, and the page.
        size: of the lab.
        computed: the lab and the explorer, where they are computed already.

    Raises:
        OutputError: it cannot be written.
    """
    found = results.read(folder)
    with threads.limited(1):
        page = render(found, size, computed)
    with output.atomic(folder / FILE) as path:
        path.write_text(page, encoding="utf-8")
    return folder / FILE, found


def render(
    found: results.Results, size: Size | None = None, computed: Mapping[str, Any] | None = None
) -> str:
    """The page as text."""
    sections, twins = chapter.sections(found), parity.section(found.parity)
    measured = speed.section(found.bench)
    charts = [chart for part in (*sections, twins, measured) for chart in part.charts]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: spans(value) if isinstance(value, Text) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"coded": coded, "known": known}
    return environment.get_template("page.html").render(
        say=say,
        sections=sections,
        overview=chapter.overview(sections),
        parity=twins,
        speed=measured,
        origins=reproduce.origins(found),
        surfaces=SURFACES,
        optimizers=[(name, MOMENTUM.get(name, "")) for name in explorer.names()],
        words=WORDS,
        data=_data(charts, size, computed or {}),
        styles=[asset(name) for name in STYLES],
        scripts=[Markup(get_plotlyjs()), *(asset(name) for name in SCRIPTS)],
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=_version(),
    )


def _data(charts: list[Chart], size: Size | None, computed: Mapping[str, Any]) -> dict[str, Any]:
    """What the scripts draw, and the Korean for what they write."""
    paths = computed.get("explorer") or explorer.as_dict()
    flows = computed.get("lab") or lab.as_dict(size)
    words = {word for chart in charts for word in chart.words()}
    words |= {*flows["activations"], *flows["named"], *(o["name"] for o in paths["optimizers"])}
    texts = map(known, sorted(words))
    return {
        "charts": {chart.name: chart.as_dict() for chart in charts},
        "explorer": paths,
        "lab": flows,
        "words": WORDS,
        "korean": {text.en: text.ko for text in texts if text.en != text.ko},
    }


def spans(text: Text) -> Markup:
    """Both languages, of which the style shows one."""
    if text.en == text.ko:
        return escape(text.en)
    return Markup('<span lang="en">{}</span><span lang="ko">{}</span>').format(*text)


def coded(text: Text | str) -> Markup:
    """What stands in backticks, as code."""
    if isinstance(text, Text):
        if text.en == text.ko:
            return coded(text.en)
        sides = (coded(side) for side in text)
        return Markup('<span lang="en">{}</span><span lang="ko">{}</span>').format(*sides)
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def asset(name: str) -> Markup:
    """A style or script of the package."""
    file = resources.files("experiments.report") / "assets" / name
    return Markup(file.read_text(encoding="utf-8"))


def _version() -> str:
    try:
        return metadata.version("lockstep-scratch")
    except metadata.PackageNotFoundError:  # straight from a checkout
        return ""
