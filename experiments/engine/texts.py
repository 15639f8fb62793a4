"""Texts for people: English strings that know their template, so that they can be translated."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLACE = re.compile(r"\{(\w+)\}")


class Text(str):
    """A string that remembers what it was made of.

    Attributes:
        template: the text with names in braces, by which a catalogue has its translation.
        values: what stands in their places; those that are texts are translated, too.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, values: Mapping[str, str] | None = None) -> "Text":
        text = super().__new__(cls, _filled(template, values or {}))
        text.template, text.values = template, values or {}
        return text

    def translated(self, catalogue: Mapping[str, str]) -> str:
        """In the language of the catalogue; English where that has no translation."""
        values = {
            name: value.translated(catalogue) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return _filled(catalogue.get(self.template) or self.template, values)


def say(template: str, /, **values: Any) -> Text:
    """A text. ``make texts`` finds it by the name of this function and its first argument.

    >>> say("{held} of {count} claims hold in every seed", held=3, count=4)
    '3 of 4 claims hold in every seed'
    >>> say("{count} turns", count=28).translated({"{count} turns": "방향 전환 {count}번"})
    '방향 전환 28번'
    """
    return Text(template, {k: v if isinstance(v, Text) else str(v) for k, v in values.items()})


def joined(texts: Sequence[str], separator: str = " ") -> Text:
    """Several texts as one.

    >>> joined(["SGD", say("decay")], ", ").translated({"decay": "감소"})
    'SGD, 감소'
    """
    if len(texts) == 1:
        return texts[0] if isinstance(texts[0], Text) else Text("{0}", {"0": texts[0]})
    values = {str(i): text for i, text in enumerate(texts)}
    return Text(separator.join(f"{{{i}}}" for i in values), values)


def named(name: str) -> Text:
    """What a run is called; its name is in parts, each of which may have a translation.

    >>> named("sigmoid, std 1").translated({"sigmoid": "시그모이드", "std 1": "표준편차 1"})
    '시그모이드, 표준편차 1'
    """
    return joined([Text(part) for part in name.split(", ")], ", ")


def parts(content: Any) -> dict[str, dict[str, Any]]:
    """Of every text with values in what is to be written as JSON: its template and its values.

    >>> parts({"claims": [{"measured": say("{count} turns", count=28)}]})
    {'28 turns': {'template': '{count} turns', 'values': {'count': '28'}}}
    """
    return {str(t): {"template": t.template, "values": dict(t.values)} for t in _texts(content)}


def restored(text: str, found: Mapping[str, Mapping[str, Any]]) -> Text:
    """A text as it was before it was written, from its ``parts`` in the same file.

    >>> restored("28 turns", parts(say("{count} turns", count=28))).template
    '{count} turns'
    """
    if text not in found:
        return Text(text)
    values = found[text]["values"].items()
    # What stands in a text is shorter than it, whatever the file says: so this ends.
    shorter = {k: restored(v, found) if len(v) < len(text) else v for k, v in values}
    return Text(found[text]["template"], shorter)


def number(value: float) -> str:
    """A number with three digits, for people.

    >>> number(0.051239), number(1234.5), number(1.2e-9)
    ('0.0512', '1,234', '1.2e-09')
    """
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.2g}"
    return f"{value:.3g}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)


def _texts(content: Any) -> Iterator[Text]:
    if isinstance(content, Text) and content.values:
        yield content
        content = content.values
    if isinstance(content, Mapping):
        content = content.values()
    if not isinstance(content, str) and hasattr(content, "__iter__"):
        for each in content:
            yield from _texts(each)
