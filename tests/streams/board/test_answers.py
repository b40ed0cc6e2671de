"""A page that cannot be read shows what it showed before, with its age and the reason."""

from __future__ import annotations

from schemas.outcomes import Freshness
from schemas.time import DAY_MS, LogMs
from streams.board.answers import FRESH_SECONDS, PageAnswers
from streams.board.filters import Filters
from streams.board.pages import PAGES
from streams.board.panel import Page, Panel, PanelChart
from streams.store.base import UnavailableError
from streams.store.cohorts import build_cohorts
from streams.store.reading import Readable
from tests.streams.board.conftest import LIMITS, Clock, StoreDoor
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, spend

TABLES = PAGES["operations"].panels[2]
TODAY = Page(name="today", title="Today", question="?", panels=[TABLES])


def test_a_store_that_is_away_leaves_the_last_figures_with_their_age(
    answers: PageAnswers, door: StoreDoor, clock: Clock
) -> None:
    before = answers.page(TODAY, Filters())
    door.error = UnavailableError("ClickHouse at here: connection refused")
    clock.seconds += 300
    after = answers.page(TODAY, Filters())
    assert after.panels == before.panels
    assert after.as_json(clock())["ageSeconds"] == 300
    assert after.reason == "ClickHouse at here: connection refused"
    door.error = None
    back = answers.page(TODAY, Filters())
    assert not back.reason
    assert back.as_json(clock())["ageSeconds"] == 0


def test_a_store_that_was_never_there_gives_a_reason_and_no_figures(
    answers: PageAnswers, door: StoreDoor
) -> None:
    door.error = UnavailableError("away")
    answer = answers.page(TODAY, Filters())
    assert (answer.panels, answer.reason) == ((), "away")


def test_however_many_look_a_page_is_read_once(
    answers: PageAnswers, door: StoreDoor, clock: Clock
) -> None:
    for _ in range(20):
        answers.page(TODAY, Filters())
    assert door.opened == 1
    clock.seconds += FRESH_SECONDS
    answers.page(TODAY, Filters())
    assert door.opened == 2


def test_one_clock_that_is_years_ahead_does_not_move_the_newest_day(
    filled: Readable, answers: PageAnswers
) -> None:
    before = answers.page(TODAY, Filters()).newest_day
    ahead = NOON + 900 * DAY_MS
    put(filled, [decision("ahead", conversion_time=ahead, install_time=ahead)], first_offset=900)
    figures = PAGES["today"].panels[0]
    page = Page(name="p", title="", question="", panels=[figures])
    answer = answers.page(page, Filters())
    assert answer.newest_day == before == "2026-01-01"
    assert "day = toDate('2026-01-01')" in answer.panels[0].sql
    assert answer.panels[0].rows[0][0] > 0


def test_a_step_that_a_cohort_lacks_is_divided_by_all_users(
    filled: Readable, answers: PageAnswers
) -> None:
    """Two networks, one of which has a user who paid."""
    at = NOON - 12 * DAY_MS
    paid = booking("step-m", "step-0", event_time=at, install_time=at, app_id="steps")
    lives = [
        decision(
            f"step-{number}", media_source=name, install_time=at, conversion_time=at, app_id="steps"
        )
        for number, name in enumerate(("alpha", "beta", "beta", "beta"))
    ]
    log = Freshness(stage="journeys", partition=0, stage_time=LogMs(NOON + 60 * DAY_MS))
    put(filled, [*lives, paid, log], first_offset=2000)
    page = Page(name="p", title="", question="", panels=[PAGES["cohorts"].panels[3]])
    (answer,) = answers.page(page, Filters("steps", 365)).panels
    assert {row[0]: row[1] for row in answer.rows} == {"install": 1.0, "paid": 0.25}


def test_one_panel_that_is_refused_does_not_take_the_others_with_it(answers: PageAnswers) -> None:
    bad = Panel(
        name="bad", title="", sentence="", sql="SELECT nothing", chart=PanelChart(kind="table")
    )
    page = Page(name="p", title="", question="", panels=[bad, TODAY.panels[0]])
    refused, read = answers.page(page, Filters()).panels
    assert refused.error
    assert "\n" not in refused.error
    assert read.rows


def test_what_is_kept_is_bounded(door: StoreDoor, clock: Clock) -> None:
    page = Page(name="p", title="", question="")
    answers = PageAnswers(door, LIMITS, clock, pages_max=3)
    for days in range(1, 6):
        answers.page(page, Filters("", days))
    assert answers.kept == 3


def test_a_page_is_read_again_when_something_was_stored(
    answers: PageAnswers, filled: Readable, clock: Clock
) -> None:
    first = answers.page(TODAY, Filters())
    clock.seconds += FRESH_SECONDS
    same = answers.page(TODAY, Filters())
    assert same.panels is first.panels
    put(filled, [spend()], first_offset=77)
    clock.seconds += FRESH_SECONDS
    assert answers.page(TODAY, Filters()).panels is not first.panels


def test_a_page_is_read_again_when_cohorts_were_built_since(
    answers: PageAnswers, filled: Readable, clock: Clock
) -> None:
    """They follow what was stored by a minute, and nothing else may be stored for long."""
    first = answers.page(TODAY, Filters())
    build_cohorts(filled)
    clock.seconds += FRESH_SECONDS
    assert answers.page(TODAY, Filters()).panels is not first.panels


def test_a_panel_that_could_not_be_read_is_tried_again(door: StoreDoor, clock: Clock) -> None:
    answers = PageAnswers(door, LIMITS, clock)
    bad = Panel(name="bad", title="", sentence="", sql="SELECT 1 FROM late", chart=TABLES.chart)
    page = Page(name="p", title="", question="", panels=[bad])
    assert answers.page(page, Filters()).panels[0].error
    door.store.execute("CREATE VIEW late AS SELECT 1")
    clock.seconds += FRESH_SECONDS
    again = answers.page(page, Filters()).panels[0]
    door.store.execute("DROP VIEW late")
    assert not again.error
