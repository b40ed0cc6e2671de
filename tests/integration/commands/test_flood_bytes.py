"""The messages of a flood were counted and not copied: their topic gives them back while it can."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from click.testing import CliRunner, Result

pytest.importorskip("chdb", reason="the embedded store is not installed")

from deploy.local.servers import KafkaServer
from schemas import topics
from streams.cli import headwater
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import read_settings

pytestmark = pytest.mark.kafka

TIME = 1_767_225_600_000
MESSAGES = 40
COPIED = 4  # of each ten
TOPIC = topics.ACTIVITY.name


def message(number: int) -> bytes:
    """Its install id was a placeholder by a setting that is gone; a few are broken for good."""
    fields = {"schema_version": 1, "type": "session", "event_id": f"e{number}", "app_id": "app"}
    whole = {"event_time": TIME, "install_id": "nobody-at-all", "session_id": "s"}
    return json.dumps(fields | (whole if number % 10 != 9 else {})).encode()


class Flood:
    """A topic with a flood in partition 2, and the store of whoever read it."""

    def __init__(self, kafka: KafkaServer, folder: Path) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self.environ = {
            "HEADWATER_DATA": str(folder),
            "HEADWATER_KAFKA": kafka.address,
            "HEADWATER_TOPIC_PREFIX": self.prefix,
            "HEADWATER_PSEUDONYM_SECRET": "a secret of this test, of 32 bytes",
        }
        self.place = aiokafka.TopicPartition(self.prefix + TOPIC, 2)

    def count(self, folder: Path) -> None:
        """Let intake read the messages, and count most of them without a copy."""
        file = folder / "flood.jsonl"
        with file.open("w") as out:
            for number in range(MESSAGES):
                line = {"topic": TOPIC, "partition": 2, "offset": number, "ts": TIME + number}
                out.write(json.dumps(line | {"payload": message(number).decode()}) + "\n")
        rules = {
            "HEADWATER_DATA": str(folder),
            "HEADWATER_DEAD_LETTER_SHARE": str(COPIED / 10),
            "HEADWATER_DEAD_LETTER_WINDOW": "10",
            "HEADWATER_PLACEHOLDER_IDS": "nobody-at-all",
        }
        run_replay(read_settings(rules), [file], 100, ignore_progress, is_into=False)

    async def write(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.environ["HEADWATER_KAFKA"])
        await admin.start()
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=self.environ["HEADWATER_KAFKA"])
        await producer.start()
        try:
            await admin.create_topics([NewTopic(self.place.topic, 4, 1)])
            for number in range(MESSAGES):
                value = message(number)
                await producer.send(self.place.topic, value, partition=2, timestamp_ms=TIME)
            await producer.flush()
        finally:
            await producer.stop()
            await admin.close()

    async def forget_until(self, offset: int) -> None:
        """What the topic's retention does."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.environ["HEADWATER_KAFKA"])
        await admin.start()
        try:
            await admin.delete_records({self.place: RecordsToDelete(before_offset=offset)})
        finally:
            await admin.close()

    async def values(self) -> list[bytes | None]:
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=self.environ["HEADWATER_KAFKA"])
        await consumer.start()
        try:
            consumer.assign([self.place])
            await consumer.seek_to_beginning(self.place)
            first = await consumer.position(self.place)
            end = (await consumer.end_offsets([self.place]))[self.place]
            return [(await consumer.getone()).value for _ in range(end - first)]
        finally:
            await consumer.stop()

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(headwater, ["dead-letters", *words], env=self.environ)

    def answer(self, *words: str) -> Any:
        found = self.run(*words, "--json")
        assert found.exit_code == 0, found.exception
        return json.loads(found.stdout)


@pytest.fixture
def flood(kafka: KafkaServer, tmp_path: Path) -> Flood:
    found = Flood(kafka, tmp_path)
    found.count(tmp_path)
    asyncio.run(found.write())
    return found


def test_the_topic_gives_back_what_was_counted_without_a_copy(flood: Flood) -> None:
    dry = {"readable": 36, "unreadable": 4, "by_reason": {"missing_field": 4}}
    assert flood.answer("replay", "--dry-run") == dry
    assert flood.answer("replay", "--dry-run", "--app", "app") == dry
    assert flood.answer("replay", "--dry-run", "--app", "other")["readable"] == 0
    assert flood.answer("replay", "--dry-run", "--limit", "20")["readable"] == 20
    (shown,) = flood.answer("show", f"{TOPIC}/2/7")["letters"]
    assert shown["text"] == message(7).decode()
    assert "it can be read now" in shown["advice"]

    asyncio.run(flood.forget_until(15))
    found = flood.run("replay", "--dry-run")
    assert "activity/2 begins at offset 15" in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert "begins at offset 15" in str(flood.run("show", f"{TOPIC}/2/7").exception)
    answer = flood.answer("replay")
    # Of two stretches the store has the first four; the topic still has the last five of the other.
    assert answer["by_reason"]["bytes_gone"] == 7
    assert answer["published"] == answer["readable"] == 30
    again = asyncio.run(flood.values())[MESSAGES - 15 :]
    assert len(set(again)) == len(again) == 30
    assert set(again) <= {message(number) for number in range(MESSAGES)}
