"""The whole learner as bytes, so that it goes on bit for bit where it was."""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct, msgpack

from online_models.gates import Trial
from online_models.landmarks import TARGET
from online_models.learner import Counts, Learner, LearnerRules
from online_models.payer import coordinates_of, restored_river_model
from online_models.snapshots import Unusable, load_scorer, packed, seal, unpacked, unseal
from schemas.records import Example

LEARNER_SCHEMA = f"{TARGET}/learner/1"


class _LearnerBody(Struct, frozen=True, array_like=True):
    counts: Counts
    rates: dict[str, tuple[int, int]]
    intercept: float
    rows_learned: int
    names: list[str]
    coordinates: bytes  # weight, z, n of each name
    trials: bytes  # label, learner, base, champion of each
    golden: list[dict[str, float]]
    group: list[Example]
    champion: bytes  # b"": none
    previous: bytes  # b"": the champion


_encoder = msgpack.Encoder()
_bodies = msgpack.Decoder(_LearnerBody)


def dump_learner(learner: Learner) -> bytes:
    coordinates = coordinates_of(learner.model)
    body = _LearnerBody(
        counts=learner.counts,
        rates=learner.rates,
        intercept=learner.model.intercept,
        rows_learned=learner.model.optimizer.n_iterations,
        names=list(coordinates),
        coordinates=packed(number for row in coordinates.values() for number in row),
        trials=packed(float(number) for trial in learner.trials for number in trial),
        golden=learner.golden,
        group=learner.group,
        champion=learner.champion_content,
        previous=b"" if learner.previous is learner.champion else learner.previous_content,
    )
    return seal(LEARNER_SCHEMA, _encoder.encode(body))[0]


def load_learner(content: bytes, rules: LearnerRules) -> Learner | Unusable:
    """The learner in `content`, going on under `rules`."""
    opened = unseal(LEARNER_SCHEMA, content)
    if isinstance(opened, Unusable):
        return opened
    try:
        body = _bodies.decode(opened.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Unusable(f"body is not a learner: {error}")
    learner = Learner(rules)
    return _restore_model(learner, body) or _restore_versions(learner, body) or learner


def _restore_model(learner: Learner, body: _LearnerBody) -> Unusable | None:
    numbers, trials = unpacked(body.coordinates), unpacked(body.trials)
    if numbers is None or len(numbers) != 3 * len(body.names):
        return Unusable("three numbers for every name expected")
    if trials is None or len(trials) % 4:
        return Unusable("four numbers for every trial expected")
    if not (math.isfinite(body.intercept) and all(map(math.isfinite, numbers))):
        return Unusable("weights are not finite")
    rows = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    coordinates = dict(zip(body.names, rows, strict=True))
    learner.model = restored_river_model(body.intercept, body.rows_learned, coordinates)
    columns = (trials[::4], trials[1::4], trials[2::4], trials[3::4])
    learner.trials.extend(
        Trial(bool(label), own, base, champion)
        for label, own, base, champion in zip(*columns, strict=True)
    )
    learner.counts, learner.rates = body.counts, body.rates
    learner.golden, learner.group = body.golden, body.group
    return None


def _restore_versions(learner: Learner, body: _LearnerBody) -> Unusable | None:
    if body.champion:
        champion = load_scorer(body.champion)
        if isinstance(champion, Unusable):
            return Unusable(f"live version inside is unusable: {champion.reason}")
        learner.champion, learner.champion_content = champion, body.champion
    learner.previous, learner.previous_content = learner.champion, learner.champion_content
    if body.previous:
        previous = load_scorer(body.previous)
        if isinstance(previous, Unusable):
            return Unusable(f"version tried last inside is unusable: {previous.reason}")
        learner.previous, learner.previous_content = previous, body.previous
    return None
