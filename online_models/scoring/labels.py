"""Releases labels of an install, bin by bin, as its life passes.

The outcome of a bin is released some time after its end (`releases`), at the same age for installs
that reached the target and for those that did not. If payers were released first, a learner would
see hardly anyone else for the first week, and too many of them after every rise in traffic: on
simulated traffic a first model then predicted 15 times too many payers.

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
from schemas.records import Example, Frozen, Served


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
            if not (followed := progress.get(target.name, TARGET_OVER)).is_over
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
            if not followed.is_over and schedule.releases[followed.released].age <= age:
                progress[target.name], released = _release_bins(state, facts, target, schedule)
                examples += released
        value = progress.get(VALUE, TARGET_OVER)
        if not value.is_over:
            release = self._value_releases[value.released]
            if release.age <= age:
                progress[VALUE], released = _release_steps(state, facts, self._value, release)
                examples += released
        due = self.next_due(progress, facts.installed_at)
        return structs.replace(state, progress=progress, release_due=due), examples


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
        served, given = _outcomes(given, schedule.ends, bin_, is_over=label)
        starts = target.shape.edges[bin_]
        at_risk = [one for one in state.frozen if _age(one) <= starts]
        examples.append(_example(state, facts, target.name, (bin_, label, at_risk, served)))
    if is_over or until == target.shape.bins:
        return TARGET_OVER, examples
    return TargetProgress(until, False, progress.seen, given), examples


def _outcomes(
    given: tuple[GivenPrediction, ...], ends: dict[str, int], bin_: int, *, is_over: bool
) -> tuple[list[Served], tuple[GivenPrediction, ...]]:
    """Predictions whose outcome is known now, and those that still wait: all are known once the
    target is reached, else those of the horizon that ends with the bin."""
    if not is_over and bin_ + 1 not in ends.values():
        return [], given
    served, left = [], []
    for prediction in given:
        waiting = {}
        for name, chance in prediction.chances.items():
            if is_over or ends[name] == bin_ + 1:
                outcome = float(is_over and bin_ < ends[name])
                served.append(_served(prediction, name, chance, outcome))
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
