"""A learner that was written down and read back goes on as if nothing had happened."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from online_models.hazard.checkpoint import MODEL_SCHEMA
from online_models.learning import snapshots, target_learner_parts
from online_models.learning.registry import Known, Registry, closest
from online_models.learning.snapshots import Unusable
from online_models.learning.target_learner import Learner
from online_models.learning.verdicts import Verdict
from tests.worlds import learner_world
from tests.worlds.learner_world import RULES

EXAMPLES = learner_world.examples(700, seed=11)


def _restored(learner: Learner) -> Learner:
    loaded = target_learner_parts.load_learner(
        "payer", target_learner_parts.dump_learner(learner), RULES
    )
    assert isinstance(loaded, Learner)
    return loaded


WHOLE = Learner("payer", RULES)
EXPECTED = WHOLE.learn(EXAMPLES)
PARTS = target_learner_parts.dump_learner(WHOLE)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, len(EXAMPLES)), max_size=4), st.booleans())
def test_checkpoint_plus_tail_equals_the_uninterrupted_run_bit_for_bit(
    cuts: list[int], restarts: bool
) -> None:
    learner = Learner("payer", RULES)
    verdicts: list[Verdict] = []
    for start, end in pairwise([0, *sorted(cuts), len(EXAMPLES)]):
        verdicts += learner.learn(EXAMPLES[start:end])
        if restarts:
            learner = _restored(learner)
    assert verdicts == EXPECTED
    assert target_learner_parts.dump_learner(learner) == PARTS


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(PARTS)), st.integers(0, 10**6), st.integers(1, 255))
def test_an_altered_byte_never_gives_another_learner(part: str, place: int, turned: int) -> None:
    altered = bytearray(PARTS[part])
    altered[place % len(altered)] ^= turned
    loaded = target_learner_parts.load_learner("payer", {**PARTS, part: bytes(altered)}, RULES)
    assert isinstance(loaded, Unusable)
    assert "\n" not in loaded.reason


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(PARTS)), st.integers(0, 10**6))
def test_a_truncated_part_is_unusable(part: str, length: int) -> None:
    cut = PARTS[part][: length % len(PARTS[part])]
    assert isinstance(
        target_learner_parts.load_learner("payer", {**PARTS, part: cut}, RULES), Unusable
    )


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_missing_part_is_unusable(part: str) -> None:
    others = {name: content for name, content in PARTS.items() if name != part}
    assert isinstance(target_learner_parts.load_learner("payer", others, RULES), Unusable)


def test_parts_of_another_target_code_or_shape_are_unusable() -> None:
    of_other = target_learner_parts.load_learner("retention", PARTS, RULES)
    assert isinstance(of_other, Unusable)
    assert "target 'payer'" in of_other.reason
    resealed = snapshots.seal(MODEL_SCHEMA, b"")[0]
    assert isinstance(
        target_learner_parts.load_learner("payer", {**PARTS, "model/main": resealed}, RULES),
        Unusable,
    )
    larger = structs.replace(RULES, hazard=structs.replace(RULES.hazard, slots=2**11))
    assert isinstance(target_learner_parts.load_learner("payer", PARTS, larger), Unusable)


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=60))
def test_what_is_thinned_out_is_neither_the_oldest_nor_the_newest(times: list[int]) -> None:
    ordered = sorted(times)
    assert 0 < closest(ordered, range(len(ordered))) < len(ordered) - 1


@given(st.integers(1, 200), st.sampled_from([1, 60_000, 3_600_000]))
def test_a_registry_is_bounded_and_keeps_the_live_version_and_some_of_the_past(
    count: int, step_ms: int
) -> None:
    registry = Registry()
    gone: list[str] = []
    for number in range(count):
        known = Known(f"payer-{number}-x", number, number * step_ms, "main", 1)
        registry.publish("payer", known)
        gone += [one.version for one in registry.forget("payer")]
    kept = [one.version for one in registry.of("payer").versions]
    assert len(kept) <= 24
    assert sorted([*kept, *gone]) == sorted(f"payer-{number}-x" for number in range(count))
    assert registry.of("payer").live == kept[-1] == f"payer-{count - 1}-x"
    numbers = [int(version.split("-")[1]) for version in kept]
    assert numbers[0] == 0, "something to go back far"
    assert numbers[-3:] == [*range(count)][-3:]
