"""Local servers: `python -m deploy.local.servers start | stop | status | jars | run COMMAND…`.

`start` runs one Kafka broker and one ClickHouse server for development; tests start their own.
`run` runs a command beside a fresh broker, whose address it gets as HEADWATER_KAFKA,
with a secret of pseudonyms.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.local.clickhouse import ClickHouseServer, clickhouse_absence
from deploy.local.kafka import KafkaServer, fetch_jars, kafka_absence, kafka_version
from deploy.local.program import ServerError, port_is_taken
from streams.lab.bench.free_port import free_port

__all__ = [
    "ClickHouseServer",
    "KafkaServer",
    "ServerError",
    "clickhouse_absence",
    "fetch_jars",
    "kafka_absence",
    "kafka_version",
    "own_clickhouse",
    "own_kafka",
]

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".headwater" / "services"
KAFKA_PORT, CONTROLLER_PORT = 9092, 9093
_SECRET = "HEADWATER_PSEUDONYM_SECRET"
CLICKHOUSE_TCP_PORT, CLICKHOUSE_HTTP_PORT = 9000, 8123


def own_kafka(folder: Path) -> KafkaServer:
    """A broker for one test or benchmark, on ports of its own."""
    return KafkaServer(folder.resolve(), free_port(), free_port())


def own_clickhouse(folder: Path) -> ClickHouseServer:
    """A ClickHouse server for one test or benchmark, on ports of its own."""
    return ClickHouseServer(folder.resolve(), free_port(), free_port())


def development_servers() -> tuple[KafkaServer, ClickHouseServer]:
    return (
        KafkaServer(FOLDER / "kafka", KAFKA_PORT, CONTROLLER_PORT),
        ClickHouseServer(FOLDER / "clickhouse", CLICKHOUSE_TCP_PORT, CLICKHOUSE_HTTP_PORT),
    )


def start() -> None:
    kafka, clickhouse = development_servers()
    fetch_jars()
    absence = clickhouse_absence()
    if absence:
        raise ServerError(absence)
    for server, ports in (
        (kafka, (kafka.port, kafka.controller_port)),
        (clickhouse, (clickhouse.tcp_port, clickhouse.http_port)),
    ):
        if server.running():
            continue
        for port in ports:
            if port_is_taken(port):
                name = server.program.name
                raise ServerError(f"port {port} for {name} is taken by another program; stop it")
        server.start()
    for server in (kafka, clickhouse):
        print(f"waiting for {server.program.name} ...", flush=True)
        server.wait_ready()
    status()
    print(f"To use Kafka: export HEADWATER_KAFKA={kafka.address} {_SECRET}=$(openssl rand -hex 32)")
    print(
        "This ClickHouse is for tests of the connection: it is too old for Headwater's tables. "
        "Without HEADWATER_CLICKHOUSE, workers store with chdb."
    )


def stop() -> None:
    for server in development_servers():
        server.stop()
    status()


def status() -> None:
    kafka, clickhouse = development_servers()
    for server, address in ((kafka, kafka.address), (clickhouse, clickhouse.url)):
        name = server.program.name
        if server.running():
            print(f"{name} {server.version()} runs at {address}; its log is {server.program.log}")
        else:
            print(f"{name} does not run")


def jars() -> None:
    fetch_jars()


def run(command: Sequence[str]) -> int:
    """Run a command beside a broker of its own, and return its exit code."""
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="headwater-kafka-") as folder:
        kafka = own_kafka(Path(folder))
        kafka.start(dies_with_parent=True)
        try:
            kafka.wait_ready()
            print(f"Kafka {kafka.version()} at {kafka.address} for this run", file=sys.stderr)
            own = {"HEADWATER_KAFKA": kafka.address}
            if not any(name.startswith(_SECRET) for name in os.environ):
                own[_SECRET] = secrets.token_hex(32)  # What it protects ends with the broker.
            return subprocess.run(list(command), env={**os.environ, **own}).returncode
        except KeyboardInterrupt:
            return 130
        finally:
            kafka.kill()


def main() -> int:
    commands = {"start": start, "stop": stop, "status": status, "jars": jars}
    parser = argparse.ArgumentParser(prog="python -m deploy.local.servers", description=__doc__)
    parser.add_argument("command", choices=[*commands, "run"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what `run` runs")
    parser.add_argument(
        "--if-possible", action="store_true", help="only say why when it cannot be done"
    )
    chosen = parser.parse_args()
    try:
        if chosen.command == "run":
            return run(chosen.arguments)
        commands[chosen.command]()
    except ServerError as problem:
        if chosen.if_possible:
            print(f"note: {problem}; tests that need it are skipped")
            return 0
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
