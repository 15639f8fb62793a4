"""The page in two languages: every text has a Korean one, and one that lacks it is English."""

import re
from pathlib import Path

import pytest

from experiments.engine.texts import joined, parts, restored, say
from experiments.report import translations
from parity_tests.report.report_results import Structure, rendered

#: Words that are the same in Korean: names, and what stands in code.
SAME = {"torch", "scratch", "tanh", "float", "foreach"}


def test_the_catalogue_has_exactly_the_texts_and_each_keeps_its_places() -> None:
    assert list(translations.wrong(translations.read())) == []


@pytest.mark.parametrize(
    ("english", "korean", "said"),
    [
        ("Training loss", "", "no translation"),
        ("layer {layer}", "{depth}층", "other places"),
        ("nobody says this", "아무도", "of no text"),
    ],
)
def test_a_text_that_lacks_something_is_an_error(english: str, korean: str, said: str) -> None:
    catalogue = translations.read()
    before = set(translations.wrong(catalogue))
    catalogue.add(english, korean)
    catalogue[english].string = korean
    (found,) = set(translations.wrong(catalogue)) - before
    assert said in found
    assert english in found


def test_new_texts_come_into_the_catalogue_and_old_ones_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "texts", lambda: ["Training loss", "new of {x}", "{x}"])
    made = translations.updated(translations.read())
    assert {m.id: m.string for m in made if m.id} == {
        "Training loss": "훈련 손실",
        "new of {x}": "",
    }


def test_the_page_shows_no_text_that_the_catalogue_has_never_heard_of(
    whole_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, asked = translations._korean(), set()

    class Recording(dict):
        def get(self, key: str, default: object = None) -> object:
            asked.add(key)
            return super().get(key, default)

    monkeypatch.setattr(translations, "_korean", lambda: Recording(known))
    for folder in (whole_results, tmp_path / "none"):
        rendered(folder)
    bare = {text: re.sub(r"`[^`]*`|\{\w+\}", "", text) for text in asked - known.keys()}
    words = {text: set(re.findall(r"\b[a-z]{3,}", rest)) for text, rest in bare.items()}
    assert {text: found for text, found in words.items() if found - SAME} == {}


def test_without_a_catalogue_the_page_is_english(
    whole_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "_korean", dict)
    html = rendered(whole_results)
    assert 'lang="ko"' not in html.partition("<main")[2]
    assert "What the chapter says, and what was measured" in Structure(html).text


def test_a_text_survives_a_file() -> None:
    text = say("loss in the end: {losses}", losses=joined([say("{n} turns", n=3), "SGD"], ", "))
    again = restored(str(text), parts({"claims": [text]}))
    korean = {"loss in the end: {losses}": "마지막 손실: {losses}", "{n} turns": "{n}번"}
    assert again == text == "loss in the end: 3 turns, SGD"
    assert again.translated(korean) == text.translated(korean) == "마지막 손실: 3번, SGD"


@pytest.mark.parametrize(
    ("template", "shown"),
    [("{x}", "a"), ("{x.__class__} {0!r:>99999999}", "{x.__class__} {0!r:>99999999}")],
)
def test_what_a_file_says_of_a_text_is_shown_and_never_followed(template: str, shown: str) -> None:
    found = restored("a", {"a": {"template": template, "values": {"x": "a"}}})
    assert found == found.translated({}) == shown
