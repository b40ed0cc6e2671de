"""The learner of value: amounts as they mature, gated versions, and a checkpoint that goes on."""

from __future__ import annotations

import random
from functools import cache

import pytest
from msgspec import structs

from online_models.hazard.encoding import Encoder
from online_models.learning.gates import ValueGateRules
from online_models.learning.value_learner import (
    ValueLearner,
    ValueLearnerRules,
    is_valid_value_example,
)
from online_models.learning.verdicts import Publication, Refusal
from online_models.persistence.envelope import Unusable
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import ValueRules
from online_models.value.shape import VALUE_STEPS, bucket_ending_with, rows_of
from schemas.records import Example, Frozen

VALUE = ValueRules(slots=2**10)
RULES = ValueLearnerRules(
    value=VALUE, block=10, first_publication=200, publish_every=200, publish_growth=0.0,
    publish_interval_ms=0, gate=ValueGateRules(margin=0.5),
)  # fmt: skip
EPOCH = 1_790_000_000_000


@cache
def examples(installs: int, seed: int = 1) -> tuple[Example, ...]:
    """Step after step of every install: people from one country spend ten times as much."""
    chance, encoder = random.Random(seed), Encoder(VALUE.slots, VALUE.seed)
    made = []
    for number in range(installs):
        rich = chance.random() < 0.3
        spends = [
            round(1e6 * chance.expovariate(0.1 if rich else 1.0)) if chance.random() < 0.3 else 0
            for _ in VALUE_STEPS
        ]
        packed = encoder.pack({f"country={'US' if rich else 'IN'}": 1.0})
        for step, amount in enumerate(spends):
            bucket = bucket_ending_with(step)
            marks = [] if bucket is None else list(rows_of(step))
            made.append(
                Example(
                    target="value", install_id=f"i{number}", app_id="app", platform="ios",
                    country_code="US" if rich else "IN", media_source="meta", bin=step,
                    label=amount > 0, matured_at=EPOCH + number, amount_micros=amount,
                    spent_micros=sum(spends[:step]),
                    snapshots=[Frozen(mark, *packed) for mark in marks],
                    amounts_micros=[amount for _ in marks],
                )
            )  # fmt: skip
    return tuple(made)


def restored(learner: ValueLearner) -> ValueLearner:
    loaded = ValueLearner(RULES).restored(learner.dump({}))
    assert isinstance(loaded, ValueLearner)
    return loaded


def test_versions_are_published_that_know_who_spends() -> None:
    learner = ValueLearner(RULES)
    verdicts = learner.learn(examples(800))
    assert isinstance(verdicts[-1], Publication)
    figures = verdicts[-1].figures
    assert figures["poisson_loss"] < figures["poisson_loss:constant"]
    assert 0.7 < figures["total_ratio"] < 1.4


@pytest.mark.parametrize("cuts", [(1,), (7, 333), (1999, 2000, 2001)])
def test_it_goes_on_bit_for_bit_from_a_checkpoint(cuts: tuple[int, ...]) -> None:
    log = examples(400)
    whole, cut = ValueLearner(RULES), ValueLearner(RULES)
    expected, found, start = whole.learn(log), [], 0
    for end in (*cuts, len(log)):
        found += cut.learn(log[start:end])
        cut, start = restored(cut), end
    assert found == expected
    assert cut.dump({}) == whole.dump({})


def test_a_version_that_expects_far_too_much_is_refused() -> None:
    strict = structs.replace(RULES, gate=ValueGateRules(ratio_max=0.1, ratio_rows=1))
    verdicts = ValueLearner(strict).learn(examples(200))
    assert all(isinstance(one, Refusal) for one in verdicts)
    # All of them are refusals, as the line above asserts.
    assert "times what came" in verdicts[-1].reason  # type: ignore[union-attr]


@pytest.mark.parametrize("part", ["head", "model", "champion"])
def test_a_damaged_part_is_unusable(part: str) -> None:
    learner = ValueLearner(RULES)
    learner.learn(examples(100))
    parts = learner.dump({})
    loaded = ValueLearner(RULES).restored({**parts, part: parts[part][:-3]})
    assert isinstance(loaded, Unusable)


def test_what_belongs_to_no_step_or_bucket_is_skipped_and_counted() -> None:
    one = next(e for e in examples(5) if e.snapshots)
    wrong = [
        structs.replace(one, bin=99),
        structs.replace(one, snapshots=[Frozen(len(LANDMARKS), b"", b"")], amounts_micros=[0]),
        structs.replace(one, amounts_micros=[]),
    ]
    assert [is_valid_value_example(bad) for bad in [one, *wrong]] == [True, False, False, False]
    learner = ValueLearner(structs.replace(RULES, block=3))
    learner.learn(wrong)
    assert learner.counts.skipped == 3
