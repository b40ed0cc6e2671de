"""What one record means for its install; the rules, features and model are Headwater's own."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import msgpack

from attribution import journey as attribution
from attribution.journey import ActivityApplied, Decision, Journey, JourneyFact, MoneyApplied
from attribution.rules import Rules, rule_set_id
from online_models import labels
from online_models.fallback import Score
from online_models.labels import PayerState
from online_models.payer import PROBABILITY_MIN, new_river_model
from schemas import topics
from schemas.records import (
    ActivitySeen,
    Candidates,
    Erased,
    Example,
    Installed,
    MoneyKind,
    MoneyRouted,
)
from streams.stages import decisions
from streams.stages.booking import booking_row
from streams.stages.install_steps import NEW, InstallState
from tests.benchmarks.idiomatic_faust.routing import Said

_pack = msgpack.Encoder().encode
_states = msgpack.Decoder(InstallState)
JourneyRecord = Installed | Candidates | ActivitySeen | MoneyRouted | Erased


class LiveModel:
    """The model scores with what it has learned until now, as River is meant to be used."""

    def __init__(self) -> None:
        self.river = new_river_model()
        self._examples: list[Example] = []

    def score(self, features: dict[str, float]) -> Score:
        probability = self.river.predict_proba_one(features)[True]
        bounded = min(max(probability, PROBABILITY_MIN), 1 - PROBABILITY_MIN)
        return Score(bounded, "full", "live")

    def learn(self, example: Example) -> None:
        self.river.learn_one(example.features, example.label)

    def keep(self, matured: list[Example]) -> None:
        self._examples += matured

    def take_examples(self) -> list[Example]:
        taken, self._examples = self._examples, []
        return taken


class Timers:
    """Due times of installs by partition, in log time: the latest timestamp seen there."""

    def __init__(self) -> None:
        self._now: dict[int, int] = defaultdict(int)
        self._heaps: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self._current: dict[bytes, int] = {}

    def see(self, partition: int, timestamp: int) -> int:
        self._now[partition] = max(self._now[partition], timestamp)
        return self._now[partition]

    def set(self, partition: int, key: bytes, due: int) -> None:
        if due and self._current.get(key) != due:
            self._current[key] = due
            heapq.heappush(self._heaps[partition], (due, key))

    def due(self, partition: int, now: int) -> Iterator[bytes]:
        heap = self._heaps[partition]
        while heap and heap[0][0] <= now:
            due, key = heapq.heappop(heap)
            if self._current.get(key) == due:
                del self._current[key]
                yield key


class Stored(NamedTuple):
    packed: bytes
    due: int  # log time of the next landmark, label or deadline; 0: none


class Deciding:
    """Advances one install at a time."""

    def __init__(self, rules: Rules, model: LiveModel) -> None:
        self._rules = rules
        self._rule_set = rule_set_id(rules)
        self._model = model

    def advance(self, known: bytes | None, record: JourneyRecord, now: int, said: Said) -> Stored:
        state = _states.decode(known) if known else NEW
        journey, facts = _step(state.journey, record, self._rules)
        return self._conclude(InstallState(journey, state.payer), facts, now, said)

    def reach_due(self, known: bytes, now: int, said: Said) -> Stored:
        state = _states.decode(known)
        journey, facts = attribution.expire(state.journey, now, self._rules)
        return self._conclude(InstallState(journey, state.payer), facts, now, said)

    def _conclude(
        self, state: InstallState, facts: list[JourneyFact], now: int, said: Said
    ) -> Stored:
        journey, payer = state.journey, state.payer
        for fact in facts:
            payer = self._say(fact, payer, journey, said)
        payer = self._score(payer, journey, now, said)
        due = attribution.next_due(journey, self._rules)
        if journey.install is not None and journey.version:
            due = min(due, labels.next_due(payer, journey.install.time) or due)
        return Stored(_pack(InstallState(journey, payer)), due)

    def _say(
        self, fact: JourneyFact, payer: PayerState, journey: Journey, said: Said
    ) -> PayerState:
        install = journey.install
        match fact:
            case Decision():
                row = decisions.attribution_row(fact, self._rules, self._rule_set)
                said.say(topics.ATTRIBUTIONS.name, row.install_id, row)
                for verdict in decisions.verdict_rows(fact):
                    said.say(topics.FRAUD_VERDICTS.name, row.install_id, verdict)
            case MoneyApplied() if install is not None:
                booking = booking_row(fact.routed, install)
                said.say(topics.REVENUE.name, booking.install_id, booking)
                money = fact.routed.money
                if _is_payment(fact.routed):
                    return labels.see_payment(payer, install.time, money.time, money.ts)[0]
            case ActivityApplied() if install is not None:
                return labels.see_activity(payer, install.time, fact.activity)
            case _:
                pass
        return payer

    def _score(self, payer: PayerState, journey: Journey, now: int, said: Said) -> PayerState:
        install = journey.install
        if install is None or journey.version == 0:
            return payer
        now = max(now, install.time) if payer.next_landmark == 0 else now
        if not 0 < labels.next_due(payer, install.time) <= now:
            return payer
        credit = decisions.credit(install, attribution.winner_known_by(journey, now, self._rules))
        scorer: Any = self._model  # Anything that scores features will do.
        reached = labels.reach(payer, decisions.install_facts(install), credit, now, scorer)
        for row in reached.features:
            said.say(topics.FEATURES.name, row.install_id, row)
        for prediction in reached.predictions:
            said.say(topics.PREDICTIONS.name, prediction.install_id, prediction)
        self._model.keep(reached.examples)
        return reached.state


def _is_payment(routed: MoneyRouted) -> bool:
    kinds = (MoneyKind.PURCHASE, MoneyKind.SUBSCRIPTION)
    return routed.money.kind in kinds and routed.money.amount_micros > 0 and routed.sign > 0


def _step(journey: Journey, record: JourneyRecord, rules: Rules) -> attribution.Step:
    match record:
        case Installed():
            return attribution.see_install(journey, record, rules)
        case Candidates():
            return attribution.see_candidates(journey, record, rules)
        case ActivitySeen():
            return attribution.see_activity(journey, record, rules)
        case MoneyRouted():
            return attribution.see_money(journey, record, rules)
        case Erased():
            return attribution.see_erasure(journey, record, rules)
