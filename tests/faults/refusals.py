"""Everything that keeps a client out of Kafka: what is said of it, in one line, and how soon."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streams.errors import Stop
from streams.kafka.topics import check_topics
from streams.settings import read_settings
from tests.chaos.fault_injector import PATIENCE_SECONDS
from tests.chaos.installation import COMMAND, Installation
from tests.chaos.traffic import Flow, Progress, publish, read_file, simulate_file
from tests.faults.secure_broker import (
    DENY,
    DESCRIBE,
    DESCRIBE_CONFIGS,
    GROUP,
    READ,
    TOPIC,
    TRANSACTIONAL_ID,
    WRITE,
    SecureBroker,
    secure_broker,
)

SECURITY = "HEADWATER_KAFKA_SECURITY"
MECHANISM = "HEADWATER_KAFKA_SASL_MECHANISM"
PREFIX = "guarded-"
EVENTS = 300
COMMANDS = (("worker", "--role", "core"), ("worker", "--role", "storing"), ("migrate",))


@dataclass(frozen=True)
class WrongWay:
    """Settings of one listener, changed, and what has to be said of them."""

    listener: str
    words: Sequence[str]
    changed: Mapping[str, str] = field(default_factory=dict)
    host: str = "localhost"
    at: str = ""  # another listener whose settings are used at this one's port


WRONG_WAYS: Mapping[str, WrongWay] = {
    "authority not trusted": WrongWay("TLS", ("CA_CERTIFICATE",), {"ca": "wrong"}),
    "certificate expired": WrongWay("OLD", ("expired", "give Kafka a new one"), {"ca": "expired"}),
    "certificate of another host": WrongWay(
        "OTHER", ("mismatch", "as its certificate does"), {"ca": "elsewhere"}
    ),
    "address for a host name": WrongWay("TLS", ("mismatch", "127.0.0.1"), host="127.0.0.1"),
    "client certificate missing": WrongWay("MUTUAL", ("HEADWATER_KAFKA_CLIENT_CERTIFICATE",)),
    "no TLS at a TLS port": WrongWay("TLS", (f"{SECURITY}=SSL",), at="GONE"),
    "TLS at a port without": WrongWay("GONE", (f"{SECURITY}=PLAINTEXT",), at="TLS"),
    "SASL without TLS at a TLS port": WrongWay("SECURE", (f"{SECURITY}=SASL_SSL",), at="SASL"),
    "nobody signs in, TLS": WrongWay("SECURE", (f"{SECURITY}=SASL_SSL",), at="TLS"),
    "nobody signs in": WrongWay("SASL", (f"{SECURITY}=SASL_PLAINTEXT",), at="GONE"),
    "signs in where nobody asks": WrongWay("TLS", ("asks nobody", SECURITY), at="SECURE"),
    "wrong password, SCRAM": WrongWay(
        "SASL", ("refuses user", "_PASSWORD"), {"HEADWATER_KAFKA_PASSWORD": "no"}
    ),
    "wrong password, PLAIN": WrongWay(
        "SASL",
        ("refuses user", "_PASSWORD"),
        {"HEADWATER_KAFKA_PASSWORD": "no", MECHANISM: "PLAIN"},
    ),
    "SCRAM-SHA-256 for 512": WrongWay(
        "SASL", ("SCRAM-SHA-256", MECHANISM), {MECHANISM: "SCRAM-SHA-256"}
    ),
    "mechanism not offered": WrongWay("NARROW", ("does not offer", MECHANISM)),
    "advertised host has no certificate": WrongWay("STRAY", ("127.0.0.1", "advertised.listeners")),
    "advertised host is not known": WrongWay("GONE", ("not known", "advertised.listeners")),
    "no right at all": WrongWay("SASL", ("does not let this user use topic", "Describe")),
}
MISSING_RIGHTS: Mapping[str, tuple[int, str, int, str, str]] = {
    # Kind, name, operation, the role that meets it, what is said.
    "no Read on a source topic": (TOPIC, "installs", READ, "core", "topic"),
    "no Write on an outcome topic": (TOPIC, "ledger", WRITE, "core", "topic"),
    "no Write on a changelog": (
        TOPIC,
        "matching-changelog",
        WRITE,
        "core",
        "topic",
    ),
    "no Read on snapshots": (TOPIC, "model-snapshots", READ, "core", "topic"),
    "no Read on the group of core": (
        GROUP,
        "headwater-core",
        READ,
        "core",
        "consumer group",
    ),
    "no Describe on the group": (
        GROUP,
        "headwater-core",
        DESCRIBE,
        "core",
        "consumer group",
    ),
    "no Write on transactional ids": (
        TRANSACTIONAL_ID,
        "headwater-matching-*",
        WRITE,
        "core",
        "transactional id",
    ),
    "no Read on an outcome topic": (TOPIC, "ledger", READ, "storing", "topic"),
    "no Read on the group of storing": (
        GROUP,
        "headwater-storing",
        READ,
        "storing",
        "consumer group",
    ),
}


async def wrong_ways_in(folder: Path) -> float:
    """Every wrong way, and the longest time until it was said."""
    async with _guarded(folder) as (broker, installation):
        slowest = 0.0
        for name, way in WRONG_WAYS.items():
            environ = installation.environ() | _settings(broker, way)
            began = time.monotonic()
            try:
                wrong = await check_topics(read_settings(environ).kafka)
            except Stop as stop:
                line = str(stop)
            else:
                raise AssertionError(f"{name}: nothing is refused: {wrong}")
            seconds = time.monotonic() - began
            _require_words(name, line, way.words, seconds)
            slowest = max(slowest, seconds)
        way = WRONG_WAYS["wrong password, SCRAM"]
        environ = installation.environ() | _settings(broker, way)
        for command in COMMANDS:
            code, line, seconds = await asyncio.to_thread(_ended, command, environ)
            assert code == 1, (command, code, line)
            _require_words(" ".join(command), line, way.words, seconds)
    return slowest


async def missing_rights(folder: Path) -> float:
    """A worker with all rights but one ends and names it; the longest time until it has."""
    async with _guarded(folder) as (broker, installation):
        await broker.give(TOPIC, f"{PREFIX}*", [DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE])
        await broker.give(GROUP, f"{PREFIX}headwater-*", [DESCRIBE, READ])
        await broker.give(TRANSACTIONAL_ID, f"{PREFIX}headwater-*", [DESCRIBE, WRITE])
        simulate_file(folder / "traffic.jsonl", EVENTS, seed=1)
        traffic = read_file(folder / "traffic.jsonl")
        await publish(traffic, installation, Flow(), Progress(len(traffic.messages)))
        slowest = 0.0
        for name, (kind, what, operation, role, words) in MISSING_RIGHTS.items():
            await broker.give(kind, PREFIX + what, [operation], DENY)
            environ = installation.environ() | broker.at("SASL")
            code, line, seconds = await asyncio.to_thread(
                _ended, ("worker", "--role", role), environ
            )
            assert code == 1, (name, code, line)
            named = f"{words} {PREFIX}{what.rstrip('-*')}"
            _require_words(name, line, (named, "deploy/README.md"), seconds)
            slowest = max(slowest, seconds)
            await broker.pardon()
    return slowest


@asynccontextmanager
async def _guarded(folder: Path) -> AsyncIterator[tuple[SecureBroker, Installation]]:
    broker = secure_broker(folder)
    broker.server.start(dies_with_parent=True)
    try:
        broker.server.wait_ready(PATIENCE_SECONDS)
        installation = Installation(PREFIX.removesuffix("-"), broker.server.address, folder / "own")
        installation.folder.mkdir()
        await asyncio.to_thread(installation.run, "migrate")
        yield broker, installation
    finally:
        broker.server.kill()


def _settings(broker: SecureBroker, way: WrongWay) -> dict[str, str]:
    address = {"HEADWATER_KAFKA": f"{way.host}:{broker.ports[way.listener]}"}
    settings = {**broker.at(way.at or way.listener), **address, **way.changed}
    if authority := settings.pop("ca", ""):
        settings["HEADWATER_KAFKA_CA_CERTIFICATE"] = str(broker.authority(authority))
    return settings


def _ended(command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str, float]:
    """Exit code, all of stderr, and the seconds until a command ended by itself."""
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, *command],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr.strip(), time.monotonic() - began


def _require_words(name: str, line: str, words: Sequence[str], seconds: float) -> None:
    print(f"  {name:<34} {seconds:>6.1f} s  {line}", flush=True)
    assert "\n" not in line, line
    assert all(part in line for part in words), (name, words, line)
