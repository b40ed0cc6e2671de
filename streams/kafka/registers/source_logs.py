"""Which logs the source topics have had: the topic `source-logs`, which core workers read when
they start.

A source topic that is deleted and created anew counts its offsets from 0 again. Its logs are
numbered in the order in which workers met them, so that no two events have the same place
(`schemas.records.log_place`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import aiokafka
import msgspec
from aiokafka.errors import KafkaError

from schemas.topics import SOURCE_LOGS, SOURCES
from streams.errors import Stop
from streams.kafka.connection_fault import connection_fault
from streams.kafka.publisher import Publisher
from streams.runtime.clients import denied_right, new_consumer
from streams.runtime.identity import UNKNOWN_LOGS, KnownLogs
from streams.settings.core import CoreSettings

_READ_SECONDS = 30.0
_logger = logging.getLogger(__name__)


class SourceLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log that a worker met, or, with a partition, how far one had read it when it was gone."""

    topic: str
    """Without the prefix."""
    log: str
    """Cluster id and topic id."""
    number: int
    """From 0, in the order in which the topic had them."""
    recorded_at: int = 0
    """Wall clock, in milliseconds since 1970."""
    partition: int = -1
    """Of which the next two tell; -1: of none."""
    decided: int = 0
    """The worker had decided what was before this offset."""
    end: int = 0
    """The end that it last saw."""

    @property
    def key(self) -> bytes:
        """Later records with this key replace it."""
        part = f" {self.partition}" if self.partition >= 0 else ""
        return f"{self.topic} {self.log}{part}".encode()


_source_log = msgspec.json.Decoder(SourceLog)


def numbered(known: Sequence[SourceLog], logs: KnownLogs) -> tuple[dict[str, int], list[SourceLog]]:
    """The number of the log that each source topic has now, and the logs that are new.

    A topic whose log nobody knows, as on a broker without topic ids, is left out.
    """
    numbers: dict[str, int] = {}
    new: list[SourceLog] = []
    for source in SOURCES:
        topic = source.name
        log = logs.log_id(topic)
        if not log:
            continue
        of_topic = {found.log: found.number for found in known if found.topic == topic}
        number = of_topic.get(log)
        if number is None:
            number = max(of_topic.values(), default=-1) + 1
            new.append(SourceLog(topic=topic, log=log, number=number))
        numbers[topic] = number
    return numbers, new


def lost_unread(known: Sequence[SourceLog], now: KnownLogs) -> dict[str, int]:
    """By topic, records of logs that are gone by now, which workers saw and had not decided.

    At most so many: among them are commit markers, and what was decided in the last seconds. What
    came after a worker last looked, or while none ran, is not among them. Of workers that had a
    partition one after the other the one that had read most of it knows.
    """
    parts = (part for part in known if part.partition >= 0)
    of_gone = (part for part in parts if part.log != now.log_id(part.topic))
    lost: Counter[str] = Counter()
    for part in furthest(of_gone).values():
        lost[part.topic] += max(0, part.end - part.decided)
    return dict(lost)


def furthest(known: Iterable[SourceLog]) -> dict[bytes, SourceLog]:
    """By key, the record of the worker that had read most."""
    found: dict[bytes, SourceLog] = {}
    for part in known:
        other = found.setdefault(part.key, part)
        if (part.decided, part.end) > (other.decided, other.end):
            found[part.key] = part
    return found


def no_report(topic: str, lost: int) -> None:
    """Nobody counts."""


async def number_source_logs(
    core: CoreSettings, logs: KnownLogs, report: Callable[[str, int], None] = no_report
) -> Mapping[str, int]:
    """The number of the log behind each source topic; records those that are new.

    Each one after the first gets a line. `report` is told `lost_unread`. Stop when Kafka fails.
    """
    if not any(logs.log_id(topic.name) for topic in SOURCES):
        return {}
    known = await recorded_logs(core)
    numbers, new = numbered(known, logs)
    if new:
        await record(core, new)
    for topic, lost in lost_unread(known, logs).items():
        report(topic, lost)
    for line in renewed_sources(known, logs):
        _logger.warning("%s", line)
    return numbers


def renewed_sources(known: Sequence[SourceLog], logs: KnownLogs) -> list[str]:
    """One line for each source topic that has another log now than those that workers met."""
    _, new = numbered(known, logs)
    return [_line(found, _latest(known, found.topic), known) for found in new if found.number]


def _latest(known: Sequence[SourceLog], topic: str) -> str:
    return max((log.number, log.log) for log in known if log.topic == topic)[1]


def _line(found: SourceLog, before: str, known: Sequence[SourceLog]) -> str:
    of_before = [one for one in known if one.log == before]
    lost = lost_unread(of_before, UNKNOWN_LOGS).get(found.topic)
    many = "how much is unknown, no worker saw it go" if lost is None else f"at most {lost} records"
    return (
        f"source topic {found.topic} is another log than before ({found.log}, before {before}): it "
        "was deleted and created anew, or the cluster is another one; what nobody had read of the "
        f"old log is lost ({many}), and what is in the new one is decided and counted beside the "
        "old rows, "
        f"its offsets counted on from {found.number} × 2^40"
    )


async def recorded_logs(core: CoreSettings) -> list[SourceLog]:
    """The logs that workers have met; none before `headwater migrate` has made the topic. Stop when
    Kafka fails."""
    consumer = new_consumer(core)
    tp = aiokafka.TopicPartition(core.topic(SOURCE_LOGS.name), 0)
    found: list[SourceLog] = []
    try:
        async with asyncio.timeout(_READ_SECONDS):
            await consumer.start()
            if tp.topic not in await consumer.topics():
                return []
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < end:
                records = (await consumer.getmany(tp, timeout_ms=500)).get(tp, ())
                found += [_source_log.decode(record.value) for record in records if record.value]
    except (KafkaError, OSError, TimeoutError) as error:
        raise Stop(denied_right(error) or await connection_fault(core.client(), error)) from error
    finally:
        await consumer.stop()
    return found


async def record(core: CoreSettings, new: Iterable[SourceLog]) -> None:
    """Write to the register."""
    now = int(time.time() * 1000)
    async with Publisher(core) as publisher:
        await publisher.publish(
            (
                SOURCE_LOGS.name,
                0,
                now,
                log.key,
                msgspec.json.encode(msgspec.structs.replace(log, recorded_at=now)),
            )
            for log in new
        )
