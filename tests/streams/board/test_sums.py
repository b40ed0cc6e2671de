"""Figures over several apps, campaigns and currencies: what is summed, and what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schemas.outcomes import Freshness, Outcome
from schemas.time import DAY_MS, LogMs
from streams.board.answers import FRESH_SECONDS, PageAnswers
from streams.board.filters import Filters
from streams.board.pages import PAGES
from streams.board.panel import Page
from streams.store.reading import Readable
from tests.streams.board.conftest import Clock
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, prediction, spend

TABLES = Page(name="p", title="", question="", panels=[PAGES["operations"].panels[2]])
APPS = ("sums.one", "sums.two")


@pytest.fixture(scope="module")
def filled(filled: Readable) -> Readable:
    """Two apps that have a campaign of the same name, in one of which it was renamed."""
    rows: list[Outcome] = []
    for app in APPS:
        rows += [
            decision(f"{app}-0", app_id=app, campaign_id="c1", campaign_name="Spring"),
            decision(f"{app}-1", app_id=app, campaign_id="c2", campaign_name="Spring"),
            spend(f"{app}-s", app_id=app, campaign_id="c1", currency="USD"),
            booking(f"{app}-m", f"{app}-0", app_id=app, currency="USD"),
            *(prediction(f"{app}-{n}", app_id=app, prediction_id=f"{app}-p{n}") for n in (0, 1)),
        ]
    later = NOON + DAY_MS
    renamed = decision(
        "sums.two-9", app_id="sums.two", campaign_id="c1", campaign_name="Summer",
        conversion_time=later, install_time=later, decided_at=LogMs(later),
    )  # fmt: skip
    unknown = booking("sums.two-x", "sums.two-0", app_id="sums.two", currency="XTS")
    late = prediction("sums-late", app_id="late", predicted_at=NOON + 20 * DAY_MS)
    put(filled, [*rows, renamed, unknown, late], first_offset=5000)
    return filled


def read(answers: PageAnswers, page: str, panel: str, app: str = "") -> Sequence[Mapping[str, Any]]:
    chosen = PAGES[page].panel(panel)
    assert chosen
    (answer,) = answers.page(
        Page(name=panel, title="", question="", panels=[chosen]), Filters(app, 365)
    ).panels
    assert not answer.error
    return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]


def test_ends_of_the_intervals_of_two_apps_are_not_added_up(answers: PageAnswers) -> None:
    (one,) = read(answers, "campaigns", "predicted-payers", APPS[0])
    assert 0 <= one["low"] < one["predicted"] < one["high"]
    (both,) = read(answers, "campaigns", "predicted-payers")
    assert both["predicted"] >= 2 * one["predicted"]
    assert both["low"] is None
    assert both["high"] is None


def test_a_renamed_campaign_is_one_row_and_two_of_one_name_are_two(answers: PageAnswers) -> None:
    rows = [
        (row["campaign_id"], row["campaign"], row["installs"])
        for row in read(answers, "campaigns", "campaigns", APPS[1])
    ]
    assert sorted(rows) == [("c1", "Summer", 2), ("c2", "Spring", 1)]


def test_campaigns_of_one_name_are_told_apart_in_a_chart(answers: PageAnswers) -> None:
    rows = [
        row
        for row in read(answers, "campaigns", "payers-by-campaign")
        if any(app in row["campaign"] for app in APPS) or row["campaign"] == "alpha Summer"
    ]
    assert [(row["campaign"], row["installs"]) for row in rows] == [
        ("alpha Spring (sums.one c1)", 1),
        ("alpha Spring (sums.one c2)", 1),
        ("alpha Summer", 1),
        ("alpha Spring (sums.two c2)", 1),
    ]


def test_a_return_that_lacks_money_without_a_rate_is_not_stated(answers: PageAnswers) -> None:
    first, second = (
        next(
            row
            for row in read(answers, "campaigns", "campaigns", app)
            if row["campaign_id"] == "c1"
        )
        for app in APPS
    )
    assert (first["roas"], first["without_rate"]) == (2.5, 0)
    assert (second["roas"], second["without_rate"]) == (None, 1)


def test_a_page_is_read_again_where_log_time_is_ahead_of_the_clock(
    answers: PageAnswers, filled: Readable, clock: Clock
) -> None:
    """Stages say log time, which a wrong clock has moved to the next century."""
    ahead = Freshness(stage="journeys", partition=7, stage_time=LogMs(NOON + 36500 * DAY_MS))
    put(filled, [ahead], first_offset=8000)
    first = answers.page(TABLES, Filters())
    put(filled, [spend("after")], first_offset=8100)
    clock.seconds += FRESH_SECONDS
    assert answers.page(TABLES, Filters()).panels is not first.panels
