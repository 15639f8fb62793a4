"""The whole page as one file: texts, data, styles and scripts, and nothing from anywhere else."""

import re
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from experiments.engine import output, threads
from experiments.engine.figures import Chart
from experiments.engine.texts import Text, named, say
from experiments.report import (
    chapter,
    explorer,
    javascript,
    lab,
    parity,
    reproduce,
    results,
    speed,
    survey,
)
from experiments.report import charts as charts_
from experiments.report.javascript import optimizers
from experiments.report.rules import of_optimizer
from experiments.report.translations import korean
from experiments.report.words import WORDS

FILE = "report.html"
STYLES = ("page.css",)
SCRIPTS = (
    *("page.js", "expression.js", "walk.js", "map.js", "explorer.js"),
    *("charts.js", "plot.js", "lab.js", "survey.js", "start.js"),
)
#: What draws the charts is most of the page, and is read when the first chart comes into view.
PARSER, CHARTS = "vendor/jsep.iife.min.js", "vendor/plotly-cartesian.min.js"


def write(folder: Path) -> tuple[Path, results.Results]:
    """Write the page into the folder from what is there; returns its path and what was found.

    Args:
        folder: the results, and the page.

    Raises:
        LockstepError: it cannot be written.
    """
    found = results.read(folder)
    with threads.limited(1):
        page = render(found)
    output.write(folder / FILE, page)
    return folder / FILE, found


def render(found: results.Results) -> str:
    """The page as text."""
    sections, twins = chapter.sections(found), parity.section(found.parity)
    measured = speed.section(found.bench)
    charts = [chart for part in (*sections, twins, measured) for chart in part.charts]
    charts += [twins.dots] if twins.dots else []
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"coded": coded, "heading": heading, "text": Text, "named": named}
    environment.filters |= {"english": str, "korean": korean, "choices": charts_.choices_of}
    return environment.get_template("page.html").render(
        say=say,
        sections=sections,
        overview=chapter.overview(sections),
        parity=twins,
        survey=survey.section(),
        headline=headline(sections, twins),
        speed=measured,
        origins=reproduce.origins(found),
        words=WORDS,
        presets=lab.PRESETS,
        rules={name: of_optimizer(name, pair.scratch) for name, pair in optimizers().items()},
        data=_data(charts),
        styles=[asset(name) for name in STYLES],
        scripts=[asset(PARSER), Markup(javascript.bundled()), *map(asset, SCRIPTS)],
        plotly=asset(CHARTS),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        version=_version(),
    )


def _data(charts: list[Chart]) -> dict[str, Any]:
    """What the scripts draw, and the Korean for what they write."""
    paths = explorer.as_dict()
    words = {word for chart in charts for word in charts_.words(chart)}
    words |= {optimizer["label"] for optimizer in paths["optimizers"]}
    texts = {word if isinstance(word, Text) else named(word) for word in words}
    return {
        "charts": {chart.name: charts_.as_dict(chart) for chart in charts},
        "explorer": paths,
        "lab": lab.as_dict(),
        "words": {name: (text, korean(text)) for name, text in WORDS.items()},
        "korean": {text: korean(text) for text in sorted(texts) if korean(text) != text},
    }


def headline(sections: list[chapter.Section], twins: parity.Parity) -> list[tuple[str, Text]]:
    """The numbers that the page begins with: each and what it counts."""
    claims = [c.holds for section in sections for c in section.claims if c.judged]
    exact = [row.cells[0][0] == "0" for rows in twins.twins.values() for row in rows]
    found = [
        (str(len(exact)), say("pairs in lockstep with PyTorch")),
        (str(sum(exact)), say("of them equal bit for bit in float64")),
        (f"{sum(claims)}/{len(claims)}", say("claims of the chapter hold here")),
        (str(len(optimizers())), say("optimizers on this page proven against PyTorch")),
    ]
    return [row for row in found if row[0] not in ("0", "0/0")]


def spans(english: str, korean: str) -> Markup:
    """Both languages, of which the style shows one."""
    if english == korean:
        return escape(english)
    both = Markup('<span lang="en">{}</span><span lang="ko">{}</span>')
    return both.format(english, korean)


def shown(value: Any) -> Any:
    """A text in both languages; anything else as it is."""
    return spans(str(value), korean(value)) if isinstance(value, Text) else value


def heading(text: Text) -> Markup:
    """A title, which English begins with a capital."""
    return spans(*(title[:1].upper() + title[1:] for title in (text, korean(text))))


def coded(text: str) -> Markup:
    """What stands in backticks, as code."""
    sides = (
        re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(s))) for s in (str(text), korean(text))
    )
    return spans(*map(Markup, sides))


def asset(name: str) -> Markup:
    """A style or script of the package."""
    file = resources.files("experiments.report") / "assets" / name
    return Markup(file.read_text(encoding="utf-8"))


def _version() -> str:
    try:
        return metadata.version("lockstep-scratch")
    except metadata.PackageNotFoundError:  # straight from a checkout
        return ""
