"""Topics that an operator changes under whole workers: partitions are added, and the lines that say
what to do are followed; or topics are deleted and created anew, and the workers go on."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from schemas import topics
from tests.chaos import audit
from tests.chaos.convergence import wait_until_converged
from tests.chaos.fault_injector import CONVERGENCE_SECONDS, PATIENCE_SECONDS, install
from tests.chaos.fleet import Fleet, running_fleet
from tests.chaos.installation import (
    CHECKOUT,
    COMMAND,
    Installation,
    converged_digest,
    run_headwater,
)
from tests.chaos.traffic import Flow, Progress, Traffic, publish
from tests.faults.compared import Undisturbed, undisturbed

EVENTS = 800
BEFORE, AFTER = 4, 8
SOURCES = [topic.name for topic in topics.SOURCES]
STAGES = [
    topic.name for topic in (*topics.INTERNAL, *topics.OUTCOMES) if not topic.single_partition
]
GONE_SECONDS = 60.0
_ADVICE = re.compile(r"`headwater (migrate --partitions \d+ --into) STORE`")


async def every_topic_regrown(folder: Path) -> float:
    """And the setting is changed with them, so that nothing differs any more."""
    async with undisturbed(folder, EVENTS) as plain:
        one = await _half_decided(plain, folder)
        await _grow(one, *SOURCES, *STAGES)
        await _publish_rest(plain, one)
        environ = one.environ("core-1") | {"HEADWATER_PARTITIONS": str(AFTER)}
        refused = await asyncio.to_thread(_refusal, environ)
        return await asyncio.to_thread(_rekeyed, plain, one, environ, refused)


async def one_source_topic_grown(folder: Path) -> float:
    """The line asks for the other source topics first."""
    async with undisturbed(folder, EVENTS) as plain:
        one = await _half_decided(plain, folder)
        await _grow(one, topics.TOUCHPOINTS.name)
        await _publish_rest(plain, one, topics.TOUCHPOINTS.name)
        environ = one.environ("core-1")
        refused = await asyncio.to_thread(_refusal, environ)
        assert f"`kafka-topics.sh --alter --topic … --partitions {AFTER}`" in refused, refused
        await _grow(one, *(name for name in SOURCES if name != topics.TOUCHPOINTS.name))
        return await asyncio.to_thread(_rekeyed, plain, one, environ, refused)


async def source_topic_recreated(folder: Path) -> float:
    """Of the source topics only one; rows of its two logs share offsets."""
    return await _recreated(folder, [topics.TOUCHPOINTS.name])


async def every_source_topic_recreated(folder: Path) -> float:
    return await _recreated(folder, [topic.name for topic in topics.SOURCES])


async def outcome_topics_recreated(folder: Path) -> float:
    """Events that were settled in the old logs are settled again, or told of, in the new ones."""
    return await _recreated(folder, [topic.name for topic in topics.OUTCOMES])


async def _half_decided(plain: Undisturbed, folder: Path) -> Installation:
    """Workers that have decided and stored the first half, and are stopped."""
    one = install("grown", plain.broker, folder)
    one.folder.mkdir()
    await asyncio.to_thread(one.run, "migrate")
    async with running_fleet(one) as fleet:
        await plain.publish(one, end=0.5)
        await wait_until_converged(fleet, CONVERGENCE_SECONDS)
    return one


async def _grow(one: Installation, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=one.broker)
    await admin.start()
    try:
        grown = {f"{one.name}-{name}": NewPartitions(AFTER) for name in names}
        await admin.create_partitions(grown)
    finally:
        await admin.close()


async def _publish_rest(plain: Undisturbed, one: Installation, *only: str) -> None:
    """The second half, as producers do that see the new partitions: every key has moved."""
    messages = plain.traffic.messages
    rest = [
        (topic, p + BEFORE if not only or topic in only else p, ts, key, value)
        for topic, p, ts, key, value in messages[len(messages) // 2 :]
    ]
    await publish(Traffic(rest), one, Flow(), Progress(len(rest)))


def _refusal(environ: Mapping[str, str]) -> str:
    """The line with which a worker ends."""
    ended = subprocess.run(
        [*COMMAND, "worker", "--role", "core"],
        env=dict(environ) | {"HEADWATER_SUPERVISOR": str(os.getpid())},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    *_, line = ended.stderr.splitlines()
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr, ended.stderr
    return line


def _rekeyed(
    plain: Undisturbed, one: Installation, environ: Mapping[str, str], advice: str
) -> float:
    """Do what was advised; the seconds that it took. The new store has all that an undisturbed one
    has."""
    began = time.monotonic()
    found = _ADVICE.search(advice)
    assert found is not None, advice
    command = [*shlex.split(found[1]), str(one.folder / "rekeyed"), "--json"]
    report = run_headwater(command, environ)
    after = {**environ, **report["settings"]}
    digest = converged_digest(after)
    seconds = time.monotonic() - began
    differing = [table for table in digest if digest[table] != plain.calm.digest.get(table)]
    assert not differing, differing
    assert audit.accounts(after, plain.traffic.events)["reconciled"]
    return seconds


async def _recreated(folder: Path, names: Sequence[str]) -> float:
    """What half of the traffic led to is stored when the topics go; the seconds from there until
    the other half is stored as well, and all is as in an undisturbed run."""
    async with undisturbed(folder, EVENTS) as plain:
        one = await _half_decided(plain, folder)
        await _delete(one, names)
        began = time.monotonic()
        await asyncio.to_thread(one.run, "migrate")
        async with running_fleet(one) as fleet:
            await plain.publish(one, first=0.5)
            await wait_until_converged(fleet, CONVERGENCE_SECONDS)
        seconds = time.monotonic() - began
        await _require_exact(plain, one, fleet)
        return seconds


async def _delete(one: Installation, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=one.broker)
    await admin.start()
    try:
        gone = {f"{one.name}-{name}" for name in names}
        await admin.delete_topics(sorted(gone))
        give_up_at = time.monotonic() + GONE_SECONDS
        while gone & set(await admin.list_topics()):
            assert time.monotonic() < give_up_at
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _require_exact(plain: Undisturbed, one: Installation, fleet: Fleet) -> None:
    accounts = await asyncio.to_thread(audit.accounts, one.environ(), plain.traffic.events)
    digest = await asyncio.to_thread(one.digest)
    differing = [table for table in digest if digest[table] != plain.calm.digest.get(table)]
    assert accounts["reconciled"], accounts["faults"]
    assert not accounts["stored_twice"], accounts
    assert not differing, differing
    assert not fleet.unexpected_exits, fleet.unexpected_exits
