"""A developer checks events, sends them, and reads what to do next."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.partitioner import murmur2
from click.testing import CliRunner

from schemas.events import TOPIC_OF_TYPE, TYPES
from streams.cli import headwater
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.runtime.clients import new_consumer
from streams.settings import read_settings
from streams.wiring.parts import core_settings
from tests.worlds.example_events import example_of

EXAMPLES = {name: example_of(name) for name, _ in TYPES}
ALL_TYPES = "".join(json.dumps(event) + "\n" for event in EXAMPLES.values())
NOT_MICROS = json.dumps({**EXAMPLES["purchase"], "amount_micros": 4.99}) + "\n"


class Answer(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str
    error: str


def run(*arguments: str, stdin: str = "") -> Answer:
    found = CliRunner().invoke(headwater, arguments, input=stdin, standalone_mode=False)
    code = found.return_value if found.exception is None else 1
    return Answer(code or 0, found.stdout, found.stderr, str(found.exception or ""))


def test_all_types_are_fine_and_the_exit_code_is_0() -> None:
    answer = run("validate", "-", stdin=ALL_TYPES)
    assert answer.exit_code == 0, answer.stdout + answer.error
    assert f"{len(EXAMPLES)} events: {len(EXAMPLES)} fine" in answer.stdout
    assert "purchase for payments: 1 fine" in answer.stdout


def test_the_first_line_of_output_helps_already() -> None:
    answer = run("validate", stdin=NOT_MICROS)
    assert answer.exit_code == 1
    first, _, mend, *_ = answer.stdout.splitlines()
    assert "purchase 0b7c7c3e-0402 for payments: would be a dead letter, non_integer" in first
    assert 'write "amount_micros": 4990000' in mend


def test_json_is_one_object_a_line_with_the_promised_fields() -> None:
    answer = run("validate", "-", "--json", stdin=ALL_TYPES + NOT_MICROS)
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row["line"] for row in rows] == [*range(1, len(EXAMPLES) + 2)]
    for row in rows:
        assert {"line", "type", "topic", "ok", "reason", "detail", "advice"} <= row.keys()
    assert [row["ok"] for row in rows] == [True] * len(EXAMPLES) + [False]
    assert rows[-1]["reason"] == "non_integer_amount"
    assert "1 would be dead letters" in answer.stderr


def test_strict_fails_on_a_warning() -> None:
    sandbox = json.dumps({**EXAMPLES["purchase"], "environment": "sandbox"})
    assert run("validate", "-", stdin=sandbox).exit_code == 0
    assert run("validate", "-", "--strict", stdin=sandbox).exit_code == 1


def test_a_topic_may_be_named_and_is_checked() -> None:
    event = json.dumps(EXAMPLES["purchase"])
    assert run("validate", "-", "--topic", "payments", stdin=event).exit_code == 0
    wrong = run("validate", "-", "--topic", "installs", stdin=event)
    unknown = run("validate", "-", "--topic", "purchases", stdin=event)
    for answer in (wrong, unknown):
        assert answer.exit_code == 1
        assert "wrong_topic" in answer.stdout
        assert "payments" in answer.stdout


def test_an_event_that_comes_twice_is_told() -> None:
    answer = run("validate", "-", stdin=json.dumps(EXAMPLES["session"]) * 2)
    assert answer.exit_code == 0
    assert "the same event_id as line 1" in answer.stdout


def test_of_many_alike_only_the_first_are_shown() -> None:
    lines = "".join(
        json.dumps({**EXAMPLES["purchase"], "event_id": f"e-{number}", "amount_micros": 4.99})
        + "\n"
        for number in range(100)
    )
    answer = run("validate", "-", stdin=lines)
    assert answer.stdout.count("would be a dead letter") == 5
    assert "95 more like these" in answer.stdout
    assert "non_integer_amount: 100 (lines 1, 2, 3, 4, 5 …)" in answer.stdout
    assert run("validate", "-", "--all", stdin=lines).stdout.count("line ") >= 100


def test_an_empty_input_fails() -> None:
    answer = run("validate", "-")
    assert answer.exit_code == 1
    assert "no event found" in answer.stdout


def test_send_refuses_the_whole_file_if_one_event_is_bad() -> None:
    answer = run("send", "-", stdin=ALL_TYPES + NOT_MICROS)
    assert answer.exit_code == 1
    assert "nothing is published: 1 of 16 events" in answer.error
    assert 'write "amount_micros": 4990000' in answer.stderr


def test_a_dry_run_counts_by_topic() -> None:
    answer = run("send", "-", "--dry-run", "--skip-bad", "--json", stdin=ALL_TYPES + NOT_MICROS)
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert (found["published"], found["refused"]) == (0, 1)
    assert found["topics"] == Counter(TOPIC_OF_TYPE[TYPES[name, 1]] for name in EXAMPLES)


def test_without_a_broker_send_says_what_to_set() -> None:
    answer = run("send", "-", stdin=ALL_TYPES)
    assert "HEADWATER_KAFKA is not set" in answer.error


def test_send_publishes_to_the_topics_with_documented_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(ALL_TYPES)
    with EmbeddedBroker() as broker:
        for variable, setting in broker.environment().items():
            monkeypatch.setenv(variable, setting)

        answer = run("send", str(file), "--json")

        assert answer.exit_code == 0, answer.stdout + answer.error
        assert json.loads(answer.stdout)["published"] == len(EXAMPLES)
        records = _records(broker.environment())
    assert sorted(value for _, _, _, value in records) == sorted(
        json.dumps(event).encode() for event in EXAMPLES.values()
    )
    for topic, partition, key, value in records:
        event = json.loads(value)
        assert topic == TOPIC_OF_TYPE[TYPES[event["type"], 1]]
        if event["type"] in ("install", "session", "purchase"):
            assert key == event["install_id"].encode()
            assert partition == (murmur2(key) & 0x7FFFFFFF) % 4


def _records(environment: dict[str, str]) -> list[tuple[str, int, bytes | None, bytes]]:
    import asyncio

    async def read() -> list[tuple[str, int, bytes | None, bytes]]:
        settings = core_settings(read_settings(environment))
        consumer = new_consumer(settings, group_id=None)
        await consumer.start()
        try:
            names = sorted(set(map(TOPIC_OF_TYPE.__getitem__, TYPES.values())))
            places = [TopicPartition(name, number) for name in names for number in range(4)]
            consumer.assign(places)
            await consumer.seek_to_beginning()
            found: list[tuple[str, int, bytes | None, bytes]] = []
            while len(found) < len(EXAMPLES):
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    found += [(one.topic, one.partition, one.key, one.value) for one in records]
            return found
        finally:
            await consumer.stop()

    return asyncio.run(asyncio.wait_for(read(), 30))
