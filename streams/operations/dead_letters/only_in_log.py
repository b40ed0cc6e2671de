"""Messages that were set aside without their bytes: the source topic alone has those.

The breaker counts a flood offset by offset and copies nothing, and a record between stages that was
quarantined names the event behind it. Both are read by their places, as long as the retention of
their topic keeps them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from typing import NamedTuple

from streams.kafka.place_reader import PlaceReader
from streams.operations.dead_letters.chosen import (
    PAGE_MESSAGES,
    QUARANTINED_REASON,
    Chosen,
    StoredMessage,
)
from streams.settings import Settings
from streams.stages.contract import TopicPartition
from streams.stages.intake.flood_breaker import OTHER_APPS, claimed_app
from streams.store.base import SqlValue, Store
from streams.wiring.parts import core_settings

BYTES_GONE = "bytes_gone"
"""Stands for a reason code: neither the store nor the source topic has the message any more."""

FLOOD_ROWS = """
SELECT toString(source_topic) AS source_topic, source_partition, offsets, inserted_at,
    toString(flood_reason) AS flood_reason, toString(flood_app) AS flood_app
FROM ledger WHERE ledger.flood_app != '' LIMIT 1 BY log_epoch, log_partition, log_offset
"""
"""SQL: what was counted without a copy, each row once."""

_PLACES = f"""
SELECT topic, partition, place, min(why) AS reason, min(named) AS app
FROM
(
    SELECT source_topic AS topic, source_partition AS partition, offset AS place,
        flood_reason AS why, flood_app AS named
    FROM ({FLOOD_ROWS}) ARRAY JOIN offsets AS offset
    UNION ALL SELECT toString(source_topic), source_partition, source_offset,
        '{QUARANTINED_REASON}', toString(app_id)
    FROM quarantined WHERE kind = 'record' AND source_topic != ''
)
WHERE ({{reason}} = '' OR why = {{reason}}) AND ({{topic}} = '' OR topic = {{topic}})
    AND ({{app}} = '' OR named IN ({{app}}, '{OTHER_APPS}'))
    AND (topic, partition, place) > ({{after_topic}}, {{after_partition}}, {{after_offset}})
    AND ({{until_offset}} < 0
        OR (topic, partition, place) = ({{topic}}, {{after_partition}}, {{until_offset}}))
GROUP BY topic, partition, place
ORDER BY topic, partition, place
LIMIT {PAGE_MESSAGES}
"""


class LogPlace(NamedTuple):
    """Where the bytes of one message are."""

    topic: str
    partition: int
    offset: int  # as rows have it: its place
    reason: str
    app: str  # that it claimed when it was counted


@dataclass(slots=True)
class GoneBytes:
    """Messages that their source topics no longer have, and why."""

    counts: Counter[TopicPartition] = field(default_factory=Counter)
    why: str = ""  # of the first partition

    def add(self, tp: TopicPartition, count: int, why: str) -> None:
        self.counts[tp] += count
        self.why = self.why or why

    def line(self) -> str:
        """One line on all of them; empty when there is none."""
        if not self.counts:
            return ""
        others = len(self.counts) - 1
        more = f" (and {others} more partitions)" if others else ""
        return (
            f"{self.counts.total():,} messages were counted without a copy, and their topics no "
            f"longer have them: {self.why}{more}"
        )


def places_of(
    store: Store, chosen: Chosen, at: tuple[str, int, int] | None = None
) -> Iterator[LogPlace]:
    """Every place that is chosen, in the order of the log; with `at` that one, if it is one."""
    after = (at[0], at[1], at[2] - 1) if at else ("", -1, -1)
    while True:
        params: dict[str, SqlValue] = {
            "reason": chosen.reason,
            "topic": chosen.topic,
            "app": chosen.app,
            "after_topic": after[0],
            "after_partition": after[1],
            "after_offset": after[2],
            "until_offset": at[2] if at else -1,
        }
        rows = store.query(_PLACES, params).rows
        for topic, partition, offset, reason, app in rows:
            yield LogPlace(str(topic), int(partition), int(offset), str(reason), str(app))
        if len(rows) < PAGE_MESSAGES:
            return
        after = str(rows[-1][0]), int(rows[-1][1]), int(rows[-1][2])


def messages_at(
    settings: Settings, places: Iterable[LogPlace], gone: GoneBytes
) -> Iterator[tuple[LogPlace, StoredMessage]]:
    """What the source topics have at these places; `gone` counts the others.

    Places of an earlier log of a topic are gone; where its logs are not known, one that holds a
    message of another app is taken for such a place.
    """
    remaining = iter(places)
    first = next(remaining, None)
    if first is None:
        return
    if settings.kafka.brokers is None:
        for place in chain((first,), remaining):
            gone.add(_partition_of(place), 1, "HEADWATER_KAFKA is not set, so there is no topic")
        return
    with PlaceReader(core_settings(settings)) as reader:
        for tp, group in groupby(chain((first,), remaining), key=_partition_of):
            yield from _of_partition(reader, tp, group, gone)


def _partition_of(place: LogPlace) -> TopicPartition:
    return place.topic, place.partition


def _of_partition(
    reader: PlaceReader, tp: TopicPartition, places: Iterator[LogPlace], gone: GoneBytes
) -> Iterator[tuple[LogPlace, StoredMessage]]:
    while some := list(islice(places, PAGE_MESSAGES)):
        by_place = {one.offset: one for one in some}
        found = 0
        for at, record in reader.read(tp, sorted(by_place)):
            place = by_place[at]
            if _is_same(place, record.value):
                found += 1
                yield (
                    place,
                    StoredMessage(
                        topic=tp[0],
                        partition=tp[1],
                        offset=at,
                        timestamp_ms=record.timestamp,
                        key=record.key,
                        value=record.value or b"",
                    ),
                )
        if found < len(some):
            begins = reader.first_offset(tp)
            how = "is empty or not there" if begins is None else f"begins at offset {begins:,}"
            gone.add(tp, len(some) - found, f"{tp[0]}/{tp[1]} {how}")


def _is_same(place: LogPlace, value: bytes | None) -> bool:
    return place.app in ("", OTHER_APPS, claimed_app(value))
