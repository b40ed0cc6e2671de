"""One small game without brokers and stages: the learner, its gates and the tiers, and no more.

Everything that an install is known for is decided as the product decides it: features and labels by
`reach_landmarks` and `LabelSchedule`, versions by `TargetLearner`, answers by `TargetModels`. What
is left out costs most and changes no chance: matching, money of accounts, and writing rows. A
version answers from the half hour of log time after it was published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from online_models.features.features import InstallCredit, InstallFacts
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.learning.example_block import origin_of
from online_models.learning.rules import LearnerRules
from online_models.learning.target_learner import TargetLearner
from online_models.learning.verdicts import Publication, Refusal, Verdict
from online_models.persistence.envelope import Unusable
from online_models.scoring import prospects
from online_models.scoring.labels import LabelSchedule
from online_models.scoring.landmark_scores import (
    LandmarkVisit,
    ScoringModels,
    next_landmark_due,
    reach_landmarks,
)
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import TARGET_OVER, Prospect
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates, load_rates
from online_models.scoring.tiers import LiveModel, TargetModels
from online_models.targets.targets import DEFAULT_TARGETS, PAYING, VALUE
from schemas import topics
from schemas.outcomes import Prediction
from schemas.records import OUTCOMES_ALONE, ActivitySeen, Example, Money, MoneyKind
from schemas.time import HOUR_MS, EventMs, LogMs
from streams.lab.evaluation.replay.decided_history import TriedVersion
from streams.lab.simulator.small_game import SmallGameRules, game_end, game_records, make_players
from streams.stages.learning.usual_rules import learning_of

STEP_MS = HOUR_MS // 2
LANDMARK_OF = {one.name: number for number, one in enumerate(LANDMARKS)}
_ORGANIC = ("organic", "", "", "none", "", -1)
_CLICK_S = 300


@dataclass(slots=True)
class Install:
    facts: InstallFacts
    credit: InstallCredit
    state: Prospect
    paid_at: int = 0  # for the first time; 0: never


@dataclass(slots=True)
class QuickGame:
    """What was answered and decided in one game."""

    installs: list[Install]
    end_ms: int
    learner: TargetLearner
    models: TargetModels = field(default_factory=lambda: TargetModels(PAYING))
    rates: ShrunkRates = field(default_factory=ShrunkRates)
    """Of app, source, country and platform alone, learned by the hour: a baseline."""
    served: list[tuple[int, Prediction, dict[str, float]]] = field(default_factory=list)
    """Number of the install, what was answered, and what `rates` answered."""
    versions: list[TriedVersion] = field(default_factory=list)


def play_quickly(rules: SmallGameRules) -> QuickGame:
    """Equal rules give equal games."""
    learning = learning_of(DEFAULT_TARGETS).targets[PAYING.name]
    assert isinstance(learning, LearnerRules)
    learner = TargetLearner(PAYING.name, learning)
    game = QuickGame(_read_installs(rules), game_end(rules), learner)
    agenda: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(game.installs):
        agenda[one.facts.installed_at // STEP_MS].append(number)
    schedule = LabelSchedule(DEFAULT_TARGETS)
    encoder = Encoder(HazardRules().slots, HazardRules().seed)
    last = game.end_ms // STEP_MS
    for step in range(min(agenda), last + 1):
        due = agenda.pop(step, [])
        until = (step + 1) * STEP_MS
        scoring = ScoringModels(encoder, DEFAULT_TARGETS, schedule, {PAYING.name: game.models})
        _score(game, [one for one in due if _landmark_due(game, one, until)], scoring)
        _learn(game, _released(game, due, until, schedule), until)
        for number in due:
            if at := _next_due(game.installs[number]):
                agenda[max(at // STEP_MS, step + 1)].append(number)
    return game


def _read_installs(rules: SmallGameRules) -> list[Install]:
    """Those whose installs are in the log; facts are known from the beginning, by their time."""
    found: dict[str, Install] = {}
    campaigns: dict[str, str] = {}
    for record in game_records(rules, make_players(rules)):
        event = orjson.loads(record.value or b"")
        if record.topic == topics.TOUCHPOINTS.name:
            campaigns[event["touch_id"]] = event["campaign_id"]
        elif record.topic == topics.INSTALLS.name:
            found[event["install_id"]] = _installed(event, campaigns)
        elif (own := found.get(event["install_id"])) is not None:
            _note(own, event)
    return sorted(found.values(), key=lambda one: (one.facts.installed_at, one.facts.install_id))


def _installed(event: dict[str, Any], campaigns: dict[str, str]) -> Install:
    facts = InstallFacts(
        install_id=event["install_id"],
        app_id=event["app_id"],
        installed_at=event["event_time"],
        platform=event["platform"],
        country_code=event["country_code"],
        os_version="",
    )
    credit = InstallCredit(*_ORGANIC)
    if click := event.get("click_id", ""):
        credit = InstallCredit("north", campaigns[click], "", "click_id", "click", _CLICK_S)
    # Value learns nothing here.
    return Install(facts, credit, Prospect(progress={VALUE: TARGET_OVER}))


def _note(own: Install, event: dict[str, Any]) -> None:
    at, installed_at = event["event_time"], own.facts.installed_at
    if event["type"] == "session":
        seen = ActivitySeen(
            install_id=event["install_id"], event_id=event["event_id"], name="session",
            is_session=True, time=EventMs(at), ts=LogMs(at), source=(2, 0, 0), app_id="",
        )  # fmt: skip
        own.state = prospects.note_activity(own.state, installed_at, seen, DEFAULT_TARGETS)
        return
    money = Money(
        event["event_id"], event["transaction_id"], MoneyKind.PURCHASE, event["app_id"],
        event["install_id"], "", event["amount_micros"], event["currency"], "", EventMs(at),
        LogMs(at), (3, 0, 0),
    )  # fmt: skip
    own.state = prospects.note_money(own.state, installed_at, money, 1, DEFAULT_TARGETS)
    own.paid_at = min(own.paid_at or at, at)


def _landmark_due(game: QuickGame, number: int, until: int) -> bool:
    own = game.installs[number]
    return 0 < next_landmark_due(own.state, own.facts.installed_at) < until


def _next_due(own: Install) -> int:
    dues = (next_landmark_due(own.state, own.facts.installed_at), own.state.release_due)
    return min((one for one in dues if one), default=0)


def _score(game: QuickGame, due: Sequence[int], scoring: ScoringModels) -> None:
    visits = []
    for number in due:
        own = game.installs[number]
        at = next_landmark_due(own.state, own.facts.installed_at)
        visit = LandmarkVisit(own.facts, own.credit, own.state.next_landmark, at)
        visits.append((own.state, visit))
    for number, found in zip(due, reach_landmarks(visits, scoring), strict=True):
        own = game.installs[number]
        own.state = found.state
        for answer in found.predictions:
            if answer.target == PAYING.name:
                place = _origin(own)
                age = LANDMARKS[LANDMARK_OF[answer.landmark]].after_ms
                game.served.append((number, answer, game.rates.score(place, age)))


def _origin(own: Install) -> InstallOrigin:
    facts = own.facts
    source = own.credit.media_source
    return InstallOrigin(facts.app_id, source, facts.country_code, facts.platform)


def _released(
    game: QuickGame, due: Sequence[int], until: int, schedule: LabelSchedule
) -> list[Example]:
    found = []
    for number in due:
        own = game.installs[number]
        while 0 < own.state.release_due < until:
            own.state, examples = schedule.release(own.state, own.facts)
            found += examples
    return sorted(found, key=lambda one: one.matured_at)


def _learn(game: QuickGame, examples: Sequence[Example], until: int) -> None:
    for one in examples:
        if one.bin != OUTCOMES_ALONE:
            game.rates.learn(origin_of(one), one.bin, one.label)
    for verdict in game.learner.learn(examples):
        _apply(game, verdict, until)


def _apply(game: QuickGame, verdict: Verdict, until: int) -> None:
    before = game.models
    champion, rates, version = before.champion, before.rates, before.rates_version
    if isinstance(verdict, Publication) and verdict.model == PAYING.rates:
        loaded = load_rates(verdict.content, game.learner.rules.of_rates())
        assert not isinstance(loaded, Unusable), loaded
        rates, version = loaded, verdict.version
    elif isinstance(verdict, Publication) and game.learner.champion is not None:
        live = game.learner.champion
        champion = LiveModel(live.scorer, live.name, until)
        game.versions.append(
            TriedVersion(verdict.model, verdict.version, "published", "", verdict.figures)
        )
    elif isinstance(verdict, Refusal):
        champion = None if verdict.suspends else champion
        state = "suspended" if verdict.suspends else "refused"
        row = TriedVersion(verdict.model, verdict.version, state, verdict.reason, verdict.figures)
        game.versions.append(row)
    game.models = TargetModels(PAYING, champion, None, rates, version, before.rules)
