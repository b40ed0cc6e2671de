"""The Faust agents: one per stage of the core, and one that stores outcomes.

An agent receives whole poll batches and offers each to whoever decides on it: the core's lanes
(streams/runtime) or the sink that stores rows (streams/store). Faust brings the consumer group,
the rebalances and the polling; it acknowledges nothing, because a checkpoint commits the offsets
together with what was decided.

Measured with faust-streaming 0.15.3 and aiokafka 0.14.0 on two shared cores: an agent that takes
one event at a time handles 6,000 to 7,000 events/s, with `take` about as many; one that is given
a whole poll batch, 350,000.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

import faust

from schemas import topics
from streams.runtime.faust.app import batch_app
from streams.runtime.faust.batches import BatchSchema, PollBatch
from streams.runtime.lane import LaneSpec
from streams.settings.core import CoreSettings
from streams.settings.storing import StoringSettings
from streams.store.tables import TABLE_OF_TOPIC

__all__ = [
    "BESIDE_LEARNING",
    "CORE_LANES",
    "LEARNING_LANE",
    "Offer",
    "core_app",
    "learning_app",
    "storing_app",
]

PollBatches = AsyncIterator[PollBatch]
Offer = Callable[[PollBatch], None]
"""Takes a poll batch and returns at once; a partition with enough queued batches is held."""

INTAKE_LANE = LaneSpec(
    "intake",
    tuple(topic.name for topic in topics.SOURCES),
    is_source=True,
    asking=topics.INSTALLS.name,
    awaited=(topics.TOUCHPOINTS.name, topics.INSTALLS.name),
)
MATCHING_LANE = LaneSpec("matching", (topics.MATCH.name,), topics.MATCHING_CHANGELOG.name)
JOURNEYS_LANE = LaneSpec(
    "journeys", (topics.JOURNEYS.name,), topics.JOURNEYS_CHANGELOG.name, reads_models=True
)
SITES_LANE = LaneSpec("sites", (topics.SITES.name,), topics.SITES_CHANGELOG.name)
LEARNING_LANE = LaneSpec(
    "learning", (topics.EXAMPLES.name,), topics.LEARNING_CHANGELOG.name, single_partition=True
)
BESIDE_LEARNING = (INTAKE_LANE, MATCHING_LANE, JOURNEYS_LANE, SITES_LANE)
CORE_LANES = (*BESIDE_LEARNING, LEARNING_LANE)


def core_app(settings: CoreSettings, offer: Offer) -> faust.App:
    """The app of a core worker: every stage decides on the batches that its agent offers.

    It can learn, too, and does so while no learning worker is in its group.
    """
    app = learning_app(settings, offer)

    @app.agent(_batches(app, settings, INTAKE_LANE.inputs), name=INTAKE_LANE.stage)
    async def intake(batches: PollBatches) -> AsyncIterator[None]:
        """Validate, pseudonymise and route what producers send."""
        async for batch in batches:
            offer(batch)
            yield

    @app.agent(_batches(app, settings, MATCHING_LANE.inputs), name=MATCHING_LANE.stage)
    async def matching(batches: PollBatches) -> AsyncIterator[None]:
        """Index touchpoints by match key; answer each install with its candidates."""
        async for batch in batches:
            offer(batch)
            yield

    @app.agent(_batches(app, settings, JOURNEYS_LANE.inputs), name=JOURNEYS_LANE.stage)
    async def journeys(batches: PollBatches) -> AsyncIterator[None]:
        """Attribute installs, book money, freeze features and score."""
        async for batch in batches:
            offer(batch)
            yield

    @app.agent(_batches(app, settings, SITES_LANE.inputs), name=SITES_LANE.stage)
    async def sites(batches: PollBatches) -> AsyncIterator[None]:
        """Keep the history of publishers' sites and judge them for fraud."""
        async for batch in batches:
            offer(batch)
            yield

    return app


def learning_app(settings: CoreSettings, offer: Offer) -> faust.App:
    """The app of a learning worker, in the group of the core workers, which learn without one.

    The assignor gives the examples to a member that reads nothing else, if there is one.
    """
    app = batch_app(settings, frozenset(map(settings.topic, LEARNING_LANE.inputs)))

    @app.agent(_batches(app, settings, LEARNING_LANE.inputs), name=LEARNING_LANE.stage)
    async def learning(batches: PollBatches) -> AsyncIterator[None]:
        """Learn from labelled examples, one worker for all, and publish model versions."""
        async for batch in batches:
            offer(batch)
            yield

    return app


def storing_app(settings: StoringSettings, offer: Offer) -> faust.App:
    """The app of a storing worker: it writes every outcome to its table."""
    kafka = settings.kafka()
    app = batch_app(kafka)

    @app.agent(_batches(app, kafka, TABLE_OF_TOPIC), name="storing")
    async def storing(batches: PollBatches) -> AsyncIterator[None]:
        """Insert outcomes into ClickHouse; commit their offsets once they are acknowledged."""
        async for batch in batches:
            offer(batch)
            yield

    return app


def _batches(app: faust.App, settings: CoreSettings, names: Iterable[str]) -> faust.TopicT:
    """Poll batches of these topics. Faust would acknowledge an event even when its agent raised."""
    return app.topic(*map(settings.topic, names), schema=BatchSchema(), acks=False)
