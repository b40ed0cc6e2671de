"""The day on which each unit of a file came in: what `--time` names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from schemas.time import DAY_MS
from streams.operations.csv_import.cells import CellError, read_time
from streams.operations.experiments.unit_file import open_unit_file

_SMALL_NUMBER = re.compile(r"\d{1,8}")
_UTC = ZoneInfo("UTC")


class UnitPeriods(NamedTuple):
    """`numbers`: the period of each unit, from 0 on without a gap, in order of time; `names`: of
    each period, a day in UTC, or the number that the file has."""

    numbers: NDArray[np.int64]
    names: list[str]


def read_periods(path: Path, column: str) -> UnitPeriods:
    """A column of times: ISO 8601, seconds or milliseconds since 1970, or numbers of days or weeks.

    Stop: FILE:LINE and the cell that is no time.
    """
    file = open_unit_file(path, [column])
    days: list[int] = []
    known: dict[str, int] = {}
    is_number: bool | None = None
    for first, (texts, *_) in file.columns([column]):
        for index, raw in enumerate(texts):
            day = known.get(raw)
            if day is None:
                text = raw.strip()
                is_small = _SMALL_NUMBER.fullmatch(text) is not None
                if is_number is None:
                    is_number = is_small
                if is_small != is_number:
                    wrong = f"{column} is {text[:30]!r}: other rows have another kind of time"
                    raise file.fault(first + index, wrong)
                try:
                    day = int(text) if is_small else read_time(text, "", _UTC) // DAY_MS
                except CellError as error:
                    raise file.fault(first + index, f"{column}: {error}") from None
                known[raw] = day
            days.append(day)
    distinct, numbers = np.unique(np.array(days, dtype=np.int64), return_inverse=True)
    return UnitPeriods(numbers.astype(np.int64), [_name(int(day), is_number) for day in distinct])


def _name(day: int, is_number: bool | None) -> str:
    if is_number:
        return str(day)
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()
