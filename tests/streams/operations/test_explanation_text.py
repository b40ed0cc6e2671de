"""An explanation reads like an answer to: where is my event, and why was it decided so?"""

from __future__ import annotations

from typing import Any

from streams.operations.explain.explanation import Explanation
from streams.operations.explain.explanation_text import explanation_text
from tests.worlds.stores.traffic_outcomes import DECISION_FIELDS

DECISION: dict[str, Any] = DECISION_FIELDS | {
    "conversion_id": "i1",
    "install_id": "i1",
    "version": 2,
    "supersedes": 1,
    "reason": "late_touchpoint",
    "conversion_type": "install",
    "status": "non_organic",
    "app_id": "app",
    "platform": "android",
    "country_code": "DE",
    "install_time": "2026-01-01 23:00:00.000",
    "conversion_time": "2026-01-01 23:00:00.000",
    "expires_at": "1970-01-01 00:00:00.000",
    "media_source": "meadow",
    "campaign_id": "c1",
    "campaign_name": "spring",
    "touch_id": "t9",
    "touch_type": "click",
    "ctit_s": 40,
    "contributors": [],
    "rule_set": "abc",
    "decided_at": "2026-01-02 00:00:00.000",
    "candidates": [
        {"touch_id": "t9", "verdict": "credited", "rule": "last_touch"},
        {"touch_id": "t3", "verdict": "rejected", "rule": "outside_click_window"},
    ],
}


def text_of(*decisions: dict[str, Any], **install: Any) -> str:
    """The explanation of one install with these decisions."""
    rows = {"install_id": "i1", "revenue": [], "predictions": [], "decisions": list(decisions)}
    return explanation_text(Explanation("i1", installs=[rows | install]))


def _parked(state: str) -> dict[str, object]:
    return {
        "kind": "refund",
        "subject_id": "refund app:t1:r1",
        "amount_micros": -1_990_000,
        "currency": "EUR",
        "state": state,
        "waits_for": "purchase",
        "deadline": "2026-01-09",
    }


def test_a_decision_names_the_credit_the_reason_and_every_candidate() -> None:
    words = text_of(DECISION)
    assert "version 2: meadow, campaign spring, by click_id of click t9, 40 s before" in words
    assert "a touchpoint was logged after the install; replaces version 1; rules abc" in words
    assert (
        "t3: rejected (outside_click_window: the click is older than its lookback window)" in words
    )


def test_windows_in_force_are_given_once_and_again_when_they_change() -> None:
    words = text_of(DECISION, DECISION | {"version": 3})
    line = "lookback windows: click 7 d, view 1 d, probabilistic off, re-attribution 90 d"
    assert words.count(line) == 1
    later = DECISION | {"version": 3, "click_window_s": 5_400, "view_window_s": 90}
    assert "windows: click 90 min, view 90 s" in text_of(DECISION, later)


def test_who_lost_the_credit_to_fraud_is_named_with_what_was_measured() -> None:
    robbed = DECISION | {
        "rejected_media_source": "adroute",
        "rejected_campaign_id": "c7",
        "rejected_touch_id": "t10",
        "rejected_reason": "engagement_injection",
    }
    verdict = {
        "decided_at": "2026-01-02",
        "stage": "realtime",
        "reason": "engagement_injection",
        "sub_reason": "after_install_begin",
        "value": 55.5,
        "mode": "reject",
        "touch_id": "t10",
        "media_source": "adroute",
        "campaign_id": "c7",
        "real_source": "meadow",
    }
    words = text_of(robbed, fraud=[verdict])
    assert "adroute, campaign c7 would have had the credit with t10, but for" in words
    assert "engagement_injection (it happened while the app was being downloaded)" in words
    assert "reject: t10 of adroute, campaign c7: engagement_injection after_install_begin" in words
    assert "55.5, by its own times and ids; the credit goes to meadow" in words


def test_a_reattribution_names_the_install_before_and_when_it_ends() -> None:
    again = DECISION | {
        "conversion_type": "reattribution",
        "status": "reattributed",
        "prior_install_id": "i0",
        "expires_at": "2026-02-01 00:00:00.000",
    }
    words = text_of(again)
    assert "re-attribution: retargeting won back the user of install i0" in words
    assert "until 2026-02-01 00:00:00.000, then the credit returns to the previous source" in words


def test_a_reengagement_is_kept_apart_from_its_install() -> None:
    back = DECISION | {
        "conversion_id": "i1~t20-e",
        "conversion_type": "reengagement",
        "status": "reengaged",
        "conversion_time": "2026-01-20 00:00:00.000",
        "touch_id": "t20",
    }
    withdrawn = back | {"version": 3, "status": "withdrawn"}
    words = text_of(DECISION, back, withdrawn)
    assert "re-engagement i1~t20-e" in words
    assert "came back at 2026-01-20 00:00:00.000 after 7 d or more of inactivity" in words
    assert "version 3: withdrawn: the user did not come back" in words


def test_a_probabilistic_match_gives_its_probability() -> None:
    likely = {"match_type": "probabilistic", "match_confidence": 0.934, "model_version": "pairs-1"}
    assert "probabilistic match: 93.4% likely by model pairs-1" in text_of(DECISION | likely)


def test_helpers_and_shares_are_text_of() -> None:
    helper = {
        "media_source": "vidora",
        "campaign_id": "c4",
        "touch_type": "impression",
        "touch_id": "t1",
        "touch_time": 1_767_239_834_801,
    }
    share = {"method": "linear", "version": 2, "shares": {"vidora": 0.25, "meadow": 0.75}}
    words = text_of(DECISION | {"contributors": [helper]}, credits=[share])
    assert "contributed: vidora, campaign c4, impression t1 at 2026-01-01 03:57:14.801" in words
    assert "credit by linear (version 2): meadow 75%, vidora 25%" in words


def test_after_an_erasure_the_touchpoint_is_not_named() -> None:
    gone = {"reason": "erasure", "touch_id": "", "candidates": []}
    words = text_of(DECISION | gone)
    assert "by click_id of click (erased)" in words
    assert "the user asked for erasure: this version has no ids and no receipt" in words


def test_a_touchpoint_without_a_time_is_no_day_in_1970() -> None:
    assert "at an unknown time" in text_of(DECISION | {"ctit_s": -1})
    assert "22 h 4 min before" in text_of(DECISION | {"ctit_s": 79_448})


def test_waiting_money_says_for_what_and_how_it_ended() -> None:
    rows = [_parked("parked"), _parked("released"), _parked("expired")]
    lines = explanation_text(Explanation("r1", parked=rows)).splitlines()
    assert lines[0] == (
        "refund refund app:t1:r1 of -1.99 EUR: waits for its purchase until 2026-01-09"
    )
    assert lines[1].endswith("has found its purchase")
    assert lines[2].endswith("expired: its purchase was not found by 2026-01-09")


def test_a_dead_letter_says_where_and_why() -> None:
    letter = {
        "source_topic": "payments",
        "source_partition": 1,
        "source_offset": 7,
        "reason": "negative_amount",
        "detail": "amount -1 is negative",
    }
    words = explanation_text(Explanation("e1", dead_letters=[letter]))
    assert words == "Dead letter at payments:1:7: negative_amount, amount -1 is negative"


def test_an_unknown_id_says_what_can_be_asked() -> None:
    assert "nothing is stored under this id" in explanation_text(Explanation("e1"))
