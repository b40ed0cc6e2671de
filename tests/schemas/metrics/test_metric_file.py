"""A file of metrics that is wrong says where, and what is allowed instead, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import contracts
from schemas.contracts.views import views_of
from schemas.file_error import FileError
from schemas.metrics import growth_metrics, metrics_page

SCHEMAS = Path(contracts.__file__).parent.parent
VIEWS = {
    view.name: view
    for text in contracts.read_migrations(SCHEMAS / "migrations")
    for view in views_of(text)
}
GOOD = """
[[metric]]
name = "x"
title = "X"
unit = "installs"
view = "v_cohorts"
where = "day_n = 7 AND media_source = 'any words here'"
formula = "sum(active) / sum(installs)"
maturity = "at once"
description = "what it is"
"""


def test_a_metric_is_a_statement_on_the_page() -> None:
    page = metrics_page(growth_metrics(GOOD, VIEWS))
    assert (
        "SELECT app_id, sum(active) / sum(installs) AS x\nFROM v_cohorts\nWHERE day_n = 7" in page
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("v_cohorts", "v_nothing", "metric[0].view: there is no view 'v_nothing'"),
        ("sum(active)", "sum(actives)", "metric[0].formula: v_cohorts has no column 'actives'"),
        ("day_n =", "dayn =", "metric[0].where: v_cohorts has no column 'dayn'"),
        ("sum(installs)", "sum(installs", "parentheses do not match"),
        ("sum(active) / sum(installs)", "active / installs", "made of sums or counts"),
        ('name = "x"', 'name = "X 1"', "is no name of its own"),
        ('unit = "installs"', "", "metric[0]"),
        ("maturity", "maturty", "maturty"),
        ("[[metric]]", "[[metric", "this is not TOML"),
    ],
)
def test_a_file_that_is_wrong_says_where(old: str, new: str, text: str) -> None:
    with pytest.raises(FileError) as error:
        growth_metrics(GOOD.replace(old, new), VIEWS)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_two_metrics_have_two_names() -> None:
    with pytest.raises(FileError, match=r"metric\[1\]\.name"):
        growth_metrics(GOOD + GOOD, VIEWS)
