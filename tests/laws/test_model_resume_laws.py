"""A learner that was written down and read back goes on as if nothing had happened."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from online_models import checkpoints, snapshots
from online_models.learner import Learner, LearnerRules, Publication, Refusal
from online_models.payer import Scorer
from tests.unit import model_world

RULES = LearnerRules(first_publication=100, publish_every=150, window=400, golden_max=64)
EXAMPLES = model_world.examples(300, seed=11)
PROBES = [example.features for example in model_world.examples(40, seed=12)]
SNAPSHOT = snapshots.dump_scorer(7, -2.5, {"a": 0.1, "b": -3.0, "ü": 1e-300})

Verdicts = list[Publication | Refusal]


def _uninterrupted() -> tuple[Learner, Verdicts]:
    learner = Learner(RULES)
    return learner, learner.learn(EXAMPLES)


def _restored(learner: Learner) -> Learner:
    restored = checkpoints.load_learner(checkpoints.dump_learner(learner), RULES)
    assert isinstance(restored, Learner)
    return restored


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, len(EXAMPLES)), max_size=4), st.booleans())
def test_checkpoint_plus_tail_equals_the_uninterrupted_run_bit_for_bit(
    cuts: list[int], restarts: bool
) -> None:
    whole, expected = _uninterrupted()
    learner, verdicts = Learner(RULES), Verdicts()
    bounds = [0, *sorted(cuts), len(EXAMPLES)]

    for start, end in pairwise(bounds):
        verdicts += learner.learn(EXAMPLES[start:end])
        if restarts:
            learner = _restored(learner)

    assert repr(verdicts) == repr(expected)  # NaN equals NaN when printed.
    assert checkpoints.dump_learner(learner) == checkpoints.dump_learner(whole)
    for probe in PROBES:
        assert learner.model.predict_proba_one(probe) == whole.model.predict_proba_one(probe)


@given(st.integers(0, len(SNAPSHOT.content) - 1), st.integers(0, 255))
def test_an_altered_byte_never_gives_another_model(place: int, byte: int) -> None:
    altered = bytearray(SNAPSHOT.content)
    altered[place] = byte

    loaded = snapshots.load_scorer(bytes(altered))

    assert isinstance(loaded, snapshots.Unusable) or loaded == snapshots.load_scorer(
        SNAPSHOT.content
    )


@given(st.integers(0, len(SNAPSHOT.content) - 1))
def test_a_truncated_snapshot_is_unusable(length: int) -> None:
    assert isinstance(snapshots.load_scorer(SNAPSHOT.content[:length]), snapshots.Unusable)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_unusable(content: bytes) -> None:
    assert isinstance(snapshots.load_scorer(content), snapshots.Unusable)
    assert isinstance(checkpoints.load_learner(content, RULES), snapshots.Unusable)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, st.dictionaries(st.text(), finite))
def test_any_finite_model_survives_the_round_trip(
    intercept: float, weights: dict[str, float]
) -> None:
    version, content = snapshots.dump_scorer(42, intercept, weights)

    loaded = snapshots.load_scorer(content)

    assert loaded == Scorer(version, 42, intercept, weights)


@given(st.dictionaries(st.text(), st.floats()), finite)
def test_a_score_is_strictly_between_0_and_1_or_none(
    features: dict[str, float], intercept: float
) -> None:
    scorer = Scorer("v", 1, intercept, dict.fromkeys(features, 1.0))

    probability = scorer.score(features)

    assert probability is None or 0.0 < probability < 1.0
