"""The Korean texts, by the English ones: the one home of every translation.

chapter   titles, claims and measurements of the experiments
charts    what stands in and beside the charts
page      the page around them
parity    the twins, the conventions, the benchmark

A key is an English text or template; in what an experiment measured, ``{}`` is any number.
"""

from experiments.report.korean.chapter import CHAPTER
from experiments.report.korean.charts import CHARTS
from experiments.report.korean.page import PAGE
from experiments.report.korean.parity import PARITY

KOREAN: dict[str, str] = {**CHAPTER, **CHARTS, **PAGE, **PARITY}
