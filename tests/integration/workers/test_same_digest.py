"""The log decides: one file gives the same facts by replay, embedded broker and real Kafka."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.servers import KafkaServer
from streams.lab.simulator import Scenario, write_traffic
from tests.chaos import audit
from tests.chaos.fault_injector import LOOK_SECONDS, PATIENCE_SECONDS, run_traffic
from tests.chaos.fault_plan import CORES, LEARNING
from tests.chaos.fleet import Fleet
from tests.chaos.installation import (
    CHAOS_SECRET,
    WatchedInstallation,
    converged_digest,
    run_headwater,
)
from tests.chaos.traffic import Flow, Progress, read_file

EVENTS, SEED = 20_000, 11
SMALL_BATCH, LARGE_BATCH = 137, 4_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A folder with a store, and what is in it as far as interleaving does not matter."""

    environ: Mapping[str, str]
    converged: dict[str, str]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("same-digest") / "traffic.jsonl"
    simulate = ["simulate", "--events", str(EVENTS), "--seed", str(SEED), "--out", str(path)]
    run_headwater(
        [*simulate, "--postback-keys", str(_keys_of(path)), "--json"], _environ(path.parent)
    )
    return path


@pytest.fixture(scope="module")
def replayed(file: Path) -> Stored:
    return _replay(file, LARGE_BATCH)


def test_replays_with_any_batch_size_store_identical_rows(file: Path, replayed: Stored) -> None:
    other = _replay(file, SMALL_BATCH)
    digests = [run_headwater(["digest", "--json"], one.environ) for one in (replayed, other)]
    assert digests[0] == digests[1]


def test_the_embedded_broker_leads_to_the_facts_of_a_replay(tmp_path: Path, file: Path) -> None:
    # A demo trusts simulated postbacks by itself; everybody else has to be told.
    keys = {"HEADWATER_POSTBACK_KEYS": str(_keys_of(file))}
    published = file.with_name("demo.jsonl")
    with published.open("wb") as out:
        write_traffic(Scenario.busy(EVENTS, SEED), out)
    replayed = _replayed(published, _environ(file.parent / "trusting") | keys)
    environ = _environ(tmp_path)
    demo = ["demo", "--events", str(EVENTS), "--seed", str(SEED), "--json"]
    report = run_headwater(demo, environ)
    assert report["reconciled"]
    assert report["received"] == EVENTS
    _require_same(replayed, _stored(environ))


@pytest.mark.kafka
def test_two_core_workers_and_a_learner_that_dies_lead_to_the_facts_of_a_replay(
    kafka: KafkaServer,
    file: Path,
    tmp_path: Path,
    replayed: Stored,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="aiokafka")
    name = f"apart-{uuid.uuid4().hex[:8]}"
    installation = WatchedInstallation(name, kafka.address, tmp_path / "apart")
    learner = LearnerThatDies(installation)
    outcome = asyncio.run(run_traffic(read_file(file), installation, Flow(), learner.come_and_go))
    assert outcome.unexpected_exits == []
    assert outcome.last_codes == [0, 0, 0]
    assert outcome.accounts["reconciled"], outcome.accounts["faults"]
    _require_same(replayed, Stored(outcome.installation.environ(), outcome.digest))


@dataclass(frozen=True, slots=True)
class LearnerThatDies:
    """A learning worker joins two core workers in the middle of the traffic, learns, and is killed:
    from then on they learn."""

    installation: WatchedInstallation

    async def come_and_go(self, fleet: Fleet, progress: Progress) -> Counter[str]:
        installation = self.installation
        await progress.permit_until(0.4)
        fleet.add(LEARNING)
        await _until(lambda: "deciding on 1" in installation.readiness(LEARNING)[1])
        await progress.permit_until(0.7)
        await _until(lambda: installation.learned(LEARNING) > 0)
        learned = self._learned_by_cores()
        fleet.kill_for_good(LEARNING)
        await progress.permit_until(1.0)
        await _until(lambda: self._learned_by_cores() > learned)
        return Counter()

    def _learned_by_cores(self) -> float:
        return sum(map(self.installation.learned, CORES))


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # In another process.
            await asyncio.sleep(LOOK_SECONDS)


def _replay(file: Path, batch: int) -> Stored:
    # Pseudonyms are in the digest: the workers on Kafka have this secret, too. A demo has its own.
    secret = {"HEADWATER_PSEUDONYM_SECRET": CHAOS_SECRET}
    return _replayed(file, _environ(file.parent / f"batch-{batch}") | secret, batch)


def _replayed(file: Path, environ: Mapping[str, str], batch: int = LARGE_BATCH) -> Stored:
    report = run_headwater(["replay", str(file), "--batch", str(batch), "--json"], environ)
    assert report["reconciled"]
    assert report["received"] == EVENTS
    return _stored(environ)


def _keys_of(file: Path) -> Path:
    return file.with_name("keys.json")


def _stored(environ: Mapping[str, str]) -> Stored:
    return Stored(environ, converged_digest(environ))


def _environ(folder: Path) -> dict[str, str]:
    foreign = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
    return foreign | {"HEADWATER_DATA": str(folder / "store")}


def _require_same(one: Stored, other: Stored) -> None:
    found = audit.differences(one.environ, other.environ, (one.converged, other.converged))
    assert found == []
    assert one.converged == other.converged
