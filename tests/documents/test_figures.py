"""Figures of the README are explained where it says, and are the same there."""

from __future__ import annotations

import re

import pytest

from tests.checkout import ROOT

_SECTION = (ROOT / "README.md").read_text().split("## Figures\n")[1].split("\n## ")[0]
_ROW = re.compile(r"^\| (?!measured|-)(.*?) \| (.*?) \| \[.*?\]\((.*?)\) \|$", re.MULTILINE)
ROWS = _ROW.findall(_SECTION)


def test_there_is_one_table_of_figures() -> None:
    assert len(ROWS) == _SECTION.count("](") - 1  # One more link, to a comparison.


@pytest.mark.parametrize(("measured", "figure", "target"), ROWS)
def test_a_figure_is_explained_where_the_readme_says(
    measured: str, figure: str, target: str
) -> None:
    explanation = (ROOT / target).read_text()
    numbers = re.findall(r"\d[\d,.]*\d|\d+", re.sub(r"\bp\d\d\b", "", figure))
    assert numbers, measured
    missing = [
        number for number in numbers if not re.search(rf"(?<![\d.]){number}(?!\d)", explanation)
    ]
    assert not missing, f"{target} does not have {missing} of {measured!r}"
