"""Features, predictions and labels of installs, in one decision of the journeys stage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from attribution import journey as journeys
from attribution.journey import Journey
from attribution.privacy.choices import is_prediction_refused
from attribution.rules.consent import Use
from attribution.rules.rules import Rules
from online_models.experiments.design.learned_labels import learned_labels
from online_models.scoring import prospects
from online_models.scoring.landmark_scores import (
    LandmarkResult,
    LandmarkVisit,
    ScoringModels,
    next_landmark_due,
    reach_landmark,
    reach_landmarks,
)
from online_models.scoring.prospects import Prospect
from schemas import topics
from schemas.records import (
    ActivitySeen,
    Example,
    ExampleFrame,
    ExposureSeen,
    Installed,
    MoneyRouted,
)
from schemas.time import MILLISECOND, EventMs, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.experiments.experiment_rows import AssignedAt
from streams.stages.experiments.experiment_steps import ExperimentSteps, OrderedExperiments
from streams.stages.journeys import decision_rows
from streams.stages.journeys.active_models import ActiveModels


def is_unscored(install: Installed) -> bool:
    """Whether models leave an install out: a later life, test traffic, or who refuses it."""
    return bool(install.conversion_id or install.forbidden & Use.PREDICTION)


def prospect_due(prospect: Prospect, journey: Journey) -> LogMs | None:
    """Log time at which an install has a landmark to score or labels to release; None: never."""
    install = journey.install
    if install is None or journey.version == 0 or prospect.is_closed or is_unscored(install):
        return None
    landmark_due, release_due = next_landmark_due(prospect, install.time), prospect.release_due
    due = min(landmark_due or release_due, release_due or landmark_due)
    if prospect.exposures:
        exposed_at = min(one.ts for one in prospect.exposures)
        due = min(due or exposed_at, exposed_at)
    return LogMs(due) or None


SCORED_AHEAD_MAX = 1_000
"""Installs that are scored together: bounds the memory of answers that wait for their turn."""


class _ScoredAhead(NamedTuple):
    """What an install will reach if nothing happens to it before."""

    prospect: Prospect
    journey: Journey
    models: ScoringModels
    reached: LandmarkResult


class ProspectSteps:
    """Collects facts of installs, and reports predictions and examples in the order of due
    times."""

    def __init__(
        self,
        active: ActiveModels,
        rules: Rules,
        outbox: Outbox,
        observer: StageObserver,
        orders: OrderedExperiments,
    ) -> None:
        self._active = active
        self._rules = rules
        self._outbox = outbox
        self._observer = observer
        self.experiments = ExperimentSteps(orders, outbox, observer.on_evicted)
        self._scored_ahead: dict[int, _ScoredAhead] = {}  # by the identity of the journey
        self.examples: FrameOutbox[Example] = FrameOutbox(topics.EXAMPLES.name, 1, ExampleFrame)

    def see_activity(
        self, prospect: Prospect, activity: ActivitySeen, install: Installed
    ) -> Prospect:
        return prospects.note_activity(prospect, install.time, activity, self._active.targets)

    def see_money(self, prospect: Prospect, routed: MoneyRouted, install: Installed) -> Prospect:
        targets, money = self._active.targets, routed.money
        # A refund that states no amount, of what was never paid, has no currency at all.
        micros = money.amount_micros
        if micros and targets.value.micros(micros, money.currency) is None:
            self._observer.on_evicted("value_currencies", 1)
        return prospects.note_money(prospect, install.time, money, routed.sign, targets)

    def score_ahead(self, installs: Iterable[tuple[Prospect, Journey]], now: LogMs) -> None:
        """Score the next landmarks of these installs, if due by `now`, together: a question costs a
        model more than its row. `reach` uses what was scored ahead while an install still has these
        very values, so nothing changes but the cost."""
        found, visits = [], []
        for prospect, journey in installs:
            install = journey.install
            if install is None or journey.version == 0 or is_unscored(install):
                continue
            due, release = next_landmark_due(prospect, install.time), prospect.release_due
            if self._is_refused(journey, install, due):
                continue
            if 0 < due <= now and not 0 < release < due:
                visit = self._visit(prospect, journey, install, LogMs(due))
                found.append((prospect, journey))
                visits.append((prospect, visit))
        models = self._active.models
        reached = reach_landmarks(visits, models) if visits else []
        self._scored_ahead = {
            id(journey): _ScoredAhead(prospect, journey, models, result)
            for (prospect, journey), result in zip(found, reached, strict=True)
        }

    def reach(self, prospect: Prospect, journey: Journey, stage_time: LogMs) -> Prospect:
        """Score landmarks and release labels. The install itself is scored without waiting."""
        install = journey.install
        if install is None or journey.version == 0 or prospect.is_closed or is_unscored(install):
            return prospect
        prospect = self._reach(prospect, journey, install, stage_time)
        return self.experiments.judge(prospect, stage_time) if prospect.exposures else prospect

    def meet(
        self, seen: ExposureSeen, prospect: Prospect, journey: Journey, stage_time: LogMs
    ) -> Prospect:
        """Take note that an install has met a variant. Of whoever is followed no longer nothing is
        said."""
        if journey.install is None:
            self.experiments.tell(seen, "unassigned")
            return prospect
        if prospect.is_closed or is_unscored(journey.install):
            return prospect
        return self.reach(self.experiments.expect(prospect, seen), journey, stage_time)

    def _reach(
        self, prospect: Prospect, journey: Journey, install: Installed, stage_time: LogMs
    ) -> Prospect:
        releases, facts = self._active.models.releases, decision_rows.install_facts(install)
        # Landmarks and releases are event times, due once log time has reached them.
        now = EventMs(stage_time)
        if prospect.next_landmark == 0:
            now = max(now, install.time)
        while True:
            due, release = next_landmark_due(prospect, install.time), prospect.release_due
            if due and not 0 < release < due:
                if due > now:
                    return prospect
                if self._is_refused(journey, install, due):
                    return prospects.CLOSED_PROSPECT
                prospect = self._reach_landmark(prospect, journey, install, LogMs(due))
            elif 0 < release <= now:
                if self._is_refused(journey, install, release):
                    return prospects.CLOSED_PROSPECT
                prospect, examples = releases.release(prospect, facts)
                if prospect.assigned:
                    examples = learned_labels(examples, prospect.assigned)
                for example in examples:
                    self.examples.add(example.install_id, example)
            else:
                return prospect if release else prospects.CLOSED_PROSPECT

    def _is_refused(self, journey: Journey, install: Installed, due: int) -> bool:
        """Whether the person has opted out of what is due: then nothing more is predicted of this
        install, or learned from it, even if the person opts in again."""
        if not journey.choices:
            return False
        return is_prediction_refused(journey.choices, install, LogMs(due), self._rules)

    def _reach_landmark(
        self, prospect: Prospect, journey: Journey, install: Installed, due: LogMs
    ) -> Prospect:
        models, known = self._active.models, self._scored_ahead.get(id(journey))
        if (
            known is not None
            and known.prospect is prospect
            and known.journey is journey
            and known.models is models
        ):
            scored = known.reached
        else:
            visit = self._visit(prospect, journey, install, due)
            scored = reach_landmark(prospect, visit, models)
        if scored.features is not None:
            self._outbox.add(topics.FEATURES.name, install.install_id, scored.features)
        for prediction in scored.predictions:
            self._outbox.add(topics.PREDICTIONS.name, install.install_id, prediction)
            self._observer.on_prediction(prediction.target, prediction.tier, 1)
        if not self.experiments:
            return scored.state
        source = scored.state.media_source
        at = AssignedAt(install, prospect.next_landmark, due, scored.predictions, source)
        return self.experiments.assign(scored.state, journey, at, self._active.targets)

    def _visit(
        self, prospect: Prospect, journey: Journey, install: Installed, due: LogMs
    ) -> LandmarkVisit:
        # Features must not leak a touchpoint that was logged after the landmark.
        known_by = max(due - MILLISECOND, install.ts)
        winner = journeys.winner_known_by(journey, known_by, self._active.rules(self._rules))
        return LandmarkVisit(
            decision_rows.install_facts(install),
            decision_rows.credit_features(install, winner),
            prospect.next_landmark,
            install.ts,
        )
