"""Which bytes are a hazard model, and which are refused, and why."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from msgspec import msgpack, structs

from online_models.hazard.bins import PAYER, Shape
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from online_models.hazard.persistence import (
    HAZARD_MODEL,
    HazardBody,
    dump_hazard_model,
    dump_hazard_scorer,
    load_hazard_model,
    load_hazard_scorer,
)
from online_models.hazard.scorer import HazardScorer
from online_models.persistence.envelope import Envelope, Unusable, seal
from tests.worlds import hazard_world
from tests.worlds.hazard_world import SMALL

CONTENT = dump_hazard_model(hazard_world.learned(1500))
ROW = hazard_world.rows(1500)[-1]
Body = HazardBody


def reason(content: bytes, rules: HazardRules = SMALL) -> str:
    loaded = load_hazard_model(content, rules)
    assert isinstance(loaded, Unusable)
    return loaded.reason


def altered(change: Callable[[Body], Body]) -> bytes:
    """A model whose body was changed by somebody who can compute checksums."""
    envelope = msgpack.decode(CONTENT, type=Envelope)
    body = change(msgpack.decode(envelope.body, type=Body))
    return seal(HAZARD_MODEL.schema, msgpack.encode(body))[0]


def test_a_scorer_read_back_says_the_same_under_the_same_version() -> None:
    model = hazard_world.learned(1500)
    version, content = dump_hazard_scorer(model)
    scorer = load_hazard_scorer(content, SMALL)

    assert isinstance(scorer, HazardScorer)
    assert scorer.version == version == dump_hazard_scorer(model).version
    for row in hazard_world.rows(1500)[-100:]:
        ask = (row.features, row.landmark, row.platform)
        assert scorer.score(*ask) == model.score(*ask)


def test_only_places_in_use_are_written() -> None:
    few = HazardModel(HazardRules())
    few.learn([HazardRow({"a": 1.0}, 0, 0, True)])

    assert len(dump_hazard_model(few)) < 10_000


def test_a_model_with_every_place_in_use_stays_below_twenty_megabytes() -> None:
    full = HazardModel(HazardRules())
    full.memory.n.fill(1.0)

    assert len(dump_hazard_model(full)) < 20e6


def test_learning_may_go_on_with_other_rates() -> None:
    loaded = load_hazard_model(CONTENT, structs.replace(SMALL, alpha=0.5))

    assert isinstance(loaded, HazardModel)
    assert loaded.rules.alpha == 0.5


def test_a_truncated_model_is_unusable() -> None:
    assert "truncated" in reason(CONTENT[:-1])


def test_another_checksum_is_unusable() -> None:
    envelope = msgpack.decode(CONTENT, type=Envelope)
    broken = msgpack.encode(structs.replace(envelope, checksum=b"\0" * 32))

    assert reason(broken) == "wrong checksum"


def test_another_code_version_is_unusable() -> None:
    envelope = msgpack.decode(CONTENT, type=Envelope)

    assert "code version 99" in reason(msgpack.encode(structs.replace(envelope, code_version=99)))
    assert "hazard/model/" in reason(msgpack.encode(structs.replace(envelope, schema="hazard/0")))


def test_a_scorer_is_no_model() -> None:
    assert "hazard/scorer" in reason(dump_hazard_scorer(hazard_world.learned(1500)).content)


def test_names_hashed_with_another_seed_are_unusable() -> None:
    assert "seed" in reason(CONTENT, structs.replace(SMALL, seed=1))


@pytest.mark.parametrize(
    "rules",
    [
        structs.replace(SMALL, slots=2**11),
        structs.replace(SMALL, prior=0.5),
        structs.replace(SMALL, shape=Shape(PAYER.edges, PAYER.landmarks[:-1], PAYER.horizons)),
    ],
)
def test_another_shape_size_or_prior_is_unusable(rules: HazardRules) -> None:
    assert "shape or size" in reason(CONTENT, rules)


def with_bad_number(body: Body) -> Body:
    numbers = np.frombuffer(body.of_features[0], "<f8").copy()
    numbers[3] = np.nan
    return structs.replace(body, of_features=[numbers.tobytes(), body.of_features[1]])


def with_bad_squares(body: Body) -> Body:
    numbers = -np.frombuffer(body.of_features[1], "<f8")
    return structs.replace(body, of_features=[body.of_features[0], numbers.tobytes()])


def with_place(place: int) -> Callable[[Body], Body]:
    def change(body: Body) -> Body:
        used = np.frombuffer(body.used, "<i4").copy()
        used[-1] = place
        return structs.replace(body, used=used.tobytes())

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_bad_number, "not finite"),
        (with_bad_squares, "negative"),
        (with_place(2**10), "out of range"),
        (with_place(-1), "out of range"),
        (with_place(0), "out of range or order"),
        (lambda body: structs.replace(body, used=body.used[:-1]), "cut off"),
        (lambda body: structs.replace(body, used=b""), "bytes in an array"),
        (lambda body: structs.replace(body, whole=body.whole[:-1]), "arrays, expected"),
        (lambda body: structs.replace(body, platforms=["ios"] * 2), "platforms"),
        (lambda body: structs.replace(body, platforms=[*"abcdefgh"]), "platforms"),
    ],
)
def test_a_model_that_makes_no_sense_is_unusable(change: Callable[[Body], Body], why: str) -> None:
    assert why in reason(altered(change))


def test_a_body_of_another_kind_is_unusable() -> None:
    content, _ = seal(HAZARD_MODEL.schema, msgspec.msgpack.encode({"a": 1}))

    assert "not a hazard model" in reason(content)
