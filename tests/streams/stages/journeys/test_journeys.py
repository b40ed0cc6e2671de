"""Journeys says what was decided, booked and predicted for each install."""

from __future__ import annotations

import pytest
from msgspec import json

from online_models.hazard.model import HazardModel
from online_models.hazard.persistence import dump_hazard_scorer
from online_models.targets.targets import DEFAULT_RATES
from schemas.records import (
    OUTCOMES_ALONE,
    Erased,
    Example,
    JourneyRecord,
    ModelMarker,
    MoneyRouted,
    example_frames,
    journey_key,
)
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import HOUR, NOON, WEEK
from tests.worlds.records import RULES, answer, click, installed, late, purchase, routed, session
from tests.worlds.stage_world import Fed, Row, rows, settled

MODEL = dump_hazard_scorer(HazardModel())
PAID = routed(purchase(install_id="i1"))
SPEND = purchase(install_id="i1", minutes=2 * HOUR)


def find(version: str) -> bytes | None:
    return MODEL.content if version == MODEL.version else b"rubbish"


def journeys(state: MemoryStore | None = None) -> Fed:
    observer = StageObserver()
    return Fed(Journeys(0, 1, RULES, Scorers(find, observer, ScoringRules()), observer), state)


def clock(ms_after_noon: int) -> dict[str, int]:
    return {"matching-0": NOON + ms_after_noon}


def closed_clock(ms_after_noon: int) -> dict[str, int]:
    """Where matching has nothing to say of that time any more."""
    return clock(ms_after_noon) | {"closed-0": NOON + ms_after_noon}


def sources(effects: Effects) -> list[tuple[str, str]]:
    """Landmark and credited source of each row of features."""
    return [
        (row["landmark"], next(n[13:] for n in row["features"] if n.startswith("media_source=")))
        for row in rows(effects, "features")
    ]


def tiers(effects: Effects) -> list[tuple[str, str]]:
    found = rows(effects, "predictions")
    return [(row["landmark"], row["tier"]) for row in found if row["target"] == "payer"]


def examples(effects: Effects) -> list[tuple[int, bool]]:
    """Bin and label of each example of payers."""
    frames = [example_frames.decode(m.value or b"") for m in effects.messages["examples", 0]]
    found = [one for frame in frames for one in frame.records]
    of_payers = [one for one in found if isinstance(one, Example) and one.target == "payer"]
    return [(one.bin, one.label) for one in of_payers if one.bin != OUTCOMES_ALONE]


def test_a_decision_names_the_touchpoint_the_rules_and_all_candidates() -> None:
    effects = journeys().journeys(installed(), answer(click("c1", -5), click("c2", -1)))
    (row,) = rows(effects, "attributions")
    assert (row["attribution_id"], row["supersedes"], row["touch_id"], row["ctit_s"]) == (
        "i1:1", 0, "touch of c2", 60,
    )  # fmt: skip
    assert "later_touch" in row["candidates"]
    assert settled(effects) == [("installs", "decided", [0])]


def test_an_organic_decision_credits_nobody() -> None:
    (row,) = rows(journeys().journeys(installed(lookups=0)), "attributions")
    assert (row["status"], row["media_source"], row["match_type"], row["ctit_s"]) == (
        "organic", "organic", "none", -1,
    )  # fmt: skip


def test_a_new_version_names_the_one_it_supersedes() -> None:
    stage = journeys()
    stage.journeys(installed(), answer())
    (row,) = rows(stage.journeys(late(click("c1", -1, ts=5))), "attributions")
    assert (row["attribution_id"], row["supersedes"], row["reason"]) == (
        "i1:2", 1, "late_touchpoint",
    )  # fmt: skip


def test_both_halves_of_a_move_have_ids_of_their_own_and_cancel() -> None:
    stage = journeys()
    stage.journeys(installed(lookups=0), PAID)
    away, back = routed(PAID.money, sign=-1, move=1), routed(PAID.money, move=2)
    booked = rows(stage.journeys(away, back), "revenue")
    assert [(row["booking_id"], row["amount_micros"], row["is_relink"]) for row in booked] == [
        ("t1:move1-", -5_000_000, True),
        ("t1:move2+", 5_000_000, True),
    ]


@pytest.mark.parametrize("record", [PAID, session("s1", 0)])
def test_what_comes_before_its_install_is_parked_and_expires_by_log_time(
    record: MoneyRouted,
) -> None:
    stage = journeys()
    parked = stage.journeys(record)
    expired = stage.journeys(watermarks=clock(RULES.parking_ms + 1))
    states = [row["state"] for row in rows(parked, "parked") + rows(expired, "parked")]
    assert states == ["parked", "expired"]
    assert [disposition for _, disposition, _ in settled(expired)] == ["expired"]


