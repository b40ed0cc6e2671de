"""`headwater demo`: broker, traffic, workers and store on this machine; then a table."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import json

from schemas import topics
from schemas.topics import Topic
from streams.board import board_access
from streams.errors import Stop
from streams.kafka.caught_up import caught_up
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.publisher import Pace, Publisher
from streams.lab.demo.campaigns import CampaignLine, largest_campaigns
from streams.lab.demo.demo_traffic import DemoScenario, demo_traffic
from streams.lab.demo.model_lines import ModelLines, model_lines
from streams.lab.simulator import SimulatedMessage
from streams.lab.simulator.drafts.apple_signatures import public_keys
from streams.progress import Progress
from streams.replay.report import RunReport
from streams.runtime.offsets import Offsets
from streams.settings import (
    BoardSettings,
    ModelSettings,
    PostbackSettings,
    RuleSettings,
    Settings,
    read_settings,
)
from streams.settings.core import CoreSettings
from streams.settings.declaration import PREFIX, declarations
from streams.store.demo_folder import clear_folder
from streams.store.reconcile import reconcile
from streams.wiring.parts import core_settings, scoring_rules, stage_rules
from streams.wiring.store import open_store
from streams.worker.roles import BOARD, migrate_in_child, role_children
from streams.worker.supervisor import Children

_STOP_SECONDS = 60.0
_PATIENCE_SECONDS = 300.0
PATIENCE_EVENTS_PER_SECOND = 300
_POLL_SECONDS = 0.5
POSTBACK_KEYS = "postback_keys.json"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    events: int
    seed: int
    pace: int | None = None  # events per second; None: as fast as Kafka takes them
    scenario: DemoScenario = "publisher"
    has_board: bool = False


@dataclass(frozen=True, slots=True)
class DemoReport:
    run: RunReport
    campaigns: list[CampaignLine]
    models: ModelLines


def run_demo(settings: Settings, plan: DemoPlan, advance: Progress) -> DemoReport:
    """Run everything once, in the folder of the settings. Stop: a part fails."""
    stage_rules(settings)  # Refuse wrong rules before the data of the last demo is deleted.
    if plan.has_board:
        board_access(settings).check()
    traffic = demo_traffic(plan.scenario, plan.events, plan.seed)
    clear_folder(settings.folders.data)
    _write_keys(settings.folders.data)
    with EmbeddedBroker() as broker:
        environ = demo_environment(os.environ, broker, settings.folders.data)
        settings = read_settings(environ)
        advance("starting", 0, 1)
        migrate_in_child(settings, environ)
        started = time.monotonic()
        flags = (BOARD,) if plan.has_board else ()
        with Children(role_children(settings, environ, flags), _STOP_SECONDS) as children:
            run = _Run(settings, plan, children, advance)
            published = asyncio.run(run.through(traffic))
            children.stop()
        seconds = time.monotonic() - started
    advance("counting", 0, 1)
    # Not earlier: chdb lets one process open the folder, and until now that was a worker.
    store = open_store(settings)
    try:
        report = RunReport(reconcile(store, received=published), seconds)
        targets = scoring_rules(settings.models).targets
        return DemoReport(report, largest_campaigns(store), model_lines(store, targets))
    finally:
        store.close()


class _Run:
    def __init__(
        self, settings: Settings, plan: DemoPlan, children: Children, advance: Progress
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._children = children
        self._advance = advance
        self._published = 0

    async def through(self, traffic: Iterator[SimulatedMessage]) -> int:
        """Publish everything and wait until it is stored. Returns the number of events."""
        watch = asyncio.create_task(self._watch())
        work = asyncio.create_task(self._work(traffic))
        await asyncio.wait([watch, work], return_when=asyncio.FIRST_COMPLETED)
        for task in (watch, work):
            task.cancel()
        outcomes = await asyncio.gather(watch, work, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return self._published

    async def _watch(self) -> None:
        """Stop: a worker ended by itself."""
        while True:
            self._children.require_all()
            await asyncio.sleep(_POLL_SECONDS)

    async def _work(self, traffic: Iterator[SimulatedMessage]) -> None:
        core = core_settings(self._settings)
        async with Publisher(core) as publisher:
            await publisher.publish(self._counted(traffic), Pace(self._plan.pace))
        await self._settle(core)

    def _counted(self, traffic: Iterator[SimulatedMessage]) -> Iterator[SimulatedMessage]:
        for message in traffic:
            if not message.is_tick:
                self._published += 1
                if self._published % 500 == 0:
                    self._advance("publishing", self._published, self._plan.events)
            yield message

    async def _settle(self, core: CoreSettings) -> None:
        """Wait until the core worker, then the storing worker, has read everything."""
        deciding = (*topics.SOURCES, topics.MATCH, topics.JOURNEYS)
        offsets = Offsets(core)
        await offsets.start()
        try:
            await self._wait(core, offsets, "core", "deciding", deciding)
            await self._wait(core, offsets, "storing", "storing", topics.OUTCOMES)
        finally:
            await offsets.stop()

    async def _wait(
        self, core: CoreSettings, offsets: Offsets, role: str, step: str, read: Sequence[Topic]
    ) -> None:
        group, names = self._settings.kafka.consumer_group(role), [topic.name for topic in read]
        tps = [(name, p) for name in names for p in range(self._settings.kafka.partitions)]
        patience = _PATIENCE_SECONDS + self._published / PATIENCE_EVENTS_PER_SECOND
        deadline = time.monotonic() + patience
        is_done = False
        while not is_done:
            if time.monotonic() > deadline:
                raise Stop(
                    f"the {role} worker has not read everything after {patience:.0f} s: is this "
                    "machine busy? HEADWATER_LOG_LEVEL=info shows what it waits for"
                )
            done = sum((await offsets.committed(group, tps)).values())
            self._advance(step, done, sum((await offsets.high_watermark(tps)).values()))
            await asyncio.sleep(_POLL_SECONDS)
            is_done = await caught_up(core.bootstrap_servers, group, names, core)


def _write_keys(folder: Path) -> None:
    """The demo trusts the keys that sign its own postbacks."""
    (folder / POSTBACK_KEYS).write_bytes(json.encode(public_keys()))


def demo_environment(
    environ: Mapping[str, str], broker: EmbeddedBroker, folder: Path
) -> dict[str, str]:
    """The environment of the demo's processes.

    Of Headwater's settings only rules, postback keys, targets, the port of the store and those of
    the board are kept: servers, other ports and prefixes in the environment are not for the demo.
    """
    trees = (RuleSettings, PostbackSettings, ModelSettings, BoardSettings)
    rules = {item.variable for tree in trees for item in declarations(tree)}
    kept = {
        variable: value
        for variable, value in environ.items()
        if not variable.startswith(PREFIX)
        or variable.removesuffix("_FILE") in rules
        or variable == "HEADWATER_STORE_PORT"
    }
    own = {
        "HEADWATER_DATA": str(folder),
        "HEADWATER_METRICS_PORT": "0",
        # A month passes within a minute: models would come to answer when it is nearly over.
        "HEADWATER_CATCH_UP_LEAD": "60h",
        "HEADWATER_POSTBACK_KEYS": str(folder / POSTBACK_KEYS),
        "HEADWATER_LOG_LEVEL": environ.get("HEADWATER_LOG_LEVEL") or "warning",
    }
    return {**kept, **own, **broker.environment()}
