"""Runs the roles of `headwater worker`, each in a process with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from msgspec import structs

from streams.errors import Stop
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.topics import check_topics
from streams.runtime.reports import LaneObserver, LoggedReason, Readiness
from streams.settings import KafkaSettings, Settings
from streams.store.demo_folder import keep_folder
from streams.wiring.parts import core_settings, stage_rules, storing_settings
from streams.wiring.pseudonym_secret import require_secret
from streams.wiring.rules_in_force import require_rules
from streams.wiring.store import served_by
from streams.worker import metrics
from streams.worker.cycle_collector import relax_collector
from streams.worker.health_server import Health, HealthServer
from streams.worker.log_lines import configure_logs
from streams.worker.observers import LaneMetrics, StageMetrics, StoringMetrics
from streams.worker.supervisor import Child, end_after, end_with, supervise

if TYPE_CHECKING:
    from streams.worker.surroundings import Surroundings

BEAT_SECONDS = 1.0
WAITING_SHARE = 0.04
"""Of the time that a row of a challenger takes, which counts as much as CPU."""
_KILL_SECONDS = 5.0
_logger = logging.getLogger("headwater")


BOARD = "--board"
"""Of the worker that stores: it serves the board, too."""

Beside = Callable[[Settings], AbstractAsyncContextManager[None]]
"""What runs in the process of a storing worker, in its event loop, until it stops."""


def run_role(
    role: str,
    settings: Settings,
    observer: LaneObserver | None = None,
    beside: Beside | None = None,
) -> int:
    """Run a role until SIGTERM or SIGINT; its exit code. Stop when something is missing.

    `observer` takes the place of the metrics of a core worker's lanes. `beside` is for `storing`;
    of `all` it is the board of the process that stores.
    """
    configure_logs(settings.worker.log_level)
    if not settings.kafka.is_in_process:
        keep_folder(settings.folders.data)
    if role != "storing":
        require_secret(settings)
        stage_rules(settings)  # Reports faulty rule files before anything starts.
    if role == "all":
        return _run_all(settings, (BOARD,) if beside else ())
    if settings.kafka.brokers is None:
        raise Stop(
            f"HEADWATER_KAFKA is not set and role {role} needs a broker: set it to host:port, "
            "or use --role all, which starts one"
        )
    end_with(settings.worker.supervisor)
    end_after(settings.worker.supervisor, settings.worker.stop_timeout_ms / 1000 + _KILL_SECONDS)
    _check_topics(settings.kafka)
    if role != "storing" and not settings.kafka.is_in_process:
        settings = _under_rules_in_force(settings)
    relax_collector()
    if role == "storing":
        return asyncio.run(_run_storing(settings, beside))
    run = _run_learning if role == "learning" else _run_core
    return asyncio.run(run(settings, observer or LaneMetrics()))


def _run_all(settings: Settings, flags: Sequence[str]) -> int:
    # Each worker keeps to HEADWATER_STOP_TIMEOUT by itself; it is killed only when it hangs.
    stop_seconds = settings.worker.stop_timeout_ms / 1000 + _KILL_SECONDS
    if settings.kafka.brokers is not None:
        children = role_children(settings, os.environ, flags)
        children.append(learning_child(settings, os.environ))
        return supervise(children, stop_seconds, _logger.error)
    with EmbeddedBroker(settings.kafka.topic_prefix) as broker:
        _logger.info(
            "HEADWATER_KAFKA is not set: an embedded broker listens on %s until this ends",
            broker.address,
        )
        environ = {**os.environ, **broker.environment()}
        migrate_in_child(settings, environ)
        return supervise(role_children(settings, environ, flags), stop_seconds, _logger.error)


def role_children(
    settings: Settings, environ: Mapping[str, str], flags: Sequence[str] = ()
) -> list[Child]:
    """The core and the storing worker as processes; storing takes the next metrics port, and the
    flags."""
    port = settings.worker.metrics_port
    storing_port = {"HEADWATER_METRICS_PORT": str(port + 1 if port else 0)}
    folder = ("--data", str(settings.folders.data))
    return [
        Child("core", ("worker", "--role", "core", *folder), environ),
        Child(
            "storing", ("worker", "--role", "storing", *flags, *folder), {**environ, **storing_port}
        ),
    ]


def learning_child(settings: Settings, environ: Mapping[str, str]) -> Child:
    """The learning worker beside them. It shares neither a port nor a folder of state with core,
    which may open the state of learning before this process has closed it.

    There is none on the embedded broker, where the state of a lane ends with the lane.
    """
    kafka, port = settings.kafka, settings.worker.metrics_port
    own = {
        "HEADWATER_METRICS_PORT": str(port + 2 if port else 0),
        "HEADWATER_STATE_DIR": str(settings.folders.state / "apart"),
    }
    if kafka.group_instance_id:
        own["HEADWATER_GROUP_INSTANCE_ID"] = f"{kafka.group_instance_id}-learning"
    folder = ("--data", str(settings.folders.data))
    return Child("learning", ("worker", "--role", "learning", *folder), {**environ, **own})


def migrate_in_child(settings: Settings, environ: Mapping[str, str]) -> None:
    """Run `headwater migrate` in a process of its own: chdb must not be open when others start."""
    folder = ("--data", str(settings.folders.data))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "migrate", *folder],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["headwater migrate failed without a message"]
        raise Stop(lines[-1].removeprefix("headwater: "))


async def _run_core(settings: Settings, observer: LaneObserver) -> int:
    # Imported here, because the other commands start faster without Faust and River.
    from streams.kafka.registers.source_logs import number_source_logs
    from streams.worker.surroundings import Surroundings

    def report(topic: str, lost: int) -> None:
        metrics.LOST_UNREAD_RECORDS.labels(topic).set(lost)

    numbering = partial(number_source_logs, report=report)
    around = Surroundings(observer=observer, source_logs=numbering)
    return await _run_lanes(settings, "core", around)


async def _run_learning(settings: Settings, observer: LaneObserver) -> int:
    from streams.agents import BESIDE_LEARNING, LEARNING_LANE, learning_app
    from streams.runtime.faust.group_admission import earlier_builds_gone
    from streams.worker.surroundings import Surroundings

    around = Surroundings(
        observer=observer,
        specs=(LEARNING_LANE,),
        app=learning_app,
        beside=BESIDE_LEARNING,
        admission=earlier_builds_gone,
    )
    return await _run_lanes(settings, "learning", around)


def _cost_seconds() -> float:
    """What code of users costs: CPU, and a share of the time that passes, or an estimator that
    sleeps would hold up learning for nothing. The share is small, since a busy machine makes
    everybody wait."""
    return time.thread_time() + WAITING_SHARE * time.monotonic()


async def _run_lanes(settings: Settings, role: str, around: Surroundings) -> int:
    from streams.runtime.snapshots import SnapshotReader
    from streams.stages.factory import stage_factory
    from streams.worker.core_worker import CoreWorker, run_core

    core = core_settings(settings)
    snapshots = SnapshotReader(core)
    stages = stage_factory(stage_rules(settings), snapshots.find, StageMetrics(), _cost_seconds)
    around = replace(around, snapshots=snapshots)
    worker = CoreWorker(core, stages, around)
    return await _serve(
        settings, role, lambda: worker.readiness, lambda stop: run_core(worker, stop)
    )


async def _run_storing(settings: Settings, beside: Beside | None) -> int:
    from streams.worker.storing import run_storing
    from streams.worker.storing_worker import StoringWorker

    worker = StoringWorker(storing_settings(settings), StoringMetrics(), served_by(settings))
    async with beside(settings) if beside else contextlib.nullcontext():
        return await _serve(
            settings, "storing", lambda: worker.readiness, lambda stop: run_storing(worker, stop)
        )


async def _serve(
    settings: Settings,
    role: str,
    readiness: Callable[[], Readiness],
    run: Callable[[asyncio.Event], Awaitable[int]],
) -> int:
    """Run a role beside its health server, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    health = Health(readiness)
    beats = asyncio.create_task(_beat(health, role))
    metrics.WORKER.info({"role": role, "version": version("headwater")})
    try:
        with _probes(settings, health):
            code = await run(stop)
            _logger.info("%s has stopped", role)
            return code
    finally:
        beats.cancel()


