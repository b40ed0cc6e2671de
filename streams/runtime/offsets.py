"""The committed offsets of consumer groups, and the first and last offsets of logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import BY_NAME, TopicKind
from streams.errors import HeadwaterError
from streams.runtime.clients import new_consumer, patiently
from streams.runtime.faust.internals import send_request
from streams.runtime.identity import (
    NO_LABEL,
    UNKNOWN_LOGS,
    KnownLogs,
    PositionLabel,
    read_label,
    regrown,
    reset_command,
)
from streams.runtime.identity.position_request import PositionRequest, positions_in
from streams.runtime.identity.topic_look import TopicLook, look_at_topics
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

NO_RECORDS_MAX = 10_000
"""Commit markers and aborted transactions take offsets but are no records. After the last record
of an internal topic a group stays in front of them, and loses nothing when retention deletes them.
This many such offsets are accepted, with a warning above one."""

_MARKERS_ACCEPTED = {TopicKind.INTERNAL: NO_RECORDS_MAX, TopicKind.OUTCOME: 1}
"""Whoever sends to a source topic usually writes no transactions, and so no markers."""

_LED_LOOK_SECONDS = 1.0
_logger = logging.getLogger(__name__)


class LostRecordsError(HeadwaterError):
    """The log no longer has the next record to read; the message says where, and what to do."""


class CommittedPosition(NamedTuple):
    """What a group has committed for a partition."""

    offset: int
    label: PositionLabel = NO_LABEL


CommittedPositions = Mapping[TopicPartition, CommittedPosition]


class Offsets:
    """Queries of the broker. Topic names are given and returned without the prefix.

    Call `start` first and `stop` last. Every query waits for the broker; those of offsets retry
    for a minute while coordinators and leaders move, and then raise aiokafka's KafkaError.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self.logs = UNKNOWN_LOGS
        """The logs that positions are compared with; the caller sets what `known_logs` gave it."""

    async def start(self) -> None:
        self._admin = AIOKafkaAdminClient(**self._settings.client())
        # Uncommitted, so that the end of a log includes unfinished transactions.
        self._consumer = new_consumer(self._settings, isolation_level="read_uncommitted")
        await self._admin.start()
        await self._consumer.start()
        await asyncio.sleep(0)  # aiokafka fails to stop a client whose tasks never ran.

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
        if self._admin is not None:
            await self._admin.close()

    @property
    def admin(self) -> AIOKafkaAdminClient:
        """The client for requests that name no partition."""
        assert self._admin is not None, "start() comes first"
        return self._admin

    async def partitions(self, topic: str) -> int:
        """The number of partitions of a topic; 0 when there is no such topic."""
        assert self._admin is not None, "start() comes first"
        described = await self._admin.describe_topics([self._settings.topic(topic)])
        return max((len(found["partitions"]) for found in described), default=0)

    async def known_logs(self, topics: Iterable[str]) -> KnownLogs:
        """The logs behind these topics; UNKNOWN_LOGS from a broker that has no topic ids.

        Asks once. KafkaError when the broker does not answer or may not be asked.
        """
        return (await self.look(topics)).logs

    async def look(self, topics: Iterable[str]) -> TopicLook:
        """The same, and which partitions have no leader."""
        return await look_at_topics(self.admin, self._settings, topics)

    async def led(self, tps: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Those of these partitions that Kafka has a leader for, or does not say it has none.

        Asked for an offset of any other, it does not answer until that one has a leader again.
        """
        unled = (await patiently(lambda: self.look({tp[0] for tp in tps}))).leaderless
        return [tp for tp in tps if tp not in unled]

    async def until_led(self, tp: TopicPartition) -> None:
        """Wait until a partition has a leader, however long."""
        while True:
            if await self.led([tp]):
                return
            await asyncio.sleep(_LED_LOOK_SECONDS)

    async def committed(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """The committed offsets of a group; partitions without one are left out."""
        found = await self._found(group, tps)
        return {tp: at.offset for tp, at in found.items()}

    async def committed_here(self, tps: Sequence[TopicPartition]) -> CommittedPositions:
        """What this group has committed to the very logs that are there now.

        Offsets of another log of the same name are left out, as if nothing had been committed.
        Waits for transactions under way: the state beside an offset may be readable before it is.
        """
        found = _decided(await self.labelled(tps, must_be_settled=True))
        for tp, at in found.items():
            if not at.label.fits(self.logs.log_id(tp[0])):
                _logger.warning("%s: reading from the first record", self._foreign(tp, at))
        return self._fitting(found)

    def _fitting(self, found: CommittedPositions) -> CommittedPositions:
        return {tp: at for tp, at in found.items() if at.label.fits(self.logs.log_id(tp[0]))}

    async def misfits(self, tps: Sequence[TopicPartition]) -> list[str]:
        """One line for each offset of this group that its log does not have, or another log had."""
        found = _decided(await self.labelled(tps))
        fitting = self._fitting(found)
        lines = [
            f"{self._foreign(tp, at)}; the worker reads from the first record"
            for tp, at in found.items()
            if tp not in fitting
        ]
        lines += filter(None, [await self.regrown(tps)])
        try:
            await self.positions_from(fitting, tps)
        except LostRecordsError as error:
            lines.append(str(error))
        return lines

    async def labelled(
        self, tps: Sequence[TopicPartition], *, must_be_settled: bool = False
    ) -> CommittedPositions:
        """What this group has committed, with its labels, whatever log it was committed to.

        On request it waits for transactions under way, and raises UnsettledPositionError.
        """
        group = self._settings.group_id
        found = (await self._found(group, tps, must_be_settled=must_be_settled)).items()
        return {tp: CommittedPosition(at.offset, read_label(at.metadata)) for tp, at in found}

    def _foreign(self, tp: TopicPartition, at: CommittedPosition) -> str:
        return (
            f"{tp[0]}-{tp[1]}: offset {at.offset} was committed to another log "
            f"({at.label.log}, now {self.logs.log_id(tp[0])})"
        )

    async def _found(
        self, group: str, tps: Sequence[TopicPartition], *, must_be_settled: bool = False
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        admin = self.admin
        request = PositionRequest(
            group, map(self._with_prefix, tps), must_be_settled=must_be_settled
        )

        async def ask() -> Mapping[aiokafka.TopicPartition, OffsetAndMetadata]:
            coordinator = await admin.find_coordinator(group)
            return positions_in((await send_request(admin, request, coordinator)).to_object())

        found = await patiently(ask)
        return {self._without_prefix(tp): at for tp, at in found.items()}

    async def first(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each log still has."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._with_prefix(tp) for tp in tps]
        found = await patiently(lambda: consumer.beginning_offsets(wanted))
        return {self._without_prefix(tp): offset for tp, offset in found.items()}

    async def high_watermark(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last record of each log, unfinished transactions included."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._with_prefix(tp) for tp in tps]
        found = await patiently(lambda: consumer.end_offsets(wanted))
        return {self._without_prefix(tp): offset for tp, offset in found.items()}

    async def positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset of this group; LostRecordsError when the log does not have it."""
        return await self.positions_from(await self.committed_here(tps), tps)

    async def positions_from(
        self,
        committed: Mapping[TopicPartition, CommittedPosition],
        tps: Sequence[TopicPartition],
    ) -> dict[TopicPartition, int]:
        """The same, from what `committed_here` has answered.

        What a partition without a leader has, nobody knows: reading it again finds out.
        """
        led = await self.led(tps)
        first, end = await self.first(led), await self.high_watermark(led)
        overtaken, cut_off = [], []
        for tp, (offset, _) in committed.items():
            if tp not in first:
                continue
            topic = BY_NAME.get(tp[0])
            accepted = _MARKERS_ACCEPTED.get(topic.kind, 0) if topic else 0
            if offset + accepted < first[tp]:
                overtaken.append(tp)
            elif offset + 1 < first[tp]:
                _logger.warning(
                    "%s-%s begins at offset %s but %s was to be read next: what is gone are most "
                    "likely %s commit markers", *tp, first[tp], offset, first[tp] - offset,
                )  # fmt: skip
            elif offset > end[tp]:
                cut_off.append(tp)
        if overtaken:
            tp, offset = overtaken[0], committed[overtaken[0]].offset
            raise LostRecordsError(
                f"{tp[0]}-{tp[1]} begins at offset {first[tp]} but {offset} was to be read next: "
                f"{first[tp] - offset} records are lost{_and_more(overtaken)}; lengthen the "
                f"topic's retention, and to continue without them {self._reset(overtaken)}"
            )
        if cut_off:
            tp, offset = cut_off[0], committed[cut_off[0]].offset
            raise LostRecordsError(
                f"{tp[0]}-{tp[1]} ends at offset {end[tp]} but {offset} was to be read next"
                f"{_and_more(cut_off)}: the log was cut off or created anew, and what it held is "
                f"lost; to read all that is there {self._reset(cut_off)}"
            )
        ahead = {tp: offset for tp, (offset, _) in committed.items()}
        return {tp: max(first.get(tp, 0), ahead.get(tp, 0)) for tp in tps}

    async def require(self, topics: Iterable[str]) -> None:
        """LostRecordsError when any partition of these lacks the next record of this group.

        Or keys go to other partitions now. Before reading: a reader notices neither in time.
        """
        tps = [(name, p) for name in topics for p in range(self.logs.partitions.get(name, 0))]
        if tps:
            if line := await self.regrown(tps):
                raise LostRecordsError(line)
            await self.positions_from(self._fitting(_decided(await self.labelled(tps))), tps)

    async def regrown(self, tps: Sequence[TopicPartition]) -> str:
        """One line when topics had other partitions when this group committed; else empty."""
        fitting = self._fitting(_decided(await self.labelled(tps)))
        labels = {tp[0]: at.label for tp, at in fitting.items() if at.label.partitions}
        return regrown(self._settings.group_id, labels, self.logs)

    def _reset(self, tps: Sequence[TopicPartition]) -> str:
        """How to move this group to the first record of these partitions."""
        by_topic: dict[str, list[str]] = {}
        for topic, partition in sorted(tps):
            by_topic.setdefault(self._settings.topic(topic), []).append(str(partition))
        named = " ".join(f"--topic {topic}:{','.join(some)}" for topic, some in by_topic.items())
        return reset_command(self._settings, named)

    async def committed_by_readers(self, tp: TopicPartition) -> int | None:
        """The offset that the reading group has committed; None for a topic without readers."""
        group = self._settings.consumer_group(tp[0])
        if group is None:
            return None
        return (await self.committed(group, [tp])).get(tp, 0)

    def _with_prefix(self, tp: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self._settings.topic(tp[0]), tp[1])

    def _without_prefix(self, tp: aiokafka.TopicPartition) -> TopicPartition:
        return self._settings.topic_without_prefix(tp.topic), tp.partition


def _decided(labelled: CommittedPositions) -> CommittedPositions:
    return {tp: at for tp, at in labelled.items() if not at.label.is_unread}


def _and_more(tps: Sequence[TopicPartition]) -> str:
    return f" (and more of {len(tps) - 1} other partitions)" if tps[1:] else ""
