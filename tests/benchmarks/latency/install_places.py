"""Reads from the topics which offsets carry something of an install."""

from __future__ import annotations

import contextlib

import aiokafka
import orjson
from msgspec import MsgspecError

from schemas import topics
from schemas.records import Candidates, InstallSeen, journey_frames, match_frames
from streams.settings.core import CoreSettings
from tests.benchmarks.latency.hops import InstallPlaces, PlaceInLog

READ_TOPICS = (topics.INSTALLS.name, topics.MATCH.name, topics.JOURNEYS.name)
POLL_MS = 200


async def read_places(core: CoreSettings, partitions: int) -> InstallPlaces:
    """Read the three topics from their beginning to where they end now."""
    consumer = aiokafka.AIOKafkaConsumer(
        **core.client(), isolation_level="read_committed", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    places = InstallPlaces()
    try:
        read = [
            aiokafka.TopicPartition(core.topic(name), p)
            for name in READ_TOPICS
            for p in range(partitions)
        ]
        consumer.assign(read)
        ends = await consumer.end_offsets(read)
        while any([await consumer.position(tp) < ends[tp] for tp in read]):
            for tp, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                name = core.topic_without_prefix(tp.topic)
                for record in records:
                    _note(places, (name, tp.partition, record.offset), record.value or b"")
    finally:
        await consumer.stop()
    return places


def _note(places: InstallPlaces, place: PlaceInLog, value: bytes) -> None:
    """What cannot be read belongs to no install."""
    with contextlib.suppress(orjson.JSONDecodeError, MsgspecError):
        if place[0] == topics.MATCH.name:
            for asked in match_frames.decode(value).records:
                if isinstance(asked, InstallSeen):
                    places.lookups[asked.install_id].append(place)
        elif place[0] == topics.JOURNEYS.name:
            for answer in journey_frames.decode(value).records:
                if isinstance(answer, Candidates):
                    places.answers[answer.install_id].append(place)
        else:
            fields = orjson.loads(value)
            if isinstance(fields, dict) and isinstance(fields.get("install_id"), str):
                places.events.setdefault(fields["install_id"], place)
