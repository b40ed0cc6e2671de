"""The growth dashboard of Grafana, made from the panels of the board.

`python -m streams.board.dashboard` writes deploy/dashboards/growth.json, for the data source
`grafana-clickhouse-datasource`, whose macros stand where the board has its filters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.board.pages import PAGES
from streams.board.panel import Panel

FILE = Path("deploy") / "dashboards" / "growth.json"
ROWS = ("today", "campaigns", "cohorts", "models", "fraud", "postbacks")
"""Pages of the board, in order. Of people no list is shown, since dashboards have many readers."""

NEWEST_DAY = (
    "(SELECT toDate(max(least(conversion_time, decided_at))) FROM attributions WHERE version = 1)"
)
APPS_QUESTION = "SELECT DISTINCT app_id FROM attributions WHERE app_id != '' ORDER BY app_id"
_SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${source}"}
_WIDTH, _HEIGHT = 12, 9


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": "headwater-growth",
        "title": "Headwater: growth",
        "tags": ["headwater"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-30d", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [_source_variable(), _app_variable()]},
        "panels": list(_panels()),
    }


def grafana_sql(panel: Panel) -> str:
    """The question of a panel with Grafana's macros in place of the filters of the board."""
    conditions = [f"$__dateFilter({panel.day})"] if panel.day else []
    if panel.has_app:
        conditions.append("$__conditionalAll(app_id IN (${app:singlequote}), $app)")
    where = " AND ".join(conditions) or "1"
    return panel.sql.strip().replace("{newest}", NEWEST_DAY).replace("{where}", where)


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for name in ROWS:
        page = PAGES[name]
        yield _row(number, page.title, top)
        number, top = number + 1, top + 1
        for place, panel in enumerate(page.panels):
            at = {"x": _WIDTH * (place % 2), "y": top + _HEIGHT * (place // 2)}
            yield _panel(number, panel, at)
            number += 1
        top += _HEIGHT * ((len(page.panels) + 1) // 2)


def _row(number: int, title: str, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": 24, "h": 1}
    return {"id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False}


def _panel(number: int, panel: Panel, at: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": _kind(panel),
        "title": panel.title,
        "description": panel.sentence,
        "datasource": _SOURCE,
        "gridPos": {**at, "w": _WIDTH, "h": _HEIGHT},
        "targets": [
            {"refId": "A", "datasource": _SOURCE, "editorType": "sql", "queryType": "table",
             "format": 1, "rawSql": grafana_sql(panel)}
        ],
        "fieldConfig": {"defaults": {"custom": _drawn(panel)}, "overrides": []},
        "options": {},
        "transformations": _transformations(panel),
    }  # fmt: skip


def _kind(panel: Panel) -> str:
    chart = panel.chart
    if chart.kind == "figures":
        return "stat"
    if chart.kind in ("table", "reliability"):
        return "table"
    if _is_over_time(panel):
        return "timeseries"
    return "barchart" if chart.kind == "bar" else "trend"


def _is_over_time(panel: Panel) -> bool:
    return panel.chart.x in ("day", "hour", "install_date")


def _drawn(panel: Panel) -> dict[str, Any]:
    if _kind(panel) != "timeseries":
        return {}
    stacking = {"mode": "normal" if panel.chart.is_stacked else "none", "group": "A"}
    style = "bars" if panel.chart.kind == "bar" else "line"
    return {"drawStyle": style, "stacking": stacking, "axisLabel": panel.chart.unit}


def _transformations(panel: Panel) -> Sequence[Mapping[str, Any]]:
    if not panel.chart.series or _kind(panel) == "table":
        return []
    return [{"id": "partitionByValues", "options": {"fields": [panel.chart.series]}}]


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "ClickHouse", "type": "datasource",
            "query": "grafana-clickhouse-datasource"}  # fmt: skip


def _app_variable() -> dict[str, Any]:
    return {"name": "app", "label": "App", "type": "query", "datasource": _SOURCE,
            "query": APPS_QUESTION,
            "refresh": 2, "includeAll": True, "multi": True,
            "current": {"text": "All", "value": "$__all"}}  # fmt: skip


def dashboard_text() -> str:
    """The file, as it is stored."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(dashboard_text(), encoding="utf-8")
