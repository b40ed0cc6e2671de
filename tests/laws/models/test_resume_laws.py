"""A learner that was written down and read back goes on as if nothing had happened."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from online_models.hazard.persistence import HAZARD_MODEL
from online_models.learning.registry import KnownVersion, Registry, most_redundant
from online_models.learning.target_learner import TargetLearner
from online_models.learning.verdicts import Verdict
from online_models.persistence.envelope import Unusable, seal
from tests.worlds import learner_world
from tests.worlds.learner_world import RULES

EXAMPLES = learner_world.examples(700, seed=11)


def _restored(learner: TargetLearner) -> TargetLearner:
    loaded = TargetLearner("payer", RULES).restored(learner.dump({}))
    assert isinstance(loaded, TargetLearner)
    return loaded


WHOLE = TargetLearner("payer", RULES)
EXPECTED = WHOLE.learn(EXAMPLES)
PARTS = WHOLE.dump({})


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, len(EXAMPLES)), max_size=4), st.booleans())
def test_checkpoint_plus_tail_equals_the_uninterrupted_run_bit_for_bit(
    cuts: list[int], restarts: bool
) -> None:
    learner = TargetLearner("payer", RULES)
    verdicts: list[Verdict] = []
    for start, end in pairwise([0, *sorted(cuts), len(EXAMPLES)]):
        verdicts += learner.learn(EXAMPLES[start:end])
        if restarts:
            learner = _restored(learner)
    assert verdicts == EXPECTED
    assert learner.dump({}) == PARTS


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(PARTS)), st.integers(0, 10**6), st.integers(1, 255))
def test_an_altered_byte_never_gives_another_learner(part: str, place: int, turned: int) -> None:
    altered = bytearray(PARTS[part])
    altered[place % len(altered)] ^= turned
    loaded = TargetLearner("payer", RULES).restored({**PARTS, part: bytes(altered)})
    assert isinstance(loaded, Unusable)
    assert "\n" not in loaded.reason


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(PARTS)), st.integers(0, 10**6))
def test_a_truncated_part_is_unusable(part: str, length: int) -> None:
    cut = PARTS[part][: length % len(PARTS[part])]
    assert isinstance(TargetLearner("payer", RULES).restored({**PARTS, part: cut}), Unusable)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_missing_part_is_unusable(part: str) -> None:
    others = {name: content for name, content in PARTS.items() if name != part}
    assert isinstance(TargetLearner("payer", RULES).restored(others), Unusable)


def test_parts_of_another_target_code_or_shape_are_unusable() -> None:
    of_other = TargetLearner("retention", RULES).restored(PARTS)
    assert isinstance(of_other, Unusable)
    assert "target 'payer'" in of_other.reason
    resealed = seal(HAZARD_MODEL.schema, b"")[0]
    assert isinstance(
        TargetLearner("payer", RULES).restored({**PARTS, "model/main": resealed}),
        Unusable,
    )
    larger = structs.replace(RULES, hazard=structs.replace(RULES.hazard, slots=2**11))
    assert isinstance(TargetLearner("payer", larger).restored(PARTS), Unusable)


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=60))
def test_what_is_thinned_out_is_neither_the_oldest_nor_the_newest(times: list[int]) -> None:
    ordered = sorted(times)
    assert 0 < most_redundant(ordered, range(len(ordered))) < len(ordered) - 1


@given(st.integers(1, 200), st.sampled_from([1, 60_000, 3_600_000]))
def test_a_registry_is_bounded_and_keeps_the_live_version_and_some_of_the_past(
    count: int, step_ms: int
) -> None:
    registry = Registry()
    gone: list[str] = []
    for number in range(count):
        known = KnownVersion(f"payer-{number}-x", number, number * step_ms, "main", 1)
        registry.publish("payer", known)
        gone += [one.version for one in registry.drop_surplus("payer")]
    kept = [one.version for one in registry.of("payer").versions]
    assert len(kept) <= 24
    assert sorted([*kept, *gone]) == sorted(f"payer-{number}-x" for number in range(count))
    assert registry.of("payer").live == kept[-1] == f"payer-{count - 1}-x"
    numbers = [int(version.split("-")[1]) for version in kept]
    assert numbers[0] == 0, "something to go back far"
    assert numbers[-3:] == [*range(count)][-3:]
