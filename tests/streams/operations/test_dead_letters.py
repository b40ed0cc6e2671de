"""Dead letters keep every byte, are counted by reason, and go back where they came from."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import aiokafka
import pytest

pytest.importorskip("chdb", reason="the embedded store is not installed")
pytest.importorskip("confluent_kafka", reason="the embedded broker is not installed")

from schemas import topics
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.operations.dead_letters import Chosen, count_by_reason, publish_again, try_again
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import Settings, read_settings

BROKEN = b'{"type": "purchase"'
NOT_UTF8 = b"\xff\xfe\x00 broken"
TIME = 1_767_225_600_000
ONCE_UNREADABLE = json.dumps(
    {
        "schema_version": 1,
        "type": "session",
        "event_id": "e1",
        "app_id": "app",
        "event_time": TIME,
        "install_id": "nobody-at-all",
        "session_id": "s",
    }
).encode()
"""Its install id was a placeholder by a setting that is gone."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with five dead letters, two of them alike, and one that can be read now."""
    folder = tmp_path_factory.mktemp("letters")
    lines = [
        (topics.PAYMENTS.name, BROKEN),
        (topics.PAYMENTS.name, BROKEN),
        (topics.TOUCHPOINTS.name, NOT_UTF8),
        (topics.TOUCHPOINTS.name, b"[]"),
        (topics.ACTIVITY.name, ONCE_UNREADABLE),
    ]
    file = folder / "broken.jsonl"
    with file.open("w") as out:
        for number, (topic, value) in enumerate(lines):
            payload = base64.b64encode(value).decode()
            line = {"topic": topic, "partition": 2, "offset": number, "ts": TIME, "key": "k"}
            out.write(json.dumps({**line, "payload_base64": payload}) + "\n")
    settings = read_settings(
        {
            "HEADWATER_DATA": str(folder),
            "HEADWATER_DEAD_LETTER_SHARE": "1",
            "HEADWATER_PLACEHOLDER_IDS": "nobody-at-all",
        }
    )
    report = run_replay(settings, [file], 100, ignore_progress, is_into=False)
    assert report.accounting.dead_lettered == len(lines)
    return folder


def _settings(folder: Path, broker: EmbeddedBroker) -> Settings:
    return read_settings({"HEADWATER_DATA": str(folder), **broker.environment()})


async def _read(broker: EmbeddedBroker, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=broker.address, check_crcs=False)
    await consumer.start()
    try:
        tp = aiokafka.TopicPartition(topic, 2)
        consumer.assign([tp])
        consumer.seek(tp, 0)
        end = (await consumer.end_offsets([tp]))[tp]
        return [((record := await consumer.getone()).key, record.value) for _ in range(end)]
    finally:
        await consumer.stop()


def test_they_are_counted_by_topic_and_reason(folder: Path) -> None:
    kinds = count_by_reason(read_settings({"HEADWATER_DATA": str(folder)}))
    assert [(kind.topic, kind.reason, kind.messages) for kind in kinds] == [
        ("payments", "malformed_json", 2),
        ("activity", "missing_id", 1),
        ("touchpoints", "invalid_utf8", 1),
        ("touchpoints", "malformed_json", 1),
    ]
    assert all(kind.example for kind in kinds)


def test_only_what_can_be_read_now_is_published_byte_for_byte(folder: Path) -> None:
    with EmbeddedBroker() as broker:
        published, found = publish_again(_settings(folder, broker), Chosen())
        assert published == 1
        assert found.as_json() == {
            "readable": 1,
            "unreadable": 3,
            "by_reason": {"invalid_utf8": 1, "malformed_json": 2},
        }
        assert asyncio.run(_read(broker, "activity")) == [(b"k", ONCE_UNREADABLE)]
        assert asyncio.run(_read(broker, "payments")) == []


@pytest.mark.parametrize(
    ("chosen", "readable", "unreadable"),
    [
        (Chosen(reason="invalid_utf8"), 0, 1),
        (Chosen(topic="payments"), 0, 1),
        (Chosen(app="app"), 1, 0),
        (Chosen(since_ms=TIME), 1, 3),
        (Chosen(since_ms=TIME + 1), 0, 0),
        (Chosen(limit=2), 1, 1),
    ],
)
def test_a_dry_run_reads_those_that_are_chosen(
    folder: Path, chosen: Chosen, readable: int, unreadable: int
) -> None:
    """It needs no broker."""
    found = try_again(read_settings({"HEADWATER_DATA": str(folder)}), chosen).as_json()
    assert (found["readable"], found["unreadable"]) == (readable, unreadable)