def test_waits_at_two_places_of_moved_money_have_ids_of_their_own() -> None:
    one = rows(journeys().journeys(PAID), "parked")
    other = rows(journeys().journeys(routed(PAID.money, move=1)), "parked")
    assert one[0]["subject_id"] == other[0]["subject_id"]
    assert one[0]["parked_id"] != other[0]["parked_id"]


def test_deadlines_survive_a_restart() -> None:
    before = journeys()
    before.journeys(PAID, watermarks=clock(1))
    after = journeys(before.state).journeys(watermarks=clock(RULES.parking_ms + 1))
    assert settled(after) == [("payments", "expired", [0])]


def test_a_missing_answer_is_given_up_at_its_deadline_not_at_the_tick_that_noticed() -> None:
    stage = journeys()
    stage.journeys(installed())
    (row,) = rows(stage.journeys(watermarks=clock(5 * HOUR_MS)), "attributions")
    assert (row["reason"], row["decided_at"]) == ("deadline", NOON + RULES.decision_wait_ms)


def test_an_install_is_scored_at_once_and_later_landmarks_when_log_time_reaches_them() -> None:
    stage = journeys()
    assert tiers(stage.journeys(installed(lookups=0))) == [("install", "constant")]
    assert tiers(stage.journeys(watermarks=clock(HOUR_MS - 1))) == []
    assert tiers(stage.journeys(watermarks=clock(DAY_MS))) == [
        ("1h", "constant"), ("6h", "constant"), ("1d", "constant"),
    ]  # fmt: skip


def test_whoever_is_known_to_pay_is_not_asked_again_but_what_they_are_worth_is() -> None:
    stage = journeys()
    stage.journeys(installed(lookups=0), PAID)
    later = stage.journeys(watermarks=clock(DAY_MS))
    assert tiers(later) == []
    value_of = [(row["landmark"], row["amounts"]["d7"]) for row in rows(later, "predictions")]
    assert value_of == [(name, round(5 / DEFAULT_RATES["EUR"], 6)) for name in ("1h", "6h", "1d")]


def test_features_show_the_credit_as_it_was_known_at_each_landmark() -> None:
    stage = journeys()
    stage.journeys(installed(), answer())
    between = late(click("c1", -1, ts=2 * HOUR))
    assert sources(stage.journeys(between, watermarks=clock(DAY_MS))) == [
        ("6h", "north"), ("1d", "north"),
    ]  # fmt: skip


def test_bins_are_told_as_they_are_over_until_the_install_pays() -> None:
    payer, other = journeys(), journeys()
    payer.journeys(installed(lookups=0), watermarks=clock(0))
    other.journeys(installed(lookups=0), watermarks=clock(0))
    payer.journeys(routed(SPEND))
    assert examples(payer.journeys(watermarks=clock(DAY_MS))) == [(0, False), (1, True)]
    assert examples(other.journeys(watermarks=clock(DAY_MS))) == [
        (0, False),
        (1, False),
        (2, False),
    ]
    assert examples(other.journeys(watermarks=clock(7 * DAY_MS)))[-1] == (6, False)


def test_a_marker_switches_the_model_from_its_place_in_the_log_on() -> None:
    stage = journeys()
    effects = stage.journeys(
        installed(lookups=0), ModelMarker("payer", MODEL.version, LogMs(NOON)), installed(
            lookups=0, install_id="i2"),
    )  # fmt: skip
    found = rows(effects, "predictions")
    by_id = {row["install_id"]: row for row in found if row["target"] == "payer"}
    assert (by_id["i1"]["tier"], by_id["i1"]["tier_reason"]) == ("constant", "no_model")
    assert (by_id["i2"]["tier"], by_id["i2"]["model_version"]) == ("full", MODEL.version)


def test_the_model_in_force_survives_a_restart_and_an_empty_marker_suspends_it() -> None:
    before = journeys()
    before.journeys(ModelMarker("payer", MODEL.version, LogMs(NOON)))
    after = journeys(before.state)
    assert tiers(after.journeys(installed(lookups=0))) == [("install", "full")]
    suspended = after.journeys(ModelMarker("payer", ""), installed(install_id="i2", lookups=0))
    assert tiers(suspended) == [("install", "constant")]


def test_a_snapshot_that_cannot_be_used_leaves_the_constant_to_answer() -> None:
    stage = journeys()
    effects = stage.journeys(ModelMarker("payer", "broken", LogMs(NOON)), installed(lookups=0))
    assert tiers(effects) == [("install", "constant")]


