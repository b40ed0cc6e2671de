"""Scores an install that reaches a landmark: freezes its features, and predicts from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from online_models.features.features import (
    ActivityBucket,
    InstallCredit,
    InstallFacts,
    activity_until,
    install_features,
)
from online_models.features.frozen import whole_of
from online_models.hazard.encoding import Encoder
from online_models.scoring.activity_cells import activity_cell
from online_models.scoring.expected_money import NO_MONEY, ExpectedMoney, expected_money
from online_models.scoring.labels import LabelSchedule
from online_models.scoring.landmarks import LANDMARKS, landmark_time
from online_models.scoring.prospects import (
    SERVED_SHARE,
    TARGET_OVER,
    GivenPrediction,
    Prospect,
    first_event,
    progress_of,
)
from online_models.scoring.shrunk_rates import InstallOrigin
from online_models.scoring.tiers import (
    Score,
    Subject,
    TargetModels,
)
from online_models.targets.targets import VALUE, Target, Targets, segment
from online_models.value.scorer import ValueScorer
from online_models.value.shape import paid_features
from schemas.buckets import is_in_share
from schemas.outcomes import FeatureRow, Prediction
from schemas.records import Frozen


class ScoringModels(NamedTuple):
    """All models that a partition scores with now."""

    encoder: Encoder
    targets: Targets
    releases: LabelSchedule
    by_target: Mapping[str, TargetModels]
    value: ValueScorer | None = None
    value_version: str = ""


class LandmarkVisit(NamedTuple):
    """An install that reaches a landmark. `logged_at`: log time of the install, in ms."""

    facts: InstallFacts
    credit: InstallCredit
    landmark: int
    logged_at: int

    @property
    def due(self) -> int:
        return landmark_time(self.facts.installed_at, self.landmark)

    @property
    def name(self) -> str:
        return LANDMARKS[self.landmark].name


class LandmarkResult(NamedTuple):
    """The new state, and the rows to publish. `features` None: those of the landmark before hold
    (`features.carried`)."""

    state: Prospect
    features: FeatureRow | None
    predictions: list[Prediction]


def next_landmark_due(state: Prospect, installed_at: int) -> int:
    """When the next landmark is due, in ms since 1970; 0: all landmarks have been scored."""
    if state.is_closed or state.next_landmark >= len(LANDMARKS):
        return 0
    return landmark_time(installed_at, state.next_landmark)


def reach_landmark(state: Prospect, at: LandmarkVisit, models: ScoringModels) -> LandmarkResult:
    """Freeze what is known at the landmark, and predict every open target from it."""
    return reach_landmarks([(state, at)], models)[0]


def reach_landmarks(
    visits: Sequence[tuple[Prospect, LandmarkVisit]], models: ScoringModels
) -> list[LandmarkResult]:
    """`reach_landmark` of each: the same to the last bit, but models are asked about all at once,
    since a question costs them more than its row."""
    frozen = [_freeze(state, at, models) for state, at in visits]
    subjects = [_subject(one.state, one.at) for one in frozen]
    money = expected_money(models.value, models.value_version, models.targets.value, subjects)
    predictions: list[list[Prediction]] = [[] for _ in visits]
    for target in models.targets.hazards:
        is_open = [not _has_happened(one.state, target, one.at) for one in frozen]
        numbers = [number for number, is_asked in enumerate(is_open) if is_asked]
        scores = models.by_target[target.name].score_many(
            [subjects[number] for number in numbers], [frozen[number].at.due for number in numbers]
        )
        for number, score in zip(numbers, scores, strict=True):
            found = predictions[number]
            expected = NO_MONEY if found else money[number]
            found.append(_prediction(frozen[number].at, target, score, expected))
    answered = zip(frozen, predictions, money, strict=True)
    return [_result(one, found, expected, models) for one, found, expected in answered]


class _Frozen(NamedTuple):
    state: Prospect
    at: LandmarkVisit
    features: dict[str, float] | None


def _result(
    frozen: _Frozen, predictions: list[Prediction], money: ExpectedMoney, models: ScoringModels
) -> LandmarkResult:
    state, at, features = frozen
    if is_judged(at.facts.install_id):
        state = _remember(state, at.landmark, predictions, money)
    row = None if features is None else _feature_row(at, features)
    return LandmarkResult(state, row, predictions or [_value_prediction(at, models, money)])


def _feature_row(at: LandmarkVisit, features: dict[str, float]) -> FeatureRow:
    return FeatureRow(
        feature_id=f"{at.facts.install_id}:{at.name}",
        install_id=at.facts.install_id,
        app_id=at.facts.app_id,
        landmark=at.name,
        landmark_time=at.due,
        features=features,
    )


def is_judged(install_id: str) -> bool:
    """Whether the predictions for an install are remembered until their outcomes are known."""
    return is_in_share("judged", install_id, SERVED_SHARE)


def _freeze(state: Prospect, at: LandmarkVisit, models: ScoringModels) -> _Frozen:
    """Payments are left out of the features that are published: a relink may move them later."""
    fixed = install_features(at.facts, at.credit)
    activity = activity_until(at.name, state.tally.buckets[: at.landmark]) if at.landmark else {}
    spent = state.spent_until(LANDMARKS[at.landmark].after_ms)
    paid = sum(payment.counts_at(at.due) for payment in state.payments)
    is_addition = at.landmark > 0 and at.credit == state.credit
    known = {**activity, **paid_features(spent / 1e6, paid)}
    slots, values = models.encoder.pack(known if is_addition else {**fixed, **known})
    is_carried = is_addition and _has_nothing_new(state, at.landmark)
    progress, release_due = state.progress, state.release_due
    if at.landmark == 0:
        names = [*(target.name for target in models.targets.hazards), VALUE]
        progress = {name: progress_of(state, name) for name in names}
        release_due = models.releases.next_due(progress, at.facts.installed_at)
    state = structs.replace(
        state,
        next_landmark=at.landmark + 1,
        credit=state.credit if at.landmark else at.credit,
        media_source=at.credit.media_source,
        frozen=(*state.frozen, Frozen(at.landmark, slots, values, spent, is_addition)),
        progress=progress,
        release_due=release_due,
    )
    return _Frozen(state, at, None if is_carried else {**fixed, **activity})


def _has_nothing_new(state: Prospect, landmark: int) -> bool:
    """Whether features of activity, and the credit, are those of the landmark before. Of credit,
    state tells only whether it was that of the install."""
    before, buckets = state.frozen[-1], state.tally.buckets
    if before.landmark != landmark - 1 or not (before.is_addition or before.landmark == 0):
        return False
    newest = buckets[landmark - 1] if buckets else ActivityBucket()
    return not (newest.sessions or newest.events)


def _subject(state: Prospect, at: LandmarkVisit) -> Subject:
    facts = at.facts
    origin = InstallOrigin(facts.app_id, at.credit.media_source, facts.country_code, facts.platform)
    buckets = state.tally.buckets[: at.landmark]
    has_behaviour = any(bucket.sessions or bucket.events for bucket in buckets)
    frozen = state.frozen
    first, last = frozen[0], whole_of(frozen[0], frozen[-1])
    cell = activity_cell(buckets, at.landmark) if at.landmark else -1
    return Subject(facts.install_id, origin, first, last, has_behaviour, cell)


def _has_happened(state: Prospect, target: Target, at: LandmarkVisit) -> bool:
    """Whether there is nothing to predict: the event is known, the last horizon has passed, or an
    outcome was released, even if the payment has been refunded since."""
    is_past = target.shape.edges[-1] <= LANDMARKS[at.landmark].after_ms
    if is_past or progress_of(state, target.name).is_over:
        return True
    return first_event(state, target, at.facts.installed_at, at.due) is not None


def _remember(
    state: Prospect, landmark: int, predictions: list[Prediction], money: ExpectedMoney
) -> Prospect:
    given = {
        one.target: GivenPrediction(landmark, one.chances, one.tier, one.model_version)
        for one in predictions
    }
    given[VALUE] = GivenPrediction(landmark, money.amounts, money.tier, money.version)
    progress = dict(state.progress)
    for name, prediction in given.items():
        followed = progress.get(name, TARGET_OVER)
        if not followed.is_over:
            progress[name] = structs.replace(followed, given=(*followed.given, prediction))
    return structs.replace(state, progress=progress)


def _prediction(
    at: LandmarkVisit, target: Target, score: Score, money: ExpectedMoney
) -> Prediction:
    chance = score.chances.get(target.headline, 0.0)
    return Prediction(
        **_about(at, target.name),
        horizon=target.headline,
        probability=chance,
        chances=score.chances,
        amounts=money.amounts,
        currency=money.currency,
        is_extrapolated=money.is_extrapolated,
        value_version=money.version,
        segment=segment(target.actions, chance),
        tier=score.tier,
        tier_reason=score.reason,
        arm=score.arm,
        model_version=score.model_version,
        shadow=score.shadow,
    )


def _value_prediction(at: LandmarkVisit, models: ScoringModels, money: ExpectedMoney) -> Prediction:
    """A row for value alone, where no other target is open."""
    return Prediction(
        **_about(at, VALUE),
        horizon=models.targets.value.headline,
        probability=0.0,
        chances={},
        amounts=money.amounts,
        currency=money.currency,
        is_extrapolated=money.is_extrapolated,
        value_version=money.version,
        segment="",
        tier=money.tier,
        tier_reason="no_model" if money.tier == "constant" else "",
        arm="champion",
        model_version=money.version,
        shadow={},
    )


def _about(at: LandmarkVisit, target: str) -> dict[str, Any]:
    facts = at.facts
    return {
        "prediction_id": f"{facts.install_id}:{target}:{at.name}",
        "install_id": facts.install_id,
        "app_id": facts.app_id,
        "media_source": at.credit.media_source,
        "target": target,
        "landmark": at.name,
        "landmark_time": at.due,
        "latency_ms": max(at.logged_at - at.due, 0),
        "predicted_at": at.due,
    }
