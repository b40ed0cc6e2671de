"""In a replay no install is told another answer than the one that stays, however dumps are read."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence

import msgspec
import orjson
import pytest

from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.wiring.parts import stage_rules
from tests.worlds.clock import NOON

Drafted = tuple[str, int, int, bytes]
"""Topic, partition, log time, value."""


def drafted(installs: int, seed: int) -> list[Drafted]:
    """Installs, most with a click up to three seconds before them, on any partitions."""
    chance = random.Random(seed)
    found: list[Drafted] = []
    for number in range(installs):
        at = NOON + number * 37
        device = str(uuid.UUID(int=chance.getrandbits(128)))
        common = {"app_id": "com.example.game", "schema_version": 1, "gaid": device}
        if chance.random() < 0.8:
            click = common | {
                "type": "touchpoint", "event_id": f"c{number}", "event_time": at - 60_000,
                "touch_type": "click", "touch_id": f"t{number}", "media_source": "adnova",
            }  # fmt: skip
            found.append(("touchpoints", chance.randrange(4), at, orjson.dumps(click)))
            at += chance.choice((0, 0, 10, 500, 3_000))
        install = common | {
            "type": "install", "event_id": f"e{number}", "event_time": at,
            "install_id": f"i{number}",
        }  # fmt: skip
        found.append(("installs", chance.randrange(4), at, orjson.dumps(install)))
    chance.shuffle(found)
    return sorted(found, key=lambda one: one[2])


def answers(drafts: Sequence[Drafted]) -> dict[str, list[str]]:
    """The credited touchpoint of every version, by install."""
    offsets, records, order = Counter[tuple[str, int]](), list[MemoryRecord](), SourceOrder()
    for topic, partition, ts, value in drafts:
        record = MemoryRecord(topic, partition, offsets[topic, partition], ts, b"k", value)
        offsets[topic, partition] += 1
        records.append(record)
        order.see(record)
    found: dict[str, list[str]] = {}

    def sink(topic: str, outcomes: Sequence[MemoryRecord]) -> None:
        for outcome in outcomes if topic == "attributions" else ():
            row = msgspec.json.decode(outcome.value or b"")
            found.setdefault(row["install_id"], []).append(row["touch_id"])

    rules = stage_rules(read_settings({}))
    Replay(rules, sink, StageObserver(), learns=False).run(records, order, batch=400)
    return found


@pytest.mark.parametrize("layout", ["by time", "installs first", "touchpoints first"])
def test_every_install_has_one_version_and_it_credits_the_click(layout: str) -> None:
    drafts = drafted(2_500, seed=len(layout))
    if layout != "by time":
        # A file per partition, one after the other, as dumps of topics are.
        drafts.sort(key=lambda one: (one[0], one[1]), reverse=layout == "touchpoints first")
        drafts.sort(key=lambda one: one[0], reverse=layout == "touchpoints first")
    clicked = {
        orjson.loads(value)["touch_id"] for topic, *_, value in drafts if topic != "installs"
    }
    found = answers(drafts)
    assert len(found) == 2_500
    assert {name: touches for name, touches in found.items() if len(touches) > 1} == {}
    assert {touches[0] for touches in found.values()} - {""} == clicked
