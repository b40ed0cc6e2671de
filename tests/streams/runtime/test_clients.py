"""What every Kafka client of the project has in common."""

from __future__ import annotations

from typing import Any

import aiokafka
import pytest

from streams.runtime.clients import new_consumer, new_producer
from streams.settings.core import CoreSettings

SETTINGS = CoreSettings("broker:9092", security={"security_protocol": "SSL"}, compression="lz4")


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the factory passes to aiokafka."""
    passed: dict[str, Any] = {}
    for name in ("AIOKafkaConsumer", "AIOKafkaProducer"):
        monkeypatch.setattr(aiokafka, name, lambda **options: passed.update(options))
    return passed


def test_a_consumer_reads_committed_records_from_the_start(arguments: dict[str, Any]) -> None:
    new_consumer(SETTINGS, fetch_max_wait_ms=50)
    assert arguments == {
        "bootstrap_servers": "broker:9092",
        "security_protocol": "SSL",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "check_crcs": True,
        "fetch_max_wait_ms": 50,
    }


def test_records_of_the_embedded_broker_have_no_checksum(arguments: dict[str, Any]) -> None:
    new_consumer(CoreSettings("broker:9092", embedded=True), isolation_level="read_uncommitted")
    assert arguments["check_crcs"] is False
    assert arguments["isolation_level"] == "read_uncommitted"


def test_a_producer_waits_for_all_replicas_and_writes_once(arguments: dict[str, Any]) -> None:
    new_producer(SETTINGS, linger_ms=0)
    assert arguments == {
        "bootstrap_servers": "broker:9092",
        "security_protocol": "SSL",
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        "linger_ms": 0,
    }
