"""A record may carry any log time: a producer that stamps its own can stamp nonsense."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.time import DAY_MS, LOG_TIME_MAX
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.wiring.parts import stage_rules
from tests.worlds.clock import NOON

DEVICE = "38400000-8cf0-11bd-b23e-10b96e40000d"
STORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("touchpoints", {"type": "touchpoint", "event_id": "c", "touch_type": "click", "touch_id": "t",
                     "media_source": "adnova", "gaid": DEVICE}),
    ("installs", {"type": "install", "event_id": "i", "install_id": "a", "gaid": DEVICE}),
    ("activity", {"type": "session", "event_id": "s", "install_id": "a", "session_id": "s"}),
    ("payments", {"type": "purchase", "event_id": "p", "install_id": "a", "transaction_id": "t",
                  "amount_micros": 1, "currency": "USD"}),
)  # fmt: skip


def story(stamp: int, app: str, offset: int) -> list[MemoryRecord]:
    """A click, an install, a session and a purchase, all logged at the same time."""
    common = {"schema_version": 1, "app_id": app, "event_time": NOON}
    return [
        MemoryRecord(topic, 0, offset, stamp, b"k", json.dumps(common | event).encode())
        for topic, event in STORY
    ]


def replayed(records: list[MemoryRecord]) -> dict[str, list[dict[str, Any]]]:
    order, found = SourceOrder(), defaultdict[str, list[dict[str, Any]]](list)
    for record in records:
        order.see(record)

    def take(topic: str, outcomes: Any) -> None:
        found[topic] += [json.loads(outcome.value) for outcome in outcomes]

    Replay(stage_rules(read_settings({})), take, StageObserver(), learns=False).run(records, order)
    return found


any_stamp = st.integers(-(2**63), 2**63 - 1) | st.integers(NOON, LOG_TIME_MAX + DAY_MS)


@settings(max_examples=25)
@example(-(2**63))
@example(-1)
@example(2**62)
@example(2**63 - 1)
@example(NOON * 1_000)
@example(NOON * 1_000_000)
@example(LOG_TIME_MAX)
@given(any_stamp)
def test_a_stamp_costs_its_own_record_at_most(stamp: int) -> None:
    """The events of another app, with right stamps, are decided as ever, and none is lost."""
    good = story(NOON, "good", 0)
    found = replayed([*good, *story(stamp, "bad", 1)])
    settled = sum(len(row["offsets"]) for row in found["ledger"])
    decided = sum(len(row["offsets"]) for row in found["ledger"] if row["disposition"] == "decided")
    assert settled == 8
    assert len(found["dead-letters"]) in (0, 4)
    assert decided == 8 - len(found["dead-letters"])
    touches = {row["app_id"]: row["touch_id"] for row in found["attributions"]}
    assert touches["good"] == "t"
    assert [row["amount_micros"] for row in found["revenue"] if row["app_id"] == "good"] == [1]
    if stamp > LOG_TIME_MAX:
        # Another unit tells no time: nobody is scored by it as if years had passed.
        assert {row["landmark"] for row in found["features"]} == {"install"}
