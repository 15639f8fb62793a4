"""Every text of the page stands in both languages."""

import re
from pathlib import Path

import pytest

import experiments
from experiments import bench
from experiments.report import texts
from experiments.report.korean import KOREAN, chapter, parity
from experiments.report.korean import charts as korean_charts
from experiments.report.korean import page as korean_page
from experiments.report.words import WORDS
from parity_tests.report_results import rendered
from torch_ref import registry

#: What is the same in Korean: names, code, and what stands for a number.
SAME = {"torch", "scratch", "tanh", "he", "normal", "uniform", "sparse", "foreach", "fused"}
SAME |= {"float", "rand", "randn", "randint", "randperm", "decay", "rate", "run", "side"}


@pytest.mark.usefixtures("quickly")
def test_every_text_of_the_page_has_a_korean_one(
    whole_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, bool] = {}

    class Recording(dict):
        def __contains__(self, key: object) -> bool:
            return asked.setdefault(key, super().__contains__(key))

        def get(self, key: str, default: object = None) -> object:
            asked[key] = super().__contains__(key)
            return super().get(key, default)

    monkeypatch.setattr(texts, "KOREAN", Recording(KOREAN))
    for folder in (whole_results, tmp_path / "none"):
        rendered(folder)
    for pair in (*registry.OPTIMIZERS.values(), *registry.SCHEDULES.values()):
        texts.known(pair.note)
    for name in bench.NAMES:
        texts.known(bench.load(name).title)
    for name in experiments.NAMES:
        texts.known(experiments.load(name).title)
        for claim in experiments.load(name).claims:
            texts.known(claim.text)
    lacking = {
        text
        for text, there in asked.items()
        if not there and not asked.get(texts.abstracted(text)) and " ÷ " not in text
    }
    assert {text for text in lacking if _says_something(text)} == set()
    assert all(word.ko != word.en for word in WORDS.values())


def _says_something(text: str) -> bool:
    """Whether it has words of its own, beside names and code."""
    bare = re.sub(r"`[^`]*`|[\w.]+=\w+|\w+_\w+|lockstep [\w -]+|python .*|import \w+", "", text)
    return bool(set(re.findall(r"\b[a-z]{3,}", bare)) - SAME)


def test_every_korean_text_is_asked_for_once_and_keeps_its_places() -> None:
    tables = (chapter.CHAPTER, korean_charts.CHARTS, korean_page.PAGE, parity.PARITY)
    assert sum(map(len, tables)) == len(KOREAN)
    for english, korean in KOREAN.items():
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, korean)]
        if "{}" in english:
            assert english.count("{}") == len(re.findall(r"\{\d*\}", korean)), english
        else:
            assert places[0] == places[1], english
