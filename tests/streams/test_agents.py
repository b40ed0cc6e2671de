"""Every stage has its agent, and every agent reads what its stage needs."""

from __future__ import annotations

import asyncio

import faust

from streams.agents import CORE_LANES, core_app, learning_app, storing_app
from streams.runtime.faust.batches import PollBatch
from streams.settings.core import CoreSettings
from streams.settings.storing import StoreTarget, StoringSettings
from streams.store.tables import TABLE_OF_TOPIC


def read_by(app: faust.App) -> dict[str, list[str]]:
    return {name: list(agent.channel.topics) for name, agent in app.agents.items()}


def ignore(batch: PollBatch) -> None:
    return


def test_each_stage_of_the_core_has_an_agent_that_reads_its_inputs() -> None:
    async def story() -> None:
        app = core_app(CoreSettings("127.0.0.1:1", topic_prefix="t-"), ignore)
        assert read_by(app) == {
            spec.stage: [f"t-{name}" for name in spec.inputs] for spec in CORE_LANES
        }
        assert all(agent.fun.__name__ == name for name, agent in app.agents.items())

    asyncio.run(story())


def test_the_app_of_a_learning_worker_reads_the_examples_and_nothing_else() -> None:
    async def story() -> None:
        app = learning_app(CoreSettings("127.0.0.1:1", topic_prefix="t-"), ignore)
        assert read_by(app) == {"learning": ["t-examples"]}

    asyncio.run(story())


def test_the_storing_agent_reads_every_topic_that_has_a_table() -> None:
    async def story() -> None:
        settings = StoringSettings("127.0.0.1:1", StoreTarget(), "epoch", topic_prefix="t-")
        app = storing_app(settings, ignore)
        assert read_by(app) == {"storing": [f"t-{name}" for name in TABLE_OF_TOPIC]}

    asyncio.run(story())


def test_no_agent_acknowledges_by_itself() -> None:
    async def story() -> None:
        app = core_app(CoreSettings("127.0.0.1:1"), ignore)
        for agent in app.agents.values():
            app.topics.add(agent.channel)
            assert not any(map(app.topics.acks_enabled_for, agent.channel.topics))

    asyncio.run(story())


def test_only_the_single_partition_inputs_are_assigned_on_their_own() -> None:
    async def story() -> None:
        app = core_app(CoreSettings("127.0.0.1:1", topic_prefix="t-"), ignore)
        single = {
            f"t-{name}" for spec in CORE_LANES if spec.single_partition for name in spec.inputs
        }
        assert app.transport.options.single_partition_topics == single

    asyncio.run(story())
