"""Whom to reach: only scores that are open, each with an interval and an end."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from schemas import outcomes
from schemas.outcomes import Freshness, Outcome
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.store.base import Store
from tests.worlds.stores.fact_outcomes import privacy_receipt
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, prediction

pytest.importorskip("chdb")


def log_time(at: int) -> Outcome:
    return Freshness(stage="journeys", partition=0, stage_time=LogMs(at))


def scores(store: Store, columns: str = "install_id, target, chance, expires_at") -> list[Any]:
    return store.query(f"SELECT {columns} FROM v_scores_now ORDER BY app_id, install_id").rows


def scored(name: str, landmark: str = "install", chance: float = 0.25, **changes: Any) -> Outcome:
    return prediction(name, landmark, chance, **changes)


def test_who_has_paid_is_no_longer_to_be_reached(store: Store) -> None:
    people = [f"i{number}" for number in range(6)]
    put(store, [decision(name) for name in people])
    put(store, [scored(name) for name in people])
    put(
        store,
        [
            booking("m1", "i1", event_time=NOON + 60_000),
            booking("m2", "i2", kind="ad_revenue"),  # No payment.
            # A sale that turned out to be of i4.
            booking("m3", "i3"),
            booking("m3:move1-", "i3", -5_000_000, sign=-1, is_relink=True),
            booking("m3:move1+", "i4", 5_000_000, is_relink=True),
            booking("m5", "i5", environment="sandbox"),
            log_time(NOON + 10 * 60_000),
        ],
    )
    assert [row[0] for row in scores(store)] == ["i0", "i2", "i3", "i5"]


def test_a_refund_makes_nobody_a_first_payer_again(store: Store) -> None:
    back = booking("r1", "i1", -5_000_000, kind="refund")
    put(store, [decision("i1"), scored("i1"), booking("m1", "i1"), back, log_time(NOON + 1)])
    assert scores(store) == []


@pytest.mark.parametrize(
    ("landmark", "since", "is_open"),
    [
        ("install", HOUR_MS - 1, True), ("install", HOUR_MS, False),
        ("1h", 6 * HOUR_MS - 1, True), ("6h", DAY_MS - 1, True), ("6h", DAY_MS, False),
        ("1d", 3 * DAY_MS - 1, True), ("3d", 7 * DAY_MS - 1, True), ("3d", 7 * DAY_MS, False),
    ],
)  # fmt: skip
def test_a_score_is_open_until_the_next_landmark(
    store: Store, landmark: str, since: int, is_open: bool
) -> None:
    put(store, [decision("i1"), scored("i1", landmark), log_time(NOON + since)])
    assert (len(scores(store)) == 1) is is_open


def test_the_latest_score_counts_and_says_when_it_ends(store: Store) -> None:
    put(store, [decision("i1"), scored("i1", "install", 0.9), scored("i1", "1h", 0.1)])
    put(store, [log_time(NOON + 2 * HOUR_MS)])
    assert scores(store) == [("i1", "payer", 0.1, "2026-01-01 18:00:00.000")]
    assert scores(store, "horizon, age_s, landmark, tier") == [("d7", 3600, "1h", "full")]
    assert "by d7, at landmark 1h, by tier full" in scores(store, "reason")[0][0]


def test_after_the_headline_the_next_horizon_holds_until_it_ends(store: Store) -> None:
    at = NOON + 7 * DAY_MS
    late = msgspec.structs.replace(
        prediction("i1", "3d", 0.0), landmark="7d", landmark_time=at, chances={"d30": 0.4}
    )
    put(store, [decision("i1"), late, *log_and_event(NOON + 20 * DAY_MS)])
    assert scores(store, "chance, horizon, expires_at") == [(0.4, "d30", "2026-01-31 12:00:00.000")]
    put(store, log_and_event(NOON + 30 * DAY_MS), first_offset=10)
    assert scores(store) == []


def log_and_event(at: int) -> list[Outcome]:
    """Log time, and an install that brought it there."""
    times: dict[str, Any] = {"conversion_time": at, "install_time": at, "decided_at": at}
    return [log_time(at), decision(f"at-{at}", **times)]


@pytest.mark.parametrize(("ticks", "open_ones"), [(13, []), (15, ["i1"]), (45, ["i1"])])
def test_where_only_the_clock_goes_on_now_is_the_last_event(
    store: Store, ticks: int, open_ones: list[str]
) -> None:
    """A demo ends so: its ticks go on, bring every install to its last landmark, and end there."""
    at = NOON + 20 * DAY_MS
    seen = {"install_time": at, "conversion_time": at, "decided_at": at}
    of_a_tick = msgspec.structs.replace(scored("i1", "3d"), landmark_time=at + 3 * DAY_MS)
    first = msgspec.structs.replace(scored("i1"), landmark_time=at)
    put(store, [decision("i0"), scored("i0"), decision("i1", **seen), first, of_a_tick])
    # One producer's clock is years ahead; its event was logged with the others.
    put(store, [decision("i2", **{**seen, "conversion_time": at + 900 * DAY_MS})], first_offset=50)
    put(store, [booking("m1", "i0", event_time=at + 900 * DAY_MS)], first_offset=60)
    put(store, [log_time(at + ticks * DAY_MS)])
    assert [row[0] for row in scores(store)] == open_ones
    if open_ones:
        assert scores(store, "toString(as_of), age_s, landmark") == [
            ("2026-01-21 12:00:00.000", 0, "install")
        ]


def test_who_asked_to_be_forgotten_is_left_out(store: Store) -> None:
    put(store, [decision("i1"), decision("i2"), scored("i1"), scored("i2"), log_time(NOON + 1)])
    put(store, [privacy_receipt("i1")])
    assert [row[0] for row in scores(store)] == ["i2"]


def test_ids_are_of_their_app_and_withdrawn_installs_are_gone(store: Store) -> None:
    put(store, [decision("i1"), decision("i1", app_id="run"), decision("i2", status="withdrawn")])
    put(store, [scored("i1"), scored("i1", app_id="run"), scored("i2"), log_time(NOON + 1)])
    put(store, [booking("m1", "i1", app_id="run")])
    assert scores(store, "app_id, install_id") == [("puzzle", "i1")]


def test_a_network_that_forbids_it_is_not_named(store: Store) -> None:
    put(store, [decision("i1", is_restricted=True), scored("i1"), log_time(NOON + 1)])
    assert scores(store, "media_source, campaign_id") == [("restricted", "")]


def reliability(lower: float, upper: float, rows: int, share: float, number: int) -> Outcome:
    return msgspec.convert(
        {
            "reliability_id": f"q{number}:{lower}",
            "quality_id": f"q{number}",
            "target": "payer",
            "horizon": "d7",
            "landmark": "install",
            "tier": "full",
            "bin": 0,
            "lower": lower,
            "upper": upper,
            "rows": rows,
            "predicted": (lower + upper) / 2,
            "observed": share,
            "end_time": NOON,
        },
        outcomes.ReliabilityRow,
    )


def wilson(share: float, rows: int, z: float = 1.2816) -> tuple[float, float]:
    """Wilson's interval (1927), as textbooks write it."""
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2)
    return middle - half, middle + half


def test_an_interval_is_what_such_chances_came_to(store: Store) -> None:
    put(store, [decision("i1"), scored("i1", "install", 0.25), log_time(NOON + 1)])
    put(store, [reliability(0.2, 0.3, 40, 0.3, 1), reliability(0.22, 0.4, 60, 0.2, 2),
                reliability(0.5, 0.9, 500, 0.7, 1)])  # fmt: skip
    low, high, judged = scores(store, "low, high, judged")[0]
    expected = wilson((12 + 12) / 100, 100)
    assert [low, high] == pytest.approx(expected, abs=1e-4)
    assert judged == 100


def test_without_evidence_there_is_no_interval(store: Store) -> None:
    put(store, [decision("i1"), scored("i1"), log_time(NOON + 1)])
    put(store, [reliability(0.2, 0.3, 19, 0.5, 1)])
    assert scores(store, "low, high") == [(None, None)]
