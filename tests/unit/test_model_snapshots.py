"""Snapshots of models: what makes them usable."""

from __future__ import annotations

import math
import struct

import msgspec
import pytest

from online_models import checkpoints, snapshots
from online_models.features import CODE_VERSION
from online_models.learner import Learner, LearnerRules
from online_models.payer import Scorer
from online_models.snapshots import SCORER_SCHEMA, Unusable
from tests.unit import model_world


def _sealed(*body: object) -> bytes:
    return snapshots.seal(SCORER_SCHEMA, msgspec.msgpack.encode(body))[0]


def test_a_version_names_the_target_the_examples_and_the_content() -> None:
    version, content = snapshots.dump_scorer(2000, -3.0, {"a": 1.0})

    assert version.startswith("payer_d7-2000-")
    assert snapshots.dump_scorer(2000, -3.0, {"a": 1.0}) == (version, content)
    assert snapshots.dump_scorer(2000, -3.0, {"a": 1.1}).version != version


def test_a_loaded_model_scores_like_the_river_model_it_was_taken_from() -> None:
    learner = Learner(LearnerRules())
    learner.learn(model_world.examples(150, seed=2))

    scorer = snapshots.load_scorer(learner.snapshot().content)

    assert isinstance(scorer, Scorer)
    for example in model_world.examples(20, seed=3):
        assert scorer.score(example.features) == pytest.approx(
            learner.model.predict_proba_one(example.features)[True], rel=1e-12
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a snapshot"),
        (snapshots.seal("payer_d7/scorer/0", b"")[0], "schema 'payer_d7/scorer/0'"),
        (_sealed(1, -3.0), "body is not a scorer"),
        (_sealed(1, -3.0, ["a"], b"1234567"), "as many weights as names"),
        (_sealed(1, -3.0, ["a", "b"], bytes(8)), "as many weights as names"),
        (_sealed(1, -3.0, ["a", "a"], bytes(16)), "occurs twice"),
        (_sealed(1, -3.0, ["a"], struct.pack("<d", math.nan)), "not finite"),
        (_sealed(1, math.inf, ["a"], bytes(8)), "not finite"),
    ],
)
def test_an_unusable_snapshot_says_why(content: bytes, reason: str) -> None:
    loaded = snapshots.load_scorer(content)

    assert isinstance(loaded, Unusable)
    assert reason in loaded.reason


def test_a_snapshot_of_other_feature_code_is_unusable() -> None:
    envelope = snapshots.Envelope(SCORER_SCHEMA, CODE_VERSION + 1, b"", b"")

    loaded = snapshots.load_scorer(msgspec.msgpack.encode(envelope))

    assert loaded == Unusable(f"code version {CODE_VERSION + 1}, expected {CODE_VERSION}")


def test_a_changed_body_fails_its_checksum() -> None:
    content = snapshots.dump_scorer(1, -3.0, {"abcdef": 1.0}).content

    assert snapshots.load_scorer(content.replace(b"abcdef", b"abcdeg")) == Unusable(
        "wrong checksum"
    )


def test_a_learner_is_not_taken_for_a_model_nor_the_other_way_round() -> None:
    learner = Learner(LearnerRules())

    assert isinstance(snapshots.load_scorer(checkpoints.dump_learner(learner)), Unusable)
    assert isinstance(
        checkpoints.load_learner(learner.snapshot().content, LearnerRules()), Unusable
    )
