"""A storing worker that cannot go on says why in one line, and ends with exit code 1."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.embedded_broker import EmbeddedBroker
from tests.worlds.stores.migrated import migrated_store

pytest.importorskip("chdb")
pytest.importorskip("confluent_kafka")

WAIT_SECONDS = 120.0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def complaint_of(broker: EmbeddedBroker, folder: Path) -> str:
    """The line that a worker on this folder prints before it ends with exit code 1."""
    settings: dict[str, Any] = {
        "bootstrap_servers": broker.address,
        "folder": str(folder),
        "embedded": True,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.integration.storing.storing_process", json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


def test_tables_that_are_missing_have_to_be_made_first(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    assert complaint_of(broker, tmp_path / "store") == (
        f"headwater worker: the tables in {tmp_path / 'store'} are old or missing: "
        "run `headwater migrate`"
    )


def test_a_folder_of_another_process_is_left_alone(broker: EmbeddedBroker, tmp_path: Path) -> None:
    other = migrated_store(tmp_path / "store")
    try:
        assert complaint_of(broker, tmp_path / "store").endswith(
            "is in use by another process: stop that one first"
        )
    finally:
        other.close()
