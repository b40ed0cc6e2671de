"""Cells of a column as numbers: one meaning, or a line that says why not and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_AMOUNT_MAX = 1e15
"""Largest amount, to either side: above it, a float no longer tells neighbouring whole numbers
apart."""

_WORDS = {"true": 1.0, "yes": 1.0, "t": 1.0, "y": 1.0, "false": 0.0, "no": 0.0, "f": 0.0, "n": 0.0}
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "nil", "-", "\\n", "<na>", "#n/a"})
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_CONTINENTAL = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?")


class CellRules(NamedTuple):
    """How cells are read where there are two ways."""

    empty_is_zero: bool = False
    decimal_comma: bool = False


AS_WRITTEN = CellRules()
"""Only what has one meaning."""


class BadCell(NamedTuple):
    """The first cell of a chunk that has no value."""

    row: int
    wrong: str


def read_numbers(texts: Sequence[str], rules: CellRules) -> NDArray[np.float64] | BadCell:
    """Numbers, or 1 and 0 for what means true and false."""
    if rules.decimal_comma:
        return _read_each(texts, rules)
    try:
        numbers = np.array(list(map(float, texts)), dtype=np.float64)
    except ValueError:
        return _read_each(texts, rules)
    is_plain = bool((np.abs(numbers) <= _AMOUNT_MAX).all())  # NaN is not
    # Python alone reads 1_000 as a number.
    if is_plain and not any("_" in text for text in texts):
        return numbers
    return _read_each(texts, rules)


def _read_each(texts: Sequence[str], rules: CellRules) -> NDArray[np.float64] | BadCell:
    """Each distinct text once: columns of words have few."""
    known = {text: _number(text.strip(), rules) for text in set(texts)}
    if any(isinstance(value, str) for value in known.values()):
        for index, text in enumerate(texts):
            value = known[text]
            if isinstance(value, str):
                return BadCell(index, value)
    return np.array([known[text] for text in texts], dtype=np.float64)


def _number(text: str, rules: CellRules) -> float | str:
    """The value, or what is wrong with it."""
    word = text.lower()
    if word in _WORDS:
        return _WORDS[word]
    if word in _MISSING:
        if rules.empty_is_zero:
            return 0.0
        cell = f"is {text[:20]!r}" if text else "is empty"
        return f"{cell}: write 0 if the unit had none (or --empty-is-zero), or leave the unit out"
    if rules.decimal_comma:
        if not _CONTINENTAL.fullmatch(text):
            return f"is {text[:20]!r}: with --decimal-comma, write 1.234,5 or 1234,5"
        text = text.replace(".", "").replace(",", ".")
    elif _GROUPED.fullmatch(text):
        return (
            f"is {text[:20]!r}: take out commas that group thousands, or say --decimal-comma where "
            "they are decimal"
        )
    elif _DECIMAL_COMMA.fullmatch(text):
        return f"is {text[:20]!r}, with a comma: write a point, or say --decimal-comma"
    try:
        number = float(text.replace("_", "?"))
    except ValueError:
        return f"is {text[:20]!r}: write a plain number such as 12.5, or true and false"
    if not math.isfinite(number) or abs(number) > _AMOUNT_MAX:
        return f"is {text[:20]}: amounts go up to {_AMOUNT_MAX:g}"
    return number