async def _beat(health: Health, role: str) -> None:
    """Show that the event loop turns, and log every change of readiness."""
    logged = ""
    while True:
        health.beat()
        reason = health.ready().reason
        if reason != logged and not isinstance(reason, LoggedReason):
            _logger.info("%s: %s", role, reason)
            logged = reason
        await asyncio.sleep(BEAT_SECONDS)


@contextlib.contextmanager
def _probes(settings: Settings, health: Health) -> Iterator[None]:
    port = settings.worker.metrics_port
    if not port:
        yield
        return
    server = HealthServer(health, settings.worker.metrics_host, port)
    try:
        yield
    finally:
        server.close()


def _check_topics(kafka: KafkaSettings) -> None:
    wrong = asyncio.run(check_topics(kafka))
    if wrong:
        raise Stop(wrong[0])


def _under_rules_in_force(settings: Settings) -> Settings:
    """The settings, with what those leave open as it is in force. Stop: other rules are."""
    change = require_rules(settings)
    metrics.RULE_SET.info({"rule_set": change.after, "previous": change.before})
    if change.changes:
        changes = "; ".join(change.changes)
        _logger.warning("rule set %s follows %s: %s", change.after, change.before, changes)
    else:
        _logger.info("rule set %s is in force, after %s", change.after, change.before or "none")
    rules = structs.replace(settings.rules, normal_ids=change.has_normal_ids)
    return structs.replace(settings, rules=rules)
