"""Asks the view `v_quality_issues` about drawn hours, as of any hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

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


class HoursStore:
    """The hours of many apps in one table, in place of the view that counts events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute(
            "CREATE TABLE IF NOT EXISTS drawn_hours (app_id String, kind String, subject String,"
            " hour DateTime('UTC'), events UInt64) ENGINE = MergeTree ORDER BY (hour, app_id)"
        )
        store.execute("CREATE TABLE IF NOT EXISTS drawn_now (now_time DateTime64(3, 'UTC')) "
                      "ENGINE = MergeTree ORDER BY now_time")  # fmt: skip

    def fill(self, series: Iterable[DrawnSeries]) -> None:
        """Replace what is there, with the sums over countries as the subject ''."""
        self._store.execute("TRUNCATE TABLE drawn_hours")
        rows: dict[tuple[str, str], Any] = {}
        for one in series:
            rows[one.app, one.country] = one.counts
            rows[one.app, ""] = one.counts + rows.get((one.app, ""), 0)
        for (app, subject), counts in rows.items():
            listed = ",".join(map(str, counts.tolist()))
            self._store.execute(
                f"INSERT INTO drawn_hours SELECT '{app}', 'payments', '{subject}',"
                f" toDateTime('{FIRST:%Y-%m-%d %H:%M:%S}', 'UTC') + INTERVAL (n - 1) HOUR, v"
                f" FROM (SELECT [{listed}] AS values, arrayEnumerate(values) AS numbers)"
                " ARRAY JOIN values AS v, numbers AS n WHERE v > 0"
            )

    def issues(self, hour: int, minutes: int = 0) -> list[DrawnIssue]:
        """What the view says so long after the beginning; later hours are not known yet."""
        moment = FIRST + timedelta(hours=hour, minutes=minutes)
        self._store.execute("TRUNCATE TABLE drawn_now")
        self._store.execute(f"INSERT INTO drawn_now SELECT '{moment:%Y-%m-%d %H:%M:%S}'")
        window = "hour BETWEEN (SELECT now_time FROM drawn_now) - INTERVAL 30 DAY AND"
        known = f"(SELECT * FROM drawn_hours WHERE {window} (SELECT now_time FROM drawn_now))"
        sql = narrowed(
            view_queries()["v_quality_issues"], {"v_quality_hours": known, "v_now": "drawn_now"}
        )
        rows: Sequence[Sequence[Any]] = self._store.query(
            f"SELECT app_id, check_name, kind, subject, hours FROM ({sql})"
            " WHERE check_name != 'learning'"
        ).rows
        return [DrawnIssue(*row) for row in rows]
