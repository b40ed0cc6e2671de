"""A scenario: what producers wrote, partition by partition, and how the clocks ticked.

Log times never go back inside a partition, as a broker's append time does; between partitions
anything goes.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import partition_of
from schemas.time import DAY_MS
from streams.stages.contract import CLOCK_KEY, Message, TopicPartition

STARTS_AT = 1_790_000_000_000
SPARSE_PARTITIONS = 7
EARLIEST = 1_262_304_000_000  # events before 2010 are refused
RULES = Rules(watched_one_in=1)
Logs = dict[TopicPartition, list[Message]]


class Draft(NamedTuple):
    topic: str
    key: str
    ts: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Scenario:
    """What producers wrote, and the log time at which all partitions end."""

    partitions: int
    sources: Logs
    ends_at: int
    troubles: Sequence[str] = ()

    def without(self, drops: Callable[[Message], bool]) -> Scenario:
        """The same logs without some messages."""
        kept = {
            tp: [message for message in messages if not drops(message)]
            for tp, messages in self.sources.items()
        }
        return Scenario(self.partitions, kept, self.ends_at, self.troubles)

    def waves(self) -> list[Logs]:
        """The logs in parts, each up to the next tick of all clocks, as producers write them."""
        clocks = sorted({tick.timestamp or 0 for log in self.sources.values() for tick in log
                         if tick.key == CLOCK_KEY})  # fmt: skip
        waves: list[Logs] = [{} for _ in range(len(clocks) + 1)]
        for tp, messages in self.sources.items():
            for message in messages:
                ts = message.timestamp or 0
                # Messages that tie with a tick come after it.
                passed = bisect_left(clocks, ts if message.key == CLOCK_KEY else ts + 1)
                waves[passed].setdefault(tp, []).append(message)
        return waves


def written(
    drafts: Sequence[Draft],
    ticks: Sequence[int],
    chance: random.Random,
    *,
    is_sparse: bool = False,
    troubles: Sequence[str] = (),
) -> Scenario:
    """The drafts by log time; all clocks tick first when they tie with a draft.

    Where it is sparse, there are more partitions than anybody writes to.
    """
    partitions = chance.choice((1, 2, 2, 2, 3))
    if is_sparse:
        partitions, troubles = SPARSE_PARTITIONS, [*troubles, "sparse partitions"]
    last = max(draft.ts for draft in drafts)
    ends_at = last + chance.choice((2_000, DAY_MS, 40 * DAY_MS, 40 * DAY_MS))
    logs: Logs = {
        (topic.name, p): [Message(CLOCK_KEY, b"", min(ts, last)) for ts in ticks]
        for topic in topics.SOURCES
        for p in range(partitions)
    }
    for draft in chance.sample(drafts, len(drafts)):
        message = Message(draft.key.encode(), draft.value, draft.ts)
        logs[draft.topic, partition_of(draft.key, partitions)].append(message)
    for messages in logs.values():
        messages.sort(key=lambda message: message.timestamp or 0)
        messages.append(Message(CLOCK_KEY, b"", ends_at))
    return Scenario(partitions, logs, ends_at, tuple(troubles))
