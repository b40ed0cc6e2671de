"""What every peer decides with, and what it sends on."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import json, msgpack

from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.matching.transaction_state import Transaction
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from attribution.postbacks.seen_postback import SeenPostback
from attribution.rules.rules import Rules
from schemas import topics
from schemas.decode import Unreadable, decode
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
from streams.settings import Settings
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.intake.routing import RoutingRules
from streams.stages.intake.signatures import SignatureRules, Signatures
from tests.benchmarks.idiomatic_faust.journeys import Deciding, LiveModel, Timers
from tests.benchmarks.idiomatic_faust.matching import see
from tests.benchmarks.idiomatic_faust.routing import OneEvent, Published, SourceRecord

TO_MATCHING, TO_JOURNEYS, TO_LEARNING = "matches", "journeys", "examples"
_SOURCE_INDEX = {topic.name: index for index, topic in enumerate(topics.SOURCES)}


class Sent(NamedTuple):
    """A message: to another step, or to the topic of an outcome."""

    to: str
    key: bytes
    value: bytes


class ReducedJob:
    """The steps of the job. Records and states are bytes, as they are in topics and stores."""

    def __init__(self, settings: Settings) -> None:
        self.timers = Timers()
        self._earliest = settings.rules.earliest_event_time
        self._routing = RoutingRules(
            Pseudonyms(b"benchmark"),
            Signatures(SignatureRules({}, Millis(0), LogMs(0))),
            False,
            PostbackCheck(PostbackRules()),
        )
        self._observer = StageObserver()
        self._rules = Rules()
        self._model = LiveModel()
        self._deciding = Deciding(self._rules, self._model)
        self._pack = msgpack.Encoder().encode
        self._json = json.Encoder().encode
        self._matches = msgpack.Decoder(MatchRecord)
        self._journeys = msgpack.Decoder(
            Installed | Candidates | ActivitySeen | MoneyRouted | Erased
        )
        self._examples = msgpack.Decoder(Example)
        self._states = msgpack.Decoder(TouchIndex | Transaction | AccountState | SeenPostback)

    def route(self, record: SourceRecord) -> list[Sent]:
        """What a source event, which is no clock tick, is sent on as."""
        value = record.value or b""
        source = _SOURCE_INDEX[record.topic], record.partition, record.offset
        event = OneEvent(self._routing, self._observer)
        decoded = decode(value, record.topic, record.timestamp, self._earliest)
        if isinstance(decoded, Unreadable):
            event.set_aside(record, source, decoded)
        else:
            event.route(decoded, source, LogMs(record.timestamp), value)
        pack = self._pack
        sent = [Sent(TO_MATCHING, key.encode(), pack(one)) for key, one in event.matches.records]
        sent += [Sent(TO_JOURNEYS, key.encode(), pack(one)) for key, one in event.journeys.records]
        return sent + self._outcomes(event.published)

    def match(self, known: bytes | None, value: bytes) -> tuple[bytes, list[Sent]]:
        """The new state of a match key, and what is sent on."""
        record = self._matches.decode(value)
        before = self._states.decode(known) if known else None
        state, found, published = see(before, record, self._rules)
        pack = self._pack
        sent = [Sent(TO_MATCHING, key.encode(), pack(one)) for key, one in found.matches]
        sent += [Sent(TO_JOURNEYS, key.encode(), pack(one)) for key, one in found.journeys]
        return pack(state), sent + self._outcomes(published)

    def decide(
        self, partition: int, key: bytes, known: bytes | None, value: bytes, now: int
    ) -> tuple[bytes, list[Sent]]:
        """The new state of an install after one record."""
        published = Published()
        record = self._journeys.decode(value)
        stored = self._deciding.advance(known, record, now, published)
        self.timers.set(partition, key, stored.due)
        return stored.packed, self._outcomes(published)

    def wake(self, partition: int, key: bytes, known: bytes, now: int) -> tuple[bytes, list[Sent]]:
        """The new state of an install that is due."""
        published = Published()
        stored = self._deciding.reach_due(known, now, published)
        self.timers.set(partition, key, stored.due if stored.due > now else 0)
        return stored.packed, self._outcomes(published)

    def take_examples(self) -> list[Sent]:
        """What can be learned since the last call."""
        return [
            Sent(TO_LEARNING, example.install_id.encode(), self._pack(example))
            for example in self._model.take_examples()
        ]

    def learn(self, value: bytes) -> None:
        self._model.learn(self._examples.decode(value))

    def _outcomes(self, published: Published) -> list[Sent]:
        return [
            Sent(topic, key.encode(), self._json(outcome))
            for topic, key, outcome in published.outcomes
        ]
