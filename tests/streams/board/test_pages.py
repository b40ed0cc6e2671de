"""Every panel is a question that the store answers, with the columns that its chart draws."""

from __future__ import annotations

from datetime import date

import pytest

from streams.board.answers import PageAnswers
from streams.board.filters import Filters, filters_of
from streams.board.pages import PAGES
from streams.board.panel import Page, Panel, PanelChart
from streams.errors import Stop
from streams.store.reading import Readable, rows_for
from tests.streams.board.conftest import LIMITS

ALL = [(page, panel) for page in PAGES.values() for panel in page.panels]
ONE_DAY = Panel(
    name="n", title="N", sentence="S.", sql="SELECT 1 WHERE {where}", chart=PanelChart(kind="table")
)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_panel_is_answered_with_what_its_chart_draws(
    answers: PageAnswers, page: Page
) -> None:
    for answer in answers.page(page, Filters("it's \\ an app")).panels:
        assert not answer.error
        assert answer.panel.chart.columns <= set(answer.names)


def test_names_of_panels_tell_them_apart_in_a_page() -> None:
    for page in PAGES.values():
        assert len({panel.name for panel in page.panels}) == len(page.panels)


def test_every_view_that_is_for_people_is_asked_somewhere_or_named_here(filled: Readable) -> None:
    """A new view belongs on the board, unless its rows are for other views or single users."""
    rows = rows_for(filled, "SHOW TABLES", LIMITS).rows
    views = {str(row[0]) for row in rows if str(row[0]).startswith("v_")}
    asked = {view for view in views for _, panel in ALL if view in panel.sql.split()}
    assert views - asked <= _NOT_ON_THE_BOARD
    assert not asked & _NOT_ON_THE_BOARD
    assert views >= _NOT_ON_THE_BOARD


_NOT_ON_THE_BOARD = frozenset(
    # Rows of single users, bookings, days of life: what other views sum up.
    "v_attributions v_credited_conversions v_bookings v_revenue v_revenue_attributions v_credits "
    "v_features v_active_days v_milestones v_conversions v_spend v_rates v_model_quality "
    "v_model_quality_daily "
    "v_subscriptions_daily v_table_retention v_ltv "
    "v_log_time v_now v_quality_hours v_app_zones v_cohort_days v_cohort_days_now".split()
)


def test_filters_become_conditions_that_prune() -> None:
    sql = Filters("com.example.a", 7).sql(ONE_DAY, date(2026, 3, 10))
    assert sql == (
        "SELECT 1 WHERE day BETWEEN toDate('2026-03-04') AND toDate('2026-03-10') "
        "AND app_id = 'com.example.a'"
    )


def test_an_app_with_a_quote_stays_a_name() -> None:
    sql = Filters("x' OR 1 --", 1).sql(ONE_DAY, date(2026, 3, 10))
    assert sql.endswith("AND app_id = 'x\\' OR 1 --'")


@pytest.mark.parametrize(
    "query",
    [{"days": "0"}, {"days": "366"}, {"days": "7d"}, {"days": "-1"}, {"days": ""}, {"days": "٣"},
     {"days": "9" * 5000}, {"days": "00001" + "9" * 20}, {"app": "a" * 257}, {"app": "a\nb"}],
    ids=str,
)  # fmt: skip
def test_an_address_that_is_no_filter_is_refused_in_one_line(query: dict[str, str]) -> None:
    with pytest.raises(Stop) as raised:
        filters_of(query)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_without_filters_a_page_shows_all_apps_of_a_month() -> None:
    assert filters_of({}) == Filters("", 30)
