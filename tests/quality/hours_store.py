"""Asks the view `v_quality_issues` about drawn hours, as of any hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.store.base import Store
from streams.store.cohorts.view_text import narrowed, view_queries
from tests.quality.drawn_hours import DrawnSeries

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""


@dataclass(frozen=True, slots=True)
class DrawnIssue:
    app: str
    check: str
    kind: str
    subject: str
    hours: int
    deviation: float | None = None


class HoursStore:
    """The hours of many apps in one table, in place of the view that counts events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute(
            "CREATE TABLE IF NOT EXISTS drawn_hours (app_id String, kind String, subject String,"
            " hour DateTime('UTC'), events UInt64) ENGINE = MergeTree ORDER BY (hour, app_id)"
        )
        store.execute("CREATE TABLE IF NOT EXISTS drawn_now (log_time DateTime64(3, 'UTC'), "
                      "now_time DateTime64(3, 'UTC'), is_live Bool) "
                      "ENGINE = MergeTree ORDER BY now_time")  # fmt: skip

    def fill(self, series: Iterable[DrawnSeries]) -> None:
        """Replace what is there."""
        self._store.execute("TRUNCATE TABLE drawn_hours")
        rows: dict[tuple[str, str], Any] = {(one.app, one.country): one.counts for one in series}
        for (app, subject), counts in rows.items():
            listed = ",".join(map(str, counts.tolist()))
            self._store.execute(
                f"INSERT INTO drawn_hours SELECT '{app}', 'payments', '{subject}',"
                f" toDateTime('{FIRST:%Y-%m-%d %H:%M:%S}', 'UTC') + INTERVAL (n - 1) HOUR, v"
                f" FROM (SELECT [{listed}] AS values, arrayEnumerate(values) AS numbers)"
                " ARRAY JOIN values AS v, numbers AS n WHERE v > 0"
            )

    def issues(self, hour: int, minutes: int = 0, *, is_live: bool = True) -> list[DrawnIssue]:
        """What the view says so long after the beginning; later hours are not known yet, and of the
        hour that runs so much as has come by then."""
        moment = FIRST + timedelta(hours=hour, minutes=minutes)
        self._store.execute("TRUNCATE TABLE drawn_now")
        at = f"'{moment:%Y-%m-%d %H:%M:%S}'"
        self._store.execute(f"INSERT INTO drawn_now SELECT {at}, {at}, {is_live}")
        known = _known(minutes)
        sql = narrowed(
            view_queries()["v_quality_issues"], {"v_quality_hours": known, "v_now": "drawn_now"}
        )
        rows: Sequence[Sequence[Any]] = self._store.query(
            f"SELECT app_id, check_name, kind, subject, hours, deviation FROM ({sql})"
            " WHERE check_name != 'learning'"
        ).rows
        return [DrawnIssue(*row) for row in rows]

    def hourly(self, hour: int, minutes: int, length: int) -> dict[str, NDArray[np.float64]]:
        """What `issues` was asked about last: events of each subject by hours ago."""
        counts: dict[str, NDArray[np.float64]] = {}
        moment = f"toDateTime('{FIRST + timedelta(hours=hour):%Y-%m-%d %H:%M:%S}', 'UTC')"
        rows = self._store.query(
            f"SELECT subject, dateDiff('hour', hour, {moment}) AS ago, events"
            f" FROM {_known(minutes)}"
        ).rows
        for subject, ago, events in rows:
            counts.setdefault(str(subject), np.zeros(length))[int(ago)] = float(events)
        return counts


def _known(minutes: int) -> str:
    """Hours until now, of which the last one has run for so many minutes."""
    now = "(SELECT now_time FROM drawn_now)"
    # Events of an hour have minutes of their own, the same whenever they are looked at.
    minute = "cityHash64(app_id, kind, subject, hour, number) % 60"
    come = f"arrayCount(number -> {minute} < {minutes}, range(events))"
    so_far = f"if(hour > {now} - INTERVAL 1 HOUR, {come}, events)"
    return (
        f"(SELECT app_id, kind, part AS subject, hour, sum(come) AS events FROM (SELECT *,"
        f" {so_far} AS come FROM drawn_hours WHERE hour BETWEEN {now} - INTERVAL 60 DAY"
        f" AND {now}) ARRAY JOIN ['', subject] AS part WHERE come > 0"
        " GROUP BY app_id, kind, part, hour)"
    )