def test_a_journey_nothing_was_logged_for_is_forgotten() -> None:
    stage = journeys()
    stage.journeys(installed(lookups=0), watermarks=clock(0))
    stage.journeys(watermarks=closed_clock(RULES.journey_retention_ms))
    assert not [key for key, _ in stage.state.entries() if key == journey_key("app", "i1").encode()]


def test_a_journey_is_not_forgotten_while_matching_may_take_money_back() -> None:
    """Log time leaps, and what a restore takes back is answered after its marks."""
    stage = journeys()
    stage.journeys(installed(lookups=0), PAID, watermarks=clock(0))
    stage.journeys(watermarks=clock(2 * RULES.journey_retention_ms))
    restarted = journeys(stage.state)
    for fed in (stage, restarted):
        (row,) = rows(fed.journeys(routed(PAID.money, sign=-1)), "revenue")
        assert row["amount_micros"] == -5_000_000
    stage.journeys(watermarks=closed_clock(2 * RULES.journey_retention_ms))
    assert not rows(stage.journeys(routed(PAID.money, sign=-1)), "revenue")


def test_log_time_alone_is_told_to_learning_once_an_hour() -> None:
    stage = journeys()

    def marks(after_ms: int) -> list[dict[str, LogMs]]:
        found = stage.journeys(watermarks=clock(after_ms)).messages.get(("examples", 0), [])
        frames = [example_frames.decode(one.value or b"") for one in found]
        assert not any(frame.records for frame in frames)
        return [frame.watermarks for frame in frames]

    assert marks(0) == [{"journeys-0": NOON}]
    assert marks(HOUR_MS - 1) == []
    assert marks(HOUR_MS) == [{"journeys-0": NOON + HOUR_MS}]


def test_batch_boundaries_change_neither_state_nor_outcomes() -> None:
    records: list[JourneyRecord] = [PAID, session("s1", 1), installed()]
    records += [answer(click("c1", -1)), late(click("c2", 0))]
    together, apart = journeys(), journeys()
    whole = together.journeys(*records)
    parts = [apart.journeys(record) for record in records]
    assert dict(together.state.entries()) == dict(apart.state.entries())
    for topic in ("attributions", "revenue", "parked", "features", "predictions"):
        output: list[Row] = [row for part in parts for row in rows(part, topic)]
        assert output == rows(whole, topic)


def test_an_install_logged_late_is_scored_at_once_for_landmarks_that_have_passed() -> None:
    stage = journeys()
    stage.journeys(watermarks=clock(2 * HOUR_MS))
    assert tiers(stage.journeys(installed(ts=2 * HOUR, lookups=0))) == [
        ("install", "constant"), ("1h", "constant"),
    ]  # fmt: skip


def test_money_for_an_install_that_came_too_late_is_never_booked() -> None:
    stage = journeys()
    stage.journeys(PAID, installed(ts=WEEK + 1, lookups=0))
    effects = stage.journeys(watermarks=clock(2 * RULES.parking_ms))
    assert rows(effects, "revenue") == []
    assert settled(effects) == [("payments", "expired", [0])]


def test_a_request_to_be_forgotten_is_told_what_the_journey_knew() -> None:
    known, other = journeys(), journeys()
    known.journeys(installed())
    asked = Erased("i1", "r1", LogMs(NOON + 1), "app")
    (receipt,) = rows(known.journeys(asked, asked), "privacy-receipts")
    assert (receipt["result"], receipt["found"]["installs"]) == ("found", 1)
    assert (receipt["subject_request_id"], receipt["subject_key"]) == ("r1", "i1")

    again = Erased("i1", "r2", LogMs(NOON + 2), "app")
    (receipt,) = rows(known.journeys(again), "privacy-receipts")
    assert receipt["result"] == "already_erased"
    (nobody,) = rows(other.journeys(asked), "privacy-receipts")
    assert (nobody["result"], nobody["found"]) == ("nothing_found", {})


def test_a_decision_after_a_request_tells_its_touchpoints_as_the_store_will_search_them() -> None:
    observer, ids = StageObserver(), AnonymousIds(b"a secret of the installation, 32 bytes")
    scorers = Scorers(find, observer, ScoringRules())
    stage = Fed(Journeys(0, 1, RULES, scorers, observer, erased_names=[ids]))
    asked = Erased("i1", "r1", LogMs(NOON + 1), "app")
    effects = stage.journeys(asked, installed(), answer(click("c1", -5)))
    (row,) = rows(effects, "attributions")
    assert (row["touch_id"], row["campaign_id"]) == ("", "c1")
    assert json.decode(row["candidates"]) == [{"touch_id": ids.of("touch of c1")}]
