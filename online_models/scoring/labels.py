"""Releases labels of an install, bin by bin, as its life passes.

The outcome of a bin is released some time after its end (`releases`), at the same age for installs
that reached the target and for those that did not. If payers were released first, a learner would
see hardly anyone else for the first week, and too many of them after every rise in traffic: on
simulated traffic a first model then predicted 15 times too many payers.

What came of a prediction is released when its horizon is over, for whoever reached the target on
the first day as for whoever never did: otherwise everything that can be judged of a young
installation by day 30 has come true.

An event that is reported later still gives a late row for its bin, beside the one that denied it.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import structs

from online_models.features.features import InstallFacts
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import (
    TARGET_OVER,
    GivenPrediction,
    Prospect,
    TargetProgress,
    first_event,
)
from online_models.scoring.releases import RELEASE_AGES_MS, Release, next_releases, release_times
from online_models.targets.targets import VALUE, Target, Targets, ValueTarget
from schemas.records import OUTCOMES_ALONE, Example, Frozen, Served


class _Schedule(NamedTuple):
    releases: tuple[Release, ...]  # by the number of bins released so far
    ends: dict[str, int]  # of each horizon: the bins until then


class LabelSchedule:
    """When the bins of the declared targets are released, and the examples that follow."""

    def __init__(self, targets: Targets) -> None:
        self._schedules = [(target, _schedule_of(target)) for target in targets.hazards]
        self._value = targets.value
        self._value_releases = next_releases(_times_of_value(self._value))

    def next_due(self, progress: dict[str, TargetProgress], installed_at: int) -> int:
        """When the next bin of any target is released, in ms since 1970; 0: never."""
        dues = [
            schedule.releases[followed.released].age
            for target, schedule in self._schedules
            if _is_followed(followed := progress.get(target.name, TARGET_OVER))
        ]
        value = progress.get(VALUE, TARGET_OVER)
        if not value.is_over:
            dues.append(self._value_releases[value.released].age)
        return installed_at + min(dues) if dues else 0

    def release(self, state: Prospect, facts: InstallFacts) -> tuple[Prospect, list[Example]]:
        """Release all bins that are due at `state.release_due`: the new state, and examples."""
        age = state.release_due - facts.installed_at
        progress, examples = dict(state.progress), list[Example]()
        for target, schedule in self._schedules:
            followed = progress.get(target.name, TARGET_OVER)
            if _is_followed(followed) and schedule.releases[followed.released].age <= age:
                follow = _release_outcomes if followed.is_over else _release_bins
                progress[target.name], released = follow(state, facts, target, schedule)
                examples += released
        value = progress.get(VALUE, TARGET_OVER)
        if not value.is_over:
            release = self._value_releases[value.released]
            if release.age <= age:
                progress[VALUE], released = _release_steps(state, facts, self._value, release)
                examples += released
        due = self.next_due(progress, facts.installed_at)
        return structs.replace(state, progress=progress, release_due=due), examples


def _is_followed(progress: TargetProgress) -> bool:
    """Whether there is anything left to release: a bin, or what came of a prediction."""
    return not progress.is_over or bool(progress.given)


def _times_of_value(value: ValueTarget) -> list[int]:
    """Ages at which steps of value are released. Money counts when it becomes known, so nothing is
    waited for but the end of a bucket."""
    ends = (next(end for end in value.bucket_ends if end >= step) for step in value.steps[1:])
    return [next((age for age in RELEASE_AGES_MS if age >= end), end) for end in ends]


def _schedule_of(target: Target) -> _Schedule:
    shape = target.shape
    ends = {one.name: shape.bins_until(number) for number, one in enumerate(shape.horizons)}
    return _Schedule(next_releases(release_times(shape.edges)), ends)


def _release_bins(
    state: Prospect, facts: InstallFacts, target: Target, schedule: _Schedule
) -> tuple[TargetProgress, list[Example]]:
    progress = state.progress[target.name]
    until = schedule.releases[progress.released].until
    happened = first_event(state, target, facts.installed_at, state.release_due)
    is_over = happened is not None and happened < until
    if happened is None or not is_over:
        bins = range(progress.released, until)
    elif happened < progress.released:  # Its bin has been released: a late row.
        bins = range(happened, happened + 1)
    else:
        bins = range(progress.released, happened + 1)
    examples, given = [], progress.given
    for bin_ in bins:
        label = is_over and bin_ == happened
        ended = until if label else bin_ + 1
        served, given = _outcomes(given, schedule.ends, ended, is_reached=label)
        starts = target.shape.edges[bin_]
        at_risk = [one for one in state.frozen if _age(one) <= starts]
        examples.append(_example(state, facts, target.name, (bin_, label, at_risk, served)))
    if is_over:
        return _waiting(given, schedule), examples
    if until == target.shape.bins:
        return TARGET_OVER, examples
    return TargetProgress(until, False, progress.seen, given), examples


def _release_outcomes(
    state: Prospect, facts: InstallFacts, target: Target, schedule: _Schedule
) -> tuple[TargetProgress, list[Example]]:
    """What came of predictions for an install that had reached the target earlier."""
    progress = state.progress[target.name]
    until = schedule.releases[progress.released].until
    served, left = _outcomes(progress.given, schedule.ends, until, is_reached=True)
    alone = _example(state, facts, target.name, (OUTCOMES_ALONE, True, [], served))
    return _waiting(left, schedule), [alone]


def _waiting(given: tuple[GivenPrediction, ...], schedule: _Schedule) -> TargetProgress:
    """Of a target that was reached: on to the release of the next horizon that was predicted."""
    if not given:
        return TARGET_OVER
    soonest = min(schedule.ends[name] for one in given for name in one.chances)
    return TargetProgress(soonest - 1, is_over=True, given=given)


def _outcomes(
    given: tuple[GivenPrediction, ...], ends: dict[str, int], ended: int, *, is_reached: bool
) -> tuple[list[Served], tuple[GivenPrediction, ...]]:
    """Predictions for horizons that are over once so many bins are; and those that still wait. A
    target that was reached was so by every horizon that waits: those before it are decided."""
    served, left = [], []
    for prediction in given:
        waiting = {}
        for name, chance in prediction.chances.items():
            if ends[name] <= ended:
                served.append(_served(prediction, name, chance, float(is_reached)))
            else:
                waiting[name] = chance
        if waiting:
            left.append(
                GivenPrediction(
                    prediction.landmark, waiting, prediction.tier, prediction.model_version
                )
            )
    return served, tuple(left)


def _served(given: GivenPrediction, horizon: str, predicted: float, outcome: float) -> Served:
    return Served(
        landmark=given.landmark,
        horizon=horizon,
        predicted=predicted,
        tier=given.tier,
        model_version=given.model_version,
        outcome=outcome,
    )


def _release_steps(
    state: Prospect, facts: InstallFacts, value: ValueTarget, release: Release
) -> tuple[TargetProgress, list[Example]]:
    """Examples of the steps until a bucket ends, with the amounts after each landmark in it."""
    progress = state.progress[VALUE]
    end = value.steps[release.until]
    horizon = next((name for name, at in value.horizons.items() if at == end), "")
    total = state.spent_until(end)
    examples = []
    for step in range(progress.released, release.until):
        before, until = (state.spent_until(edge) for edge in value.steps[step : step + 2])
        example = _example(state, facts, VALUE, (step, until > before, [], []))
        examples.append(structs.replace(example, amount_micros=until - before, spent_micros=before))
    starts = [0, *value.bucket_ends][value.bucket_ends.index(end)]
    at_risk = [one for one in state.frozen if LANDMARKS[one.landmark].after_ms < end]
    examples[-1] = structs.replace(
        examples[-1],
        snapshots=at_risk,
        amounts_micros=[total - state.spent_until(max(starts, _age(one))) for one in at_risk],
        served=[_served(one, horizon, one.chances[horizon], total / 1e6) for one in progress.given]
        if horizon
        else [],
    )
    if release.until + 1 == len(value.steps):
        return TARGET_OVER, examples
    return structs.replace(progress, released=release.until), examples


def _age(frozen: Frozen) -> int:
    return LANDMARKS[frozen.landmark].after_ms


def _example(
    state: Prospect,
    facts: InstallFacts,
    target: str,
    outcome: tuple[int, bool, list[Frozen], list[Served]],
) -> Example:
    bin_, label, snapshots, served = outcome
    return Example(
        target=target,
        install_id=facts.install_id,
        app_id=facts.app_id,
        platform=facts.platform,
        country_code=facts.country_code,
        media_source=state.media_source,
        bin=bin_,
        label=label,
        matured_at=state.release_due,
        snapshots=snapshots,
        served=served,
    )
