"""Features of an install, at each landmark."""

from __future__ import annotations

import math

import pytest

from online_models.features import features
from online_models.features.features import ActivityTally, InstallCredit, InstallFacts
from schemas.time import DAY_MS, HOUR_MS

FACTS = InstallFacts("i1", "app.one", 1_790_000_000_000, "android", "DE", "14.1")
CREDIT = InstallCredit("meta", "c1", "s1", "click_id", "click", 33)
ORGANIC = InstallCredit("organic", "", "", "none", "", -1)


def _counted(*names: str) -> ActivityTally:
    tally = ActivityTally()
    for name in names:
        tally = features.count(tally, 0, name, name == "session")
    return tally


def test_the_install_landmark_knows_no_activity() -> None:
    tally = _counted("session", "level_up")

    assert not [name for name in features.features_at(0, FACTS, CREDIT, tally) if "@" in name]


def test_later_landmarks_add_up_the_buckets_until_there() -> None:
    tally = features.count(_counted("session"), 1, "session", True)

    assert features.features_at(1, FACTS, CREDIT, tally)["sessions@1h"] == round(math.log1p(1), 4)
    assert features.features_at(2, FACTS, CREDIT, tally)["sessions@6h"] == round(math.log1p(2), 4)


def test_an_hour_without_activity_is_said_as_zero() -> None:
    row = features.features_at(1, FACTS, CREDIT, ActivityTally())

    assert (row["sessions@1h"], row["events@1h"]) == (0.0, 0.0)


def test_what_a_model_should_follow_soonest_has_the_largest_value() -> None:
    row = features.features_at(0, FACTS, CREDIT, ActivityTally())

    assert max(row, key=row.__getitem__) == "campaign=c1"
    assert row["hour=14"] < row["country=DE"] < row["app=app.one"]


def test_activity_since_the_landmark_before_is_told_apart() -> None:
    tally = features.count(_counted("session", "level_up"), 1, "session", True)

    first = features.features_at(1, FACTS, CREDIT, tally)
    second = features.features_at(2, FACTS, CREDIT, tally)

    assert not [name for name in first if name.startswith("new_")]
    assert second["new_sessions@6h"] == round(math.log1p(1), 4)
    assert "new_event:level_up@6h" not in second


@pytest.mark.parametrize(("quiet", "newest"), [(0, 2), (1, 1), (2, 0)])
def test_how_long_somebody_has_been_quiet_is_said(quiet: int, newest: int) -> None:
    tally = ActivityTally()
    for bucket in range(2 - quiet):
        tally = features.count(tally, bucket, "session", True)

    assert features.features_at(2, FACTS, CREDIT, tally)[f"active@6h={newest}"] == 1.0


def test_source_and_country_are_crossed() -> None:
    row = features.features_at(0, FACTS, CREDIT, ActivityTally())

    assert "media_source×country=meta|DE" in row
    assert "campaign×platform=c1|android" in row


def test_organic_installs_have_no_time_since_the_click() -> None:
    assert "ctit_log2=none" in features.features_at(0, FACTS, ORGANIC, ActivityTally())
    assert "ctit_log2=6" in features.features_at(0, FACTS, CREDIT, ActivityTally())


@pytest.mark.parametrize(
    ("elapsed_ms", "bucket"),
    [(-5, 0), (0, 0), (HOUR_MS - 1, 0), (HOUR_MS, 1), (DAY_MS - 1, 2), (DAY_MS, 3)],
)
def test_a_landmark_knows_what_came_before_it_and_not_what_came_with_it(
    elapsed_ms: int, bucket: int
) -> None:
    assert features.bucket_of(elapsed_ms) == bucket


def test_a_broken_client_cannot_count_without_end() -> None:
    tally = _counted(*["session"] * (features.COUNT_MAX + 5))

    assert tally.buckets[0].sessions == features.COUNT_MAX


def test_only_so_many_event_names_are_counted_and_they_do_not_depend_on_order() -> None:
    names = [f"event_{number}" for number in range(50)]

    kept = _counted(*names).buckets[0].names

    assert len(kept) == features.EVENT_NAMES_MAX
    assert kept == _counted(*reversed(names)).buckets[0].names


def test_long_names_are_cut() -> None:
    credit = InstallCredit("m" * 1000, "c" * 1000, "s" * 1000, "click_id", "click", 0)

    row = features.features_at(1, FACTS, credit, _counted("e" * 1000))

    assert max(map(len, row)) < 200
