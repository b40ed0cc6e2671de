"""What the tests ran against, and the rule that a required server may not be skipped.

HEADWATER_REQUIRE=kafka,clickhouse makes the absence of a server, or any skip of a test that
uses it, a failure.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from importlib import metadata

import pytest

FIXTURE_OF = {"kafka": "kafka", "clickhouse": "clickhouse_server"}
EMBEDDED = {"chdb": "chdb", "confluent_kafka": "confluent-kafka"}

SERVERS: pytest.StashKey[dict[str, str]] = pytest.StashKey()


def required() -> frozenset[str]:
    """The servers that HEADWATER_REQUIRE names."""
    named = os.environ.get("HEADWATER_REQUIRE", "")
    return frozenset(name.strip() for name in named.split(",") if name.strip())


def skip_or_fail(server: str, reason: str) -> None:
    """Leave the test because `server` is absent; a failure if it is required."""
    if server in required():
        pytest.fail(f"HEADWATER_REQUIRE names {server}, but {reason}", pytrace=False)
    pytest.skip(f"{server}: {reason}")


def needs_required(fixtures: Collection[str], markers: Collection[str]) -> bool:
    """Whether a test with these fixtures and markers depends on a required server."""
    return any(FIXTURE_OF.get(name) in fixtures or name in markers for name in required())


def note(config: pytest.Config, server: str, version: str) -> None:
    """Remember for the summary that the run used `server`."""
    config.stash.setdefault(SERVERS, {})[server] = version


def noted(config: pytest.Config) -> dict[str, str]:
    """Everything this process has noted or loaded, with versions."""
    return config.stash.get(SERVERS, {}) | embedded_in_use()


def embedded_in_use() -> dict[str, str]:
    """Embedded parts that this process has loaded, with their versions."""
    return {
        name: metadata.version(name) for module, name in EMBEDDED.items() if module in sys.modules
    }


def embedded_installed() -> dict[str, str]:
    """Embedded parts that processes started by a test may load."""
    found = {}
    for name in EMBEDDED.values():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
