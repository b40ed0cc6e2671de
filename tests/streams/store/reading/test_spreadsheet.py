"""A cell that a spreadsheet would run is a text; everything else is as it was."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.store.base import QueryResult
from streams.store.reading.format_answer import format_answer
from streams.store.reading.spreadsheet import for_spreadsheets

FORMULA = re.compile("(?:^|[;\t\r\n])[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")


def written(*cells: object) -> bytes:
    names = tuple(f"c{number}" for number in range(len(cells)))
    return for_spreadsheets(format_answer(QueryResult(names, [cells]), "CSV"))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0",
     '=HYPERLINK("http://x.example","a")', "\uff1d1+1"],
)  # fmt: skip
def test_a_formula_begins_with_an_apostrophe(text: str) -> None:
    ((cell,),) = csv.reader(io.StringIO(written(text).decode(), newline=""))
    assert cell.startswith("'")
    assert cell.replace("'=", "=").lstrip("'") == text


def test_a_formula_behind_another_separator_is_a_text_as_well() -> None:
    """Where `;` separates, the quotes of a cell in the middle of a line mean nothing."""
    assert written("a", "x;=1+1") == b'"a","x;\'=1+1"\n'
    assert written("a", "x\n-1") == b'"a","x\n\'-1"\n'


def test_numbers_days_and_quotes_stay() -> None:
    assert written(-5, -0.25, None, "2026-01-01", 'say ""=""', "a,=b", "x - y", "") == (
        b'-5,-0.25,\\N,"2026-01-01","say """"=""""","a,=b","x - y",""\n'
    )


@given(st.lists(st.text(st.sampled_from("=+-@\t\r\n;,\"'aЖ\uff1d"), max_size=6), min_size=1))
def test_no_row_holds_a_formula_and_all_have_as_many_cells(cells: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(written(*cells).decode(), newline=""))
    assert len(row) == len(cells)
    assert not any(FORMULA.search(cell) for cell in row)
    for before, after in zip(cells, row, strict=True):
        assert after.replace("'", "") == before.replace("'", "")
        if not FORMULA.search(before):
            assert after == before
