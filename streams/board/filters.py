"""What the address of a page narrows down: one app, and how many days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from streams.board.panel import Panel
from streams.errors import Stop
from streams.store.base import quote

DAYS = (1, 7, 14, 30, 90, 365)
_DAYS_DEFAULT = 30
APP_LENGTH_MAX = 256
"""Characters of an app's name in an address; the contract allows no more."""


@dataclass(frozen=True, slots=True)
class Filters:
    """`app` empty: all apps. `days`: how many, up to the newest day of the log."""

    app: str = ""
    days: int = _DAYS_DEFAULT

    def sql(self, panel: Panel, newest: date) -> str:
        """The panel's question with the filters in it, as `headwater query` takes it."""
        conditions = []
        if panel.day:
            since = newest - timedelta(days=self.days - 1)
            ends = f"toDate('{since}') AND toDate('{newest}')"
            conditions.append(f"{panel.day} BETWEEN {ends}")
        if panel.has_app and self.app:
            conditions.append(f"app_id = {quote(self.app)}")
        sql = panel.sql.strip().replace("{newest}", f"toDate('{newest}')")
        return sql.replace("{where}", " AND ".join(conditions) or "1")


def filters_of(query: Mapping[str, str]) -> Filters:
    """The filters in an address. Stop: a value cannot be one."""
    app = query.get("app", "")
    if len(app) > APP_LENGTH_MAX or not app.isprintable():
        raise Stop(f"app is not the name of an app: at most {APP_LENGTH_MAX} printable characters")
    days = query.get("days", str(_DAYS_DEFAULT))
    if not re.fullmatch(r"[0-9]{1,5}", days) or not 1 <= int(days) <= DAYS[-1]:
        raise Stop(f"days is not a number from 1 to {DAYS[-1]}: {days[:20]}")
    return Filters(app, int(days))


__all__ = ["APP_LENGTH_MAX", "DAYS", "Filters", "filters_of"]
