"""The dashboard for Grafana is what the panels of the board say, and its questions are answered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from streams.board.dashboard import APPS_QUESTION, FILE, dashboard, dashboard_text
from streams.store.reading import Readable, rows_for
from tests.checkout import ROOT
from tests.streams.board.conftest import LIMITS

PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expanded(sql: str) -> str:
    """What the data source makes of its macros (grafana/clickhouse-datasource, pkg/macros)."""
    sql = re.sub(
        r"\$__dateFilter\(((?:[^()]|\([^()]*\))*)\)",
        r"\1 >= toDate('2025-12-01') AND \1 <= toDate('2026-02-01')",
        sql,
    )
    return re.sub(r"\$__conditionalAll\((.*?), \$app\)", r"\1", sql).replace(
        "${app:singlequote}", "'puzzle','run'"
    )


def test_the_file_is_what_the_panels_say() -> None:
    """Write it again with `python -m streams.board.dashboard`."""
    assert (ROOT / FILE).read_text() == dashboard_text()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_panel_is_answered(filled: Readable, panel: dict[str, Any]) -> None:
    sql = expanded(panel["targets"][0]["rawSql"])
    assert "$" not in sql
    assert "{" not in sql
    assert rows_for(filled, sql, LIMITS).names


def test_the_list_of_apps_is_answered(filled: Readable) -> None:
    assert ("puzzle",) in rows_for(filled, APPS_QUESTION, LIMITS).rows


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in everything)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)


def test_no_panel_lists_single_users() -> None:
    assert not any("install_id" in panel["targets"][0]["rawSql"] for panel in PANELS)
