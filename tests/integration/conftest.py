"""Real servers on free ports, one of each kind per test session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
    _require("kafka", kafka_absence())
    server = own_kafka(tmp_path_factory.mktemp("kafka"))
    with _running(server, "Kafka", pytestconfig):
        yield server


@pytest.fixture(scope="session")
def clickhouse_server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[ClickHouseServer]:
    """A server of its own: tests may create tables in it, and kill and start it again."""
    _require("clickhouse", clickhouse_absence())
    server = own_clickhouse(tmp_path_factory.mktemp("clickhouse"))
    with _running(server, "clickhouse-server", pytestconfig):
        yield server


def _require(server: str, absence: str | None) -> None:
    if absence:
        skip_or_fail(server, absence)


@contextmanager
def _running(
    server: KafkaServer | ClickHouseServer, name: str, config: pytest.Config
) -> Iterator[None]:
    server.start(dies_with_parent=True)
    try:
        server.wait_ready()
        note(config, name, server.version())
        yield
    finally:
        server.kill()
