"""An explanation reads like an answer to: where is my event, and why was it decided so?"""

from __future__ import annotations

from streams.explain import Explanation
from streams.explain_words import in_words

DECISION = {
    "version": 2,
    "supersedes": 1,
    "reason": "late_touchpoint",
    "status": "non_organic",
    "match_type": "click_id",
    "media_source": "meadow",
    "campaign_id": "c1",
    "campaign_name": "spring",
    "touch_id": "t9",
    "touch_type": "click",
    "ctit_s": 40,
    "rule_set": "abc",
    "decided_at": "2026-01-02 00:00:00.000",
    "candidates": [
        {"touch_id": "t9", "verdict": "credited", "rule": "last_touch"},
        {"touch_id": "t3", "verdict": "rejected", "rule": "outside_window"},
    ],
}


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
    install = {"install_id": "i1", "decisions": [DECISION], "revenue": [], "predictions": []}
    told = in_words(Explanation("i1", installs=[install]))
    assert "version 2: meadow, campaign spring, by click_id of click t9, 40 s before" in told
    assert "a touchpoint arrived late" in told
    assert "t3: rejected (outside_window)" in told


def test_waiting_money_says_for_what_and_how_it_ended() -> None:
    rows = [_parked("parked"), _parked("released"), _parked("expired")]
    told = in_words(Explanation("r1", parked=rows)).splitlines()
    assert told[0] == (
        "refund refund app:t1:r1 of -1.99 EUR: waits for its purchase, until 2026-01-09 at most"
    )
    assert told[1].endswith("has found its purchase")
    assert told[2].endswith("waited for its purchase until 2026-01-09, in vain")


def test_a_dead_letter_says_where_and_why() -> None:
    letter = {
        "source_topic": "payments",
        "source_partition": 1,
        "source_offset": 7,
        "reason": "negative_amount",
        "detail": "amount -1 is negative",
    }
    told = in_words(Explanation("e1", dead_letters=[letter]))
    assert told == "Dead letter at payments:1:7: negative_amount, amount -1 is negative"


def test_an_unknown_id_says_what_can_be_asked() -> None:
    assert "nothing is stored under this id" in in_words(Explanation("e1"))
