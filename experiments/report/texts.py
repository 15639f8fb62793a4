"""A text in two languages. The English one is the key, and the Korean ones have one home."""

import re
from typing import Any, NamedTuple

from experiments.report.korean import KOREAN

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)|\binf\b|\bnan\b")


class Text(NamedTuple):
    """The same in English and Korean."""

    en: str
    ko: str

    def __str__(self) -> str:
        return self.en


def say(template: str, /, **values: Any) -> Text:
    """A text of the page; values that are texts themselves are put in by language.

    >>> say("{held} of {count} claims hold in every seed", held=3, count=4).en
    '3 of 4 claims hold in every seed'
    """
    sides = (
        {name: value[side] if isinstance(value, Text) else value for name, value in values.items()}
        for side in (0, 1)
    )
    english, korean = sides
    return Text(template.format(**english), korean_of(template).format(**korean))


def known(text: str) -> Text:
    """What an experiment or a file says, which may be a text that has a Korean one.

    Numbers in it may be any: the text is looked up with ``{}`` in their places.

    >>> known("28 turns")
    Text(en='28 turns', ko='방향 전환 28번')
    >>> known("whatever a file says")
    Text(en='whatever a file says', ko='whatever a file says')
    """
    if text in KOREAN:
        return Text(text, KOREAN[text])
    if " ÷ " in text:
        return joined([known(part) for part in text.split(" ÷ ")], " ÷ ")
    korean = KOREAN.get(abstracted(text))
    if korean is None:
        return Text(text, text)
    return Text(text, korean.format(*(found.group() for found in _NUMBER.finditer(text))))


def abstracted(text: str) -> str:
    """The text with ``{}`` in place of each number.

    >>> abstracted("mean loss: Xavier 0.512, He 1e-05")
    'mean loss: Xavier {}, He {}'
    """
    return _NUMBER.sub("{}", text.replace("{", "(").replace("}", ")"))


def korean_of(template: str) -> str:
    """The Korean for a template; the template itself where there is none, which a test finds."""
    return KOREAN.get(template, template)


def joined(texts: list[Text], separator: str = " ") -> Text:
    """Several texts as one."""
    return Text(*(separator.join(text[side] for text in texts) for side in (0, 1)))


def number(value: float) -> str:
    """A number with three digits, for people.

    >>> number(0.051239), number(1234.5), number(1.2e-9)
    ('0.0512', '1,234', '1.2e-09')
    """
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.2g}"
    return f"{value:.3g}"
