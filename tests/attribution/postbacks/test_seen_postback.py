"""A postback counts once, however often and in whatever company its copies come in."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from schemas.records import PostbackSeen
from schemas.time import EventMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.matching.matching import Matching
from tests.worlds.clock import NOON
from tests.worlds.postback_world import (
    OTHER_KEY,
    OUR_RULES,
    PAYLOAD,
    VERSION_4_0,
    enveloped,
    jws,
    signed,
)
from tests.worlds.records import RULES
from tests.worlds.stage_world import (
    Fed,
    all_answered,
    event,
    journeyed,
    matched,
    records_in,
    rows,
    settled,
    source,
)

INTAKE = IntakeRules(b"secret", EventMs(0), 0.5, 4, postbacks=OUR_RULES)
REAL = json.dumps(signed(VERSION_4_0))
COPY = json.dumps(signed(VERSION_4_0) | {"conversion-value": 21})
SECOND = json.dumps(signed(VERSION_4_0 | {"postback-sequence-index": 1}))
FORGED = json.dumps(signed(VERSION_4_0, OTHER_KEY))


def skan(body: str, offset: int) -> MemoryRecord:
    fields = event("skan_postback", body=body) | {"event_id": f"e{offset}"}
    return source("postbacks", fields, offset=offset, ts=NOON + offset)


def intake(*lines: MemoryRecord) -> Effects:
    return Intake(0, 1, INTAKE, StageObserver()).decide(lines, MemoryStore())


def fates(*bodies: str) -> dict[int, str]:
    """What became of each body, by its place among them."""
    seen = records_in(matched(intake(*(skan(body, at) for at, body in enumerate(bodies)))))
    effects = Fed(Matching(0, 1, RULES, StageObserver())).match(*seen)
    return {
        offset: disposition for _, disposition, offsets in settled(effects) for offset in offsets
    }


def content(*bodies: str) -> list[dict[str, Any]]:
    return rows(intake(*(skan(body, at) for at, body in enumerate(bodies))), "postback-rows")


def test_a_postback_meets_no_device_and_no_install() -> None:
    effects = intake(skan(REAL, 0))
    (seen,) = records_in(matched(effects))
    assert isinstance(seen, PostbackSeen)
    assert seen.key.startswith("p:")
    assert records_in(journeyed(effects)) == []
    assert settled(effects) == []  # matching will know whether it is a copy


@pytest.mark.parametrize("order", list(permutations((REAL, COPY, SECOND, FORGED))))
def test_copies_are_duplicates_and_nothing_else_is_in_any_order(order: tuple[str, ...]) -> None:
    by_body = {order[at]: fate for at, fate in fates(*order).items()}
    assert sorted((by_body[REAL], by_body[COPY])) == ["decided", "duplicate"]
    assert (by_body[SECOND], by_body[FORGED]) == ("decided", "decided")


def test_a_forgery_sent_twice_is_one_forgery() -> None:
    assert fates(FORGED, REAL, FORGED) == {0: "decided", 1: "decided", 2: "duplicate"}


def test_every_copy_gives_a_row_under_one_id() -> None:
    first, second = content(REAL, COPY)
    assert first["postback_id"] == second["postback_id"]
    assert (first["signature_state"], first["signature_reason"]) == ("valid", "")
    assert (first["conversion_value"], second["conversion_value"]) == (20, 21)


def test_an_invalid_postback_is_kept_whole_with_its_reason() -> None:
    (row,) = content(FORGED)
    assert (row["signature_state"], row["signature_reason"]) == ("invalid", "bad_signature")
    assert (row["body"], row["ad_network_id"]) == (FORGED, "north.skadnetwork")
    assert row["conversion_state"] == "undecoded"


def test_a_body_that_is_no_postback_at_all_is_kept_too() -> None:
    (row,) = content("{}")
    assert (row["signature_state"], row["signature_reason"]) == ("invalid", "missing_field")
    assert (row["sequence_index"], row["did_win"]) == (-1, False)


def test_the_frameworks_do_not_share_ids() -> None:
    fields = event("aak_postback", body=enveloped(jws(PAYLOAD)))
    (row,) = rows(intake(source("postbacks", fields)), "postback-rows")
    assert (row["framework"], row["signature_state"]) == ("adattributionkit", "valid")
    assert row["postback_id"].startswith("adattributionkit:0:")


def test_a_postback_is_forgotten_in_the_end_and_not_before() -> None:
    stage = Fed(Matching(0, 1, RULES, StageObserver()), MemoryStore(stored_expiry))
    (seen,) = records_in(matched(intake(skan(REAL, 0))))

    def fate_at(log_time: int) -> str:
        stage.match(watermarks=all_answered(log_time))
        (fate,) = [fate for topic, fate, _ in settled(stage.match(seen)) if topic == "postbacks"]
        return fate

    assert fate_at(NOON) == "decided"
    assert fate_at(NOON + RULES.postback_retention_ms) == "duplicate"
    assert fate_at(NOON + RULES.postback_retention_ms + 2 * 3_600_000) == "decided"
