"""Learning reads examples in order and publishes versions together with their markers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from msgspec import structs

from online_models.credit.gates import CreditGateRules
from online_models.credit.learner import CreditRules
from online_models.credit.persistence import CREDIT
from online_models.learning.gates import GateRules
from online_models.learning.rules import LearnerRules
from schemas import topics
from schemas.records import ExampleFrame, ExampleRecord, ModelMarker, frame_encoder
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.errors import Stop
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.snapshot_messages import model_of
from streams.stages.contract import Effects
from streams.stages.learning.learning import Learning
from streams.stages.learning.parts import STORE_AFTER_EXAMPLES
from streams.stages.learning.rules import LearningRules
from tests.worlds import credit_world, learner_world
from tests.worlds.clock import NOON
from tests.worlds.learner_world import RULES
from tests.worlds.stage_world import Fed, decide_with_crashes, journeyed, records_in, rows

EXAMPLES = learner_world.examples(600, seed=3)
CREDIT_RULES = CreditRules(
    first_publication=100,
    publish_every=70,
    gate=CreditGateRules(9.0, 9.0, 9.0, 0.0, 99.0, installs_min=1),
)
PATHS = credit_world.paths(len(EXAMPLES), seed=4)
MIXED = [one for pair in zip(EXAMPLES, PATHS, strict=True) for one in pair]
NEVER = structs.replace(RULES, first_trial=10**6, first_publication=10**6)


def learning(state: MemoryStore | None = None, rules: LearnerRules = RULES) -> Fed:
    rules_of_all = LearningRules({"payer": rules}, CREDIT_RULES)
    return Fed(Learning(2, rules_of_all, StageObserver()), state)


def frames(examples: Sequence[ExampleRecord], size: int, first: int = 0) -> list[MemoryRecord]:
    values = [
        frame_encoder.encode(ExampleFrame({}, [*examples[at : at + size]]))
        for at in range(0, len(examples), size)
    ]
    return [
        MemoryRecord("examples", 0, first + n, NOON, None, value) for n, value in enumerate(values)
    ]


def versions(effects: list[Effects]) -> list[str]:
    """Marked versions, as the first journeys partition reads them."""
    first = topics.JOURNEYS.name, 0
    return [
        record.version
        for one in effects
        for record in records_in(journeyed(Effects({first: one.messages.get(first, [])})))
        if isinstance(record, ModelMarker)
    ]


def of(model: str, marked: list[str]) -> list[str]:
    return [version for version in marked if model_of(version) == model]


def test_a_version_is_published_together_with_a_marker_for_every_partition() -> None:
    effects = learning().decide(frames(EXAMPLES[:100], 60))
    marked = versions([effects])
    # The challenger is still worse than rates, and stays unpublished.
    assert [model_of(one) for one in marked] == ["payer", "payer/rates"]
    assert len(effects.messages[topics.MODEL_SNAPSHOTS.name, 0]) == 2
    for partition in range(2):
        keys = {message.key for message in effects.messages[topics.JOURNEYS.name, partition]}
        assert keys == {topics.MODEL_MARKER_KEY}
    (reported, *_) = rows(effects, "model-versions")
    assert (reported["state"], reported["version"], reported["live_version"]) == (
        "published",
        *marked[:1] * 2,
    )
    assert (reported["learned_offset"], reported["learned_at"]) == (2, EXAMPLES[99].matured_at)
    assert reported["figures"]["rows"] > 100


def test_the_offset_moves_only_together_with_the_stored_learner() -> None:
    stage = learning(rules=NEVER)
    few = stage.decide(frames(EXAMPLES[:10], 5))
    assert (few.positions, few.changes, few.messages) == ({}, {}, {})
    many = stage.decide(frames(EXAMPLES[10 : 10 + STORE_AFTER_EXAMPLES], 50, first=2))
    assert many.changes
    assert many.positions == {("examples", 0): 6}


def test_versions_do_not_depend_on_batches_or_frames() -> None:
    whole = [learning().decide(frames(EXAMPLES, len(EXAMPLES)))]
    stage = learning()
    single = [stage.decide([line]) for line in frames(EXAMPLES, 1)]
    assert versions(whole) == versions(single)
    assert len(of("payer", versions(whole))) > 4


def test_a_restart_learns_again_from_the_committed_offset_and_says_the_same() -> None:
    undisturbed = learning()
    lines = frames(MIXED, 7)
    expected = versions([undisturbed.decide([line]) for line in lines])
    found = decide_with_crashes(learning, lines)
    assert versions(found) == expected
    assert {model_of(one) for one in expected} >= {"payer", "payer/rates", CREDIT}


def test_two_models_learn_side_by_side_as_if_each_were_alone() -> None:
    both = versions([learning().decide(frames(MIXED, 11))])
    payer = versions([learning().decide(frames(EXAMPLES, 11))])
    credit = versions([learning().decide(frames(PATHS, 11))])
    assert of("payer", both) == of("payer", payer)
    assert of(CREDIT, both) == credit
    assert len(credit) > 2


def test_what_did_not_change_is_not_stored_again() -> None:
    stage = learning(rules=NEVER)
    stage.decide(frames([*EXAMPLES[:10], *PATHS[:200]], 210))
    changes = stage.decide(frames(PATHS[200:400], 200, first=1)).changes
    stored = {key.decode().rsplit("/", 1)[0] for key, _ in stage.state.entries()}
    assert "targets/payer/head" in stored
    assert "credit/block/00000000" in stored
    changed = {key.decode().rsplit("/", 1)[0] for key in changes}
    assert changed >= {"credit/head", "credit/open", "stage"}
    assert not any(name.startswith("targets/") for name in changed)


def test_a_version_that_fails_its_gate_is_not_marked_but_told_of() -> None:
    impossible = GateRules(positives_min=10**9)
    stage = learning(rules=structs.replace(RULES, gate=impossible))
    effects = stage.decide(frames(EXAMPLES[:400], 60))
    assert of("payer", versions([effects])) == []
    reported = [row for row in rows(effects, "model-versions") if row["model"] == "payer"]
    assert {(row["state"], row["live_version"]) for row in reported} == {("refused", "")}
    assert "positives learned, at least 1000000000" in reported[0]["reason"]


def test_where_nothing_outlives_the_worker_the_offset_moves_with_every_batch() -> None:
    """Or writers to a broker that keeps little would wait for examples that nobody can send."""
    rules = LearningRules({"payer": RULES})
    stage = Learning(2, rules, StageObserver(), is_stored=False)
    effects = [Fed(stage).decide([line]) for line in frames(EXAMPLES[:6], size=2)]
    assert [one.positions for one in effects] == [{("examples", 0): n} for n in (1, 2, 3)]
    assert not any(one.changes for one in effects)


@pytest.mark.parametrize("part", ["targets/payer/head", "targets/payer/model/main", "credit/head"])
def test_a_damaged_learner_stops_the_worker_with_one_line(part: str) -> None:
    stage = learning()
    stage.decide(frames(MIXED[:400], 100))
    entries = dict(stage.state.entries())
    packed = bytearray(entries[f"{part}/0000".encode()])
    packed[len(packed) // 2] ^= 1
    stage.state.apply({f"{part}/0000".encode(): bytes(packed)}, 0)
    with pytest.raises(Stop) as stopped:
        learning(stage.state)
    assert "\n" not in str(stopped.value)
    assert "cannot be used" in str(stopped.value)


def test_a_target_that_means_something_else_needs_another_name() -> None:
    stage = learning()
    stage.decide(frames(MIXED[:400], 100))
    other = structs.replace(RULES, hazard=structs.replace(RULES.hazard, prior=0.3))
    with pytest.raises(Stop, match=r"target payer: .*give it a new name"):
        learning(stage.state, other)


def test_rows_of_versions_are_json_of_the_contract() -> None:
    effects = learning().decide(frames(EXAMPLES, 60))
    for message in effects.messages[topics.MODEL_VERSIONS.name, 0]:
        assert msgspec.json.decode(message.value or b"")["schema_version"] == 1


def test_learning_has_passed_what_all_partitions_of_journeys_have() -> None:
    stage = Learning(2, LearningRules({"payer": NEVER}), StageObserver())

    def passed_after(offset: int, **marks: int) -> int:
        watermarks = {name.replace("_", "-"): LogMs(mark) for name, mark in marks.items()}
        value = frame_encoder.encode(ExampleFrame(watermarks, []))
        stage.decide([MemoryRecord("examples", 0, offset, NOON, None, value)], MemoryStore())
        return stage.passed_log_time()

    assert passed_after(0, journeys_0=NOON) == 0
    assert passed_after(1, journeys_1=NOON + HOUR_MS) == NOON
    assert passed_after(2, journeys_0=NOON + DAY_MS) == NOON + HOUR_MS
