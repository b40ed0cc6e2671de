"""What is predicted of one install, and what became of it.

Facts (activity, payments) are only remembered; everything that is said is said by `reach`, at
due times, from the facts known before them. A fact is known from the later of when it happened
and when it was logged. So whatever the order in which facts arrive, if those known before a due
time have arrived when stage time passes it, the same is said.

A payment decides the label at once, but its example is released together with those of installs
of the same age that did not pay. Were payers released first, a learner would see hardly anyone
else for the first week, and too many of them after every rise in traffic: on simulated traffic
the first model then predicted 15 times too many payers, and 1.4 times a week later.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from msgspec import Struct, structs

from online_models import features
from online_models.fallback import Tiers
from online_models.features import ActivityTally, Credit, InstallFacts
from online_models.landmarks import (
    HORIZON_MS,
    LANDMARKS,
    TARGET,
    landmark_time,
    matures_at,
)
from schemas.outcomes import FeatureRow, Prediction
from schemas.records import ActivitySeen, Example


class OpenSnapshot(Struct, frozen=True, array_like=True, gc=False):
    """A prediction whose label is not released yet. Its features follow from the tally."""

    landmark: int
    credit: Credit
    predicted: float
    model_version: str


class PayerState(Struct, frozen=True, array_like=True, gc=False):
    """Lives inside the state of a journey. All times in milliseconds, 0: never."""

    next_landmark: int = 0
    tally: ActivityTally = ActivityTally()
    open: tuple[OpenSnapshot, ...] = ()
    payer_known_at: int = 0
    """From here on it is known that the install pays; later landmarks are not scored."""
    first_paid_at: int = 0
    is_closed: bool = False


NEW = PayerState()
_CLOSED = PayerState(is_closed=True)


class PaymentFate(Enum):
    """What a payment meant for the labels of its install."""

    NOTED = "noted"
    AFTER_HORIZON = "after_horizon"
    TOO_LATE = "too_late"  # the labels were final, and may be wrong


class Said(NamedTuple):
    """What reaching due times brought about."""

    state: PayerState
    features: list[FeatureRow]
    predictions: list[Prediction]
    examples: list[Example]
    withdrawn: int
    """Predictions without a label: the install had paid by then, which was not known."""


def next_due(state: PayerState, installed_at: int) -> int:
    """When `reach` has to be called again: once stage time is at least this; 0: never."""
    if state.is_closed:
        return 0
    if state.next_landmark < len(LANDMARKS):
        due = landmark_time(installed_at, state.next_landmark)
        if not 0 < state.payer_known_at < due:
            return due
    return matures_at(installed_at) if state.open else 0


def see_activity(state: PayerState, installed_at: int, activity: ActivitySeen) -> PayerState:
    """Count a session or an in-app event. The same state when it cannot matter any more."""
    known_at = max(activity.time, activity.ts)
    # What comes after its landmark was scored counts for the next: scored features stay.
    bucket = max(features.bucket_of(known_at - installed_at), state.next_landmark - 1)
    if state.is_closed or bucket >= len(LANDMARKS) - 1:
        return state
    tally = features.count(state.tally, bucket, activity.name, activity.is_session)
    return structs.replace(state, tally=tally)


def see_payment(
    state: PayerState, installed_at: int, paid_at: int, logged_at: int
) -> tuple[PayerState, PaymentFate]:
    """Remember a payment (a purchase or subscription above zero, not a refund)."""
    known_at = max(paid_at, logged_at)
    if paid_at > installed_at + HORIZON_MS:
        return state, PaymentFate.AFTER_HORIZON
    if state.is_closed or known_at >= matures_at(installed_at):
        return state, PaymentFate.TOO_LATE
    noted = structs.replace(
        state,
        payer_known_at=_earlier(state.payer_known_at, known_at),
        first_paid_at=_earlier(state.first_paid_at, paid_at),
    )
    return noted, PaymentFate.NOTED


def reach(
    state: PayerState, facts: InstallFacts, credit: Credit, stage_time: int, tiers: Tiers
) -> Said:
    """Do everything that is due at `stage_time`: score landmarks, release labels.

    Call it once the journey has decided whom to credit, and then whenever `next_due` has come.
    """
    said = Said(state, [], [], [], 0)
    while 0 < (due := next_due(said.state, facts.installed_at)) <= stage_time:
        if said.state.open and due == matures_at(facts.installed_at):
            said = _mature(said, facts)
        else:
            said = _score_landmark(said, facts, credit, tiers)
    return said


def _score_landmark(said: Said, facts: InstallFacts, credit: Credit, tiers: Tiers) -> Said:
    state = said.state
    number = state.next_landmark
    name = LANDMARKS[number].name
    at = landmark_time(facts.installed_at, number)
    row = features.features_at(number, facts, credit, state.tally)
    score = tiers.score(row)
    said.features.append(
        FeatureRow(
            feature_id=f"{facts.install_id}:{name}",
            install_id=facts.install_id,
            app_id=facts.app_id,
            landmark=name,
            landmark_time=at,
            features=row,
        )
    )
    said.predictions.append(
        Prediction(
            prediction_id=f"{facts.install_id}:{TARGET}:{name}",
            install_id=facts.install_id,
            app_id=facts.app_id,
            target=TARGET,
            landmark=name,
            landmark_time=at,
            horizon_s=HORIZON_MS // 1000,
            probability=score.probability,
            tier=score.tier,
            model_version=score.model_version,
            predicted_at=at,
        )
    )
    snapshot = OpenSnapshot(number, credit, score.probability, score.model_version)
    scored = structs.replace(state, next_landmark=number + 1, open=(*state.open, snapshot))
    return said._replace(state=scored)


def _mature(said: Said, facts: InstallFacts) -> Said:
    examples = list(_labelled(said.state, facts))
    return said._replace(
        state=_CLOSED,
        examples=[*said.examples, *examples],
        withdrawn=said.withdrawn + len(said.state.open) - len(examples),
    )


def _labelled(state: PayerState, facts: InstallFacts) -> Iterator[Example]:
    for snapshot in state.open:
        at = landmark_time(facts.installed_at, snapshot.landmark)
        if 0 < state.first_paid_at < at:
            continue  # Had already paid: neither a payer nor a non-payer of this question.
        yield Example(
            install_id=facts.install_id,
            landmark=LANDMARKS[snapshot.landmark].name,
            features=features.features_at(snapshot.landmark, facts, snapshot.credit, state.tally),
            label=state.first_paid_at > 0,
            landmark_time=at,
            matured_at=matures_at(facts.installed_at),
            predicted=snapshot.predicted,
            model_version=snapshot.model_version,
        )


def _earlier(known: int, other: int) -> int:
    return min(known, other) if known else other
