"""What one record means for its install; the rules, features and model are Headwater's own."""

from __future__ import annotations

import heapq
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import msgpack
from river import linear_model, optim

from attribution import journey as attribution
from attribution.journey import ActivityApplied, Decision, Journey, JourneyFact, MoneyApplied
from attribution.rules.rules import Rules, rule_set_id
from online_models.features.frozen import whole
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.scoring import prospects
from online_models.scoring.labels import LabelSchedule
from online_models.scoring.landmark_scores import (
    LandmarkVisit,
    ScoringModels,
    next_landmark_due,
    reach_landmark,
)
from online_models.scoring.prospects import Prospect
from online_models.scoring.tiers import Score, Subject
from online_models.targets.targets import DEFAULT_TARGETS, PAYING
from schemas import topics
from schemas.records import (
    ActivitySeen,
    Candidates,
    Erased,
    Example,
    Frozen,
    Installed,
    MoneyRouted,
)
from schemas.time import LogMs
from streams.stages.journeys import decision_rows
from streams.stages.journeys.booking_row import booking_row
from streams.stages.journeys.states.install_state import NEW_INSTALL, InstallState
from tests.benchmarks.idiomatic_faust.routing import Published

_pack = msgpack.Encoder().encode
_states = msgpack.Decoder(InstallState)
JourneyRecord = Installed | Candidates | ActivitySeen | MoneyRouted | Erased


PAYS_BY = PAYING.shape.bins_until(1)
"""A row is learned once it is known whether the install pays within seven days."""


class LiveModel:
    """The model scores with what it has learned until now, as River is meant to be used. It is
    one logistic regression for the payers of a week, less than what it is compared with."""

    def __init__(self) -> None:
        optimizer = optim.FTRLProximal(alpha=0.1, beta=1.0, l1=0.0, l2=10.0)
        self.river: Any = linear_model.LogisticRegression(optimizer=optimizer)
        self._examples: list[Example] = []

    def score_many(self, subjects: Sequence[Subject], moments: Sequence[int]) -> list[Score]:
        return [self._score(subject) for subject in subjects]

    def _score(self, subject: Subject) -> Score:
        probability = self.river.predict_proba_one(_features(subject.last))[True]
        return Score({"d7": probability}, "full", "", "live", "champion", {})

    def learn(self, example: Example) -> None:
        for snapshot in whole(example.snapshots):
            self.river.learn_one(_features(snapshot), example.label)

    def keep(self, matured: list[Example]) -> None:
        self._examples += [
            one
            for one in matured
            if one.target == PAYING.name and (one.label or one.bin + 1 == PAYS_BY)
        ]

    def take_examples(self) -> list[Example]:
        taken, self._examples = self._examples, []
        return taken


def _features(snapshot: Frozen) -> dict[int, float]:
    slots = struct.unpack(f"<{len(snapshot.slots) // 4}I", snapshot.slots)
    return dict(zip(slots, struct.unpack(f"<{len(slots)}f", snapshot.values), strict=True))


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
        hashing = HazardRules()
        by_target: Any = {PAYING.name: model}  # Anything that scores a subject will do.
        self._models = ScoringModels(
            Encoder(hashing.slots, hashing.seed),
            DEFAULT_TARGETS,
            LabelSchedule(DEFAULT_TARGETS),
            by_target,
        )

    def advance(
        self, known: bytes | None, record: JourneyRecord, now: int, published: Published
    ) -> Stored:
        state = _states.decode(known) if known else NEW_INSTALL
        journey, facts = _step(state.journey, record, self._rules)
        return self._conclude(InstallState(journey, state.prospect), facts, now, published)

    def reach_due(self, known: bytes, now: int, published: Published) -> Stored:
        state = _states.decode(known)
        journey, facts = attribution.meet_deadlines(state.journey, LogMs(now), self._rules)
        return self._conclude(InstallState(journey, state.prospect), facts, now, published)

    def _conclude(
        self, state: InstallState, facts: list[JourneyFact], now: int, published: Published
    ) -> Stored:
        journey, prospect = state.journey, state.prospect
        for fact in facts:
            prospect = self._say(fact, prospect, journey, published)
        prospect = self._score(prospect, journey, now, published)
        due = attribution.journey_due(journey, self._rules)
        if journey.install is not None and journey.version:
            landmark_due = next_landmark_due(prospect, journey.install.time)
            due = LogMs(min(due, landmark_due or due, prospect.release_due or due))
        return Stored(_pack(InstallState(journey, prospect)), due)

    def _say(
        self, fact: JourneyFact, prospect: Prospect, journey: Journey, published: Published
    ) -> Prospect:
        install = journey.install
        match fact:
            case Decision():
                row = decision_rows.attribution_row(fact, self._rules, self._rule_set)
                published.add(topics.ATTRIBUTIONS.name, row.install_id, row)
                for verdict in decision_rows.verdict_rows(fact):
                    published.add(topics.FRAUD_VERDICTS.name, row.install_id, verdict)
            case MoneyApplied() if install is not None:
                booking = booking_row(fact.routed, install)
                published.add(topics.REVENUE.name, booking.install_id, booking)
                money, sign = fact.routed.money, fact.routed.sign
                return prospects.note_money(prospect, install.time, money, sign, DEFAULT_TARGETS)
            case ActivityApplied() if install is not None:
                return prospects.note_activity(
                    prospect, install.time, fact.activity, DEFAULT_TARGETS
                )
            case _:
                pass
        return prospect

    def _score(
        self, prospect: Prospect, journey: Journey, now: int, published: Published
    ) -> Prospect:
        install = journey.install
        if install is None or journey.version == 0 or prospect.is_closed:
            return prospect
        now = max(now, install.time) if prospect.next_landmark == 0 else now
        facts, models = decision_rows.install_facts(install), self._models
        while True:
            due, release = next_landmark_due(prospect, install.time), prospect.release_due
            if due and not 0 < release < due:
                if due > now:
                    return prospect
                winner = attribution.winner_known_by(journey, LogMs(now), self._rules)
                credit = decision_rows.credit_features(install, winner)
                moment = LandmarkVisit(facts, credit, prospect.next_landmark, install.ts)
                reached = reach_landmark(prospect, moment, models)
                prospect = reached.state
                if reached.features is not None:
                    published.add(topics.FEATURES.name, install.install_id, reached.features)
                for prediction in reached.predictions:
                    published.add(topics.PREDICTIONS.name, install.install_id, prediction)
            elif 0 < release <= now:
                prospect, examples = models.releases.release(prospect, facts)
                self._model.keep(examples)
            else:
                return prospect if release else prospects.CLOSED_PROSPECT


def _step(journey: Journey, record: JourneyRecord, rules: Rules) -> attribution.JourneyStep:
    match record:
        case Installed():
            return attribution.add_install(journey, record, rules)
        case Candidates():
            return attribution.add_candidates(journey, record, rules)
        case ActivitySeen():
            return attribution.add_activity(journey, record, rules)
        case MoneyRouted():
            return attribution.add_money(journey, record, rules)
        case Erased():
            return attribution.request_erasure(journey, record, rules)
