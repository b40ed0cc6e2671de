"""Real servers on free ports, one of each kind per test session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.servers import (
    ClickHouseServer,
    KafkaServer,
    clickhouse_absence,
    kafka_absence,
    own_clickhouse,
    own_kafka,
)
from tests.servers_in_use import note, skip_or_fail


@pytest.fixture(scope="session")
def kafka(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[KafkaServer]:
    """A broker of its own: tests may create topics in it, and kill and start it again."""
    absence = kafka_absence()
    if absence:
        skip_or_fail("kafka", absence)
    server = own_kafka(tmp_path_factory.mktemp("kafka"))
    server.start(dies_with_parent=True)
    try:
        server.wait_ready()
        note(pytestconfig, "Kafka", server.version())
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def clickhouse_server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[ClickHouseServer]:
    """A server of its own: tests may create tables in it, and kill and start it again."""
    absence = clickhouse_absence()
    if absence:
        skip_or_fail("clickhouse", absence)
    server = own_clickhouse(tmp_path_factory.mktemp("clickhouse"))
    server.start(dies_with_parent=True)
    try:
        server.wait_ready()
        note(pytestconfig, "clickhouse-server", server.version())
        yield server
    finally:
        server.kill()
