"""Topics, tables and agents."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from typing import Any

import faust
from msgspec import json, msgpack

from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from attribution.postbacks.seen_postback import SeenPostback
from attribution.rules.rules import Rules
from schemas import topics
from schemas.decode import Unreadable, decode
from schemas.outcomes import Outcome
from schemas.records import (
    ActivitySeen,
    Candidates,
    Erased,
    Example,
    Installed,
    MatchRecord,
    MoneyRouted,
)
from schemas.time import LogMs, Millis
from streams.settings import read_settings
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.contract import CLOCK_KEY
from streams.stages.intake.routing import RoutingRules
from streams.stages.intake.signatures import SignatureRules, Signatures
from tests.benchmarks.idiomatic_faust.journeys import Deciding, LiveModel, Timers
from tests.benchmarks.idiomatic_faust.matching import see
from tests.benchmarks.idiomatic_faust.routing import OneEvent, Published, SourceRecord

settings = read_settings()
kafka = settings.kafka
rules = Rules()
routing = RoutingRules(
    Pseudonyms(b"benchmark"),
    Signatures(SignatureRules({}, Millis(0), LogMs(0))),
    False,
    PostbackCheck(PostbackRules()),
)
observer = StageObserver()
model = LiveModel()
timers = Timers()
deciding = Deciding(rules, model)

app = faust.App(
    f"{kafka.topic_prefix}idiomatic",
    broker=[f"kafka://{address}" for address in (kafka.brokers or "").split(",")],
    datadir=tempfile.mkdtemp(prefix="idiomatic-"),
    store="memory://",
    topic_partitions=kafka.partitions,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=1.0,
    producer_linger=0.02,
    web_enabled=False,
)


def raw_topic(name: str, **options: Any) -> Any:
    return app.topic(
        f"{kafka.topic_prefix}{name}",
        key_type=bytes,
        value_type=bytes,
        value_serializer="raw",
        **options,
    )


sources = {topic.name: raw_topic(topic.name) for topic in topics.SOURCES}
outcome_topics = {topic.name: raw_topic(topic.name) for topic in topics.OUTCOMES}
match_topic = raw_topic("idiomatic-matches", internal=True)
journey_topic = raw_topic("idiomatic-journeys", internal=True)
example_topic = raw_topic("idiomatic-examples", internal=True, partitions=1)

keys = app.Table("idiomatic-keys", key_type=bytes, value_type=bytes)
installs = app.Table("idiomatic-installs", key_type=bytes, value_type=bytes)

pack = msgpack.Encoder().encode
say_json = json.Encoder().encode
match_records = msgpack.Decoder(MatchRecord)
journey_records = msgpack.Decoder(Installed | Candidates | ActivitySeen | MoneyRouted | Erased)
examples = msgpack.Decoder(Example)
key_states = msgpack.Decoder(TouchIndex | Transaction | AccountState | SeenPostback)

Events = AsyncIterator[Any]
SOURCE_INDEX = {topic.name: index for index, topic in enumerate(topics.SOURCES)}


async def read_source(stream: Any, topic: str) -> None:
    async for event in stream.events():
        message = event.message
        if message.key == CLOCK_KEY:
            continue
        ts = round(message.timestamp * 1000)
        source = SOURCE_INDEX[topic], message.partition, message.offset
        decoded = decode(event.value, topic, ts, settings.rules.earliest_event_time)
        one = OneEvent(routing, observer)
        if isinstance(decoded, Unreadable):
            record = SourceRecord(
                topic, message.partition, message.offset, ts, message.key, event.value
            )
            one.set_aside(record, source, decoded)
        else:
            one.route(decoded, source, ts, event.value)
        for key, match in one.matches.records:
            await match_topic.send(key=key.encode(), value=pack(match), timestamp=ts / 1000)
        for key, journey in one.journeys.records:
            await journey_topic.send(key=key.encode(), value=pack(journey), timestamp=ts / 1000)
        await publish(one.published)


def source_agent(topic: str) -> None:
    # Faust publishes no types.
    @app.agent(sources[topic], name=f"read-{topic}")  # type: ignore[untyped-decorator]
    async def agent(stream: Any) -> None:
        await read_source(stream, topic)


for source_topic in topics.SOURCES:
    source_agent(source_topic.name)


@app.agent(match_topic)  # type: ignore[untyped-decorator]
async def matching(stream: Any) -> None:
    """Touchpoints, installs, accounts and money by match key."""
    async for event in stream.events():
        record = match_records.decode(event.value)
        key = event.message.key
        known = keys.get(key)
        state, sent, published = see(key_states.decode(known) if known else None, record, rules)
        keys[key] = pack(state)
        timestamp = event.message.timestamp
        for account, money in sent.matches:
            await match_topic.send(key=account.encode(), value=pack(money), timestamp=timestamp)
        for journey, answer in sent.journeys:
            await journey_topic.send(key=journey.encode(), value=pack(answer), timestamp=timestamp)
        await publish(published)


@app.agent(journey_topic)  # type: ignore[untyped-decorator]
async def journeys(stream: Any) -> None:
    """Decisions, bookings and predictions by install."""
    async for event in stream.events():
        message = event.message
        now = timers.see(message.partition, round(message.timestamp * 1000))
        published = Published()
        record = journey_records.decode(event.value)
        state = deciding.advance(installs.get(message.key), record, now, published)
        installs[message.key] = state.packed
        timers.set(message.partition, message.key, state.due)
        for key in timers.due(message.partition, now):
            state = deciding.reach_due(installs[key], now, published)
            installs[key] = state.packed
            timers.set(message.partition, key, state.due if state.due > now else 0)
        for example in model.take_examples():
            await example_topic.send(key=example.install_id.encode(), value=pack(example))
        await publish(published)


@app.agent(example_topic)  # type: ignore[untyped-decorator]
async def learning(stream: Any) -> None:
    """The same River model, learning one example at a time."""
    async for example in stream:
        model.learn(examples.decode(example))


async def publish(published: Published) -> None:
    for topic, key, outcome in published.outcomes:
        await publish_one(topic, key, outcome)


async def publish_one(topic: str, key: str, outcome: Outcome) -> None:
    await outcome_topics[topic].send(key=key.encode(), value=say_json(outcome))


@app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
async def tell(app: Any, assigned: Any, **_: Any) -> None:
    print("assigned", flush=True)
