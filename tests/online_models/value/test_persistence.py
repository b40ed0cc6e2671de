"""Value models as bytes: they go on bit for bit, and nothing wrong is believed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from online_models.persistence.envelope import Envelope, Unusable, seal
from online_models.value.model import ValueModel, ValueRow
from online_models.value.persistence import (
    VALUE_MODEL,
    VALUE_SCORER,
    dump_value_model,
    dump_value_scorer,
    load_value_model,
    load_value_scorer,
)
from online_models.value.scorer import ValueScorer
from online_models.value.shape import VALUE_STEPS, bucket_ending_with, rows_of
from tests.online_models.value.value_world import RICH, SMALL, history, install, learned, teach


def test_a_model_goes_on_bit_for_bit_where_it_was() -> None:
    reported = history(200)
    model = ValueModel(SMALL)
    teach(model, reported[:700])
    restored = load_value_model(dump_value_model(model), SMALL)
    assert isinstance(restored, ValueModel)
    teach(model, reported[700:])
    teach(restored, reported[700:])
    assert dump_value_model(restored) == dump_value_model(model)


def test_a_weight_of_zero_has_no_sign() -> None:
    """Where the first amount is what was expected. A row of zeros is not stored: it comes back
    without signs, and the resumed model would not be the same bit for bit."""
    model = ValueModel(SMALL)
    for step in (at for at in range(len(VALUE_STEPS)) if bucket_ending_with(at) is not None):
        bucket = bucket_ending_with(step) or 0
        marks = rows_of(step)
        model.learn(
            [ValueRow(*install(RICH), mark, bucket, 5.0, 0.0, "ios", "i") for mark in marks]
        )
    weights = model.scorer.amounts.w
    assert not np.signbit(weights[weights == 0]).any()


def test_a_scorer_says_what_the_model_says() -> None:
    model = learned(300)
    snapshot = dump_value_scorer(model)
    scorer = load_value_scorer(snapshot.content, SMALL)
    assert isinstance(scorer, ValueScorer)
    assert scorer.version == snapshot.version == dump_value_scorer(learned(300)).version
    for landmark in range(6):
        asked = (*install(RICH), landmark, 7.0, "ios")
        assert scorer.score_packed(*asked) == model.scorer.score_packed(*asked)


def _resealed(schema: str, place: int, value: object) -> bytes:
    """With one element of the body replaced, and a checksum that fits again."""
    content = (
        dump_value_model(learned(50))
        if schema == VALUE_MODEL.schema
        else dump_value_scorer(learned(50))[1]
    )
    body = msgspec.msgpack.decode(msgspec.msgpack.decode(content, type=Envelope).body)
    body[place] = value
    return seal(schema, msgspec.msgpack.encode(body))[0]


@pytest.mark.parametrize("schema", [VALUE_MODEL.schema, VALUE_SCORER.schema])
@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, "other", "shape or size"),
        (1, 3, "seed"),
        (2, "text", "not a value model"),
        (4, ["ios", "ios"], "one twice"),
        (5, b"123", "cut off"),
        (5, b"\xff\xff\xff\x7f", "range"),
        (6, [], "0 arrays"),
        (7, [b"12345678"], "1 arrays"),
    ],
)
def test_what_is_wrong_inside_is_unusable(
    schema: str, place: int, value: object, reason: str
) -> None:
    content = _resealed(schema, place, value)
    load = load_value_model if schema == VALUE_MODEL.schema else load_value_scorer
    found = load(content, SMALL)
    assert isinstance(found, Unusable)
    assert reason in found.reason


def test_truncated_altered_or_another_schema_is_unusable() -> None:
    whole = dump_value_model(learned(50))
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 1
    for content in (b"", whole[:-1], bytes(altered), dump_value_scorer(learned(50)).content):
        assert isinstance(load_value_model(content, SMALL), Unusable)


def test_weights_that_are_not_numbers_are_unusable() -> None:
    model = learned(50)
    model.scorer.amounts.bias[0, 0] = float("nan")
    found = load_value_model(dump_value_model(model), SMALL)
    assert found == Unusable("weights are not finite")
