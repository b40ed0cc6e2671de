"""What learning tells of the quality of models and of drift, in log order."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from itertools import chain

import pytest
from msgspec import structs

from online_models.drift.watch import DriftRules
from online_models.learning.evidence import EVIDENCE_TIERS
from online_models.learning.rules import LearnerRules
from online_models.learning.target_learner import TargetLearner
from schemas.records import (
    OUTCOMES_ALONE,
    CommandKind,
    Example,
    ExampleFrame,
    ModelCommand,
    Served,
    frame_encoder,
)
from schemas.time import DAY_MS
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, LogRecord
from streams.stages.learning.learning import Learning
from streams.stages.learning.rules import LearningRules
from tests.worlds import learner_world
from tests.worlds.clock import NOON
from tests.worlds.stage_world import Fed, Row, decide_with_crashes, rows

NEVER = structs.replace(
    learner_world.RULES, first_trial=10**6, first_publication=10**6, challengers=()
)
MIDNIGHT = NOON - NOON % DAY_MS
TOPICS = ("model-quality", "reliability", "drift-alarms")


@cache
def served_examples(count: int) -> tuple[Example, ...]:
    """Each tells the outcome of a prediction; 40 of them a day."""
    chance = random.Random(2)
    return tuple(
        structs.replace(
            one,
            matured_at=MIDNIGHT + number * DAY_MS // 40,
            media_source=f"source-{number % 2}",
            served=[Served(1, "d7", chance.random() / 4, "full", "payer-1", float(one.label))],
        )
        for number, one in enumerate(learner_world.examples(count, seed=3))
    )


def learning(state: MemoryStore | None = None, rules: LearnerRules = NEVER) -> Fed:
    return Fed(Learning(2, LearningRules({"payer": rules}), StageObserver()), state)


def frames(examples: tuple[Example, ...], size: int, first: int = 0) -> list[LogRecord]:
    return [
        MemoryRecord(
            "examples", 0, first + n, NOON, None,
            frame_encoder.encode(ExampleFrame({}, [*examples[at : at + size]])),
        )
        for n, at in enumerate(range(0, len(examples), size))
    ]  # fmt: skip


def reported(effects: list[Effects]) -> list[Row]:
    return [row for one in effects for topic in TOPICS for row in rows(one, topic)]


def ids(effects: list[Effects]) -> list[str]:
    named = ("quality_id", "reliability_id", "alarm_id")
    return [
        next(row[name] for name in reversed(named) if name in row) + repr(sorted(row.items()))
        for row in reported(effects)
    ]


def test_quality_is_told_per_landmark_version_and_source_of_what_was_served() -> None:
    effects = learning().decide(frames(served_examples(400), 5))
    quality_rows = [row for row in rows(effects, "model-quality") if row["horizon"] == "d7"]
    of: Counter[tuple[str, str, str]] = Counter()
    for row in quality_rows:
        of[row["landmark"], row["model_version"], row["media_source"]] += row["rows"]

    # Of ten days the last is not over.
    assert of["1h", "", ""] == of["", "payer-1", ""] == 360
    assert of["", "", "source-0"] == of["", "", "source-1"] == 180
    assert all(row["begin_time"] // DAY_MS == row["end_time"] // DAY_MS for row in quality_rows)


def test_what_came_of_predictions_alone_is_judged_and_teaches_nothing() -> None:
    served = served_examples(200)
    bare = [structs.replace(one, served=[]) for one in served]
    alone = [structs.replace(one, bin=OUTCOMES_ALONE, label=True, snapshots=[]) for one in served]
    interleaved = tuple(one for pair in zip(bare, alone, strict=True) for one in pair)

    stages = [learning(), learning()]
    judged, expected = (
        [row for row in rows(stage.decide(frames(read, 4)), "model-quality")
         if row["horizon"] == "d7"]
        for stage, read in zip(stages, (interleaved, served), strict=True)
    )  # fmt: skip

    assert judged == expected
    assert judged
    learned = [TargetLearner("payer", NEVER), TargetLearner("payer", NEVER)]
    learned[0].learn(interleaved)
    learned[1].learn(bare)
    assert learned[0].dump({}) == learned[1].dump({})
    assert (learned[0].skipped, learned[0].counts.seen) == (0, learned[1].counts.seen)


def test_every_tier_is_judged_on_the_same_rows_before_they_are_learned() -> None:
    effects = learning().decide(frames(served_examples(600), 5))
    of_bins = [row for row in rows(effects, "model-quality") if row["horizon"] == "bin"]
    by_tier: dict[str, Counter[str]] = {tier: Counter() for tier in EVIDENCE_TIERS}
    for row in of_bins:
        by_tier[row["tier"]][row["landmark"]] += row["rows"]

    assert by_tier["full"]["install"] > 100
    assert all(counted == by_tier["full"] for counted in by_tier.values())
    tables = [row for row in rows(effects, "reliability") if row["horizon"] == "bin"]
    assert sum(row["rows"] for row in tables) == 4 * by_tier["full"].total()


def test_what_is_told_depends_on_the_log_alone() -> None:
    lines = frames(served_examples(600), 7)
    at_once = [learning().decide(lines)]
    stage = learning()
    one_by_one = [stage.decide([line]) for line in lines]
    found = decide_with_crashes(learning, lines)

    # What is not yet said is said with the next checkpoint.
    everything = ids(at_once)
    assert len(everything) == len({*everything})
    for answer in (ids(one_by_one), ids(found)):
        assert len({*answer}) > 200
        assert {*answer} <= {*everything}


def shifted(examples: tuple[Example, ...], share: float) -> tuple[Example, ...]:
    """More of them happen: as in a world that changed."""
    chance = random.Random(1)
    return tuple(
        structs.replace(one, label=one.label or chance.random() < share) for one in examples
    )


def test_a_change_raises_an_alarm_and_loosens_the_learner_at_a_place_of_the_log() -> None:
    before, after = served_examples(3_000)[:1_500], shifted(served_examples(3_000)[1_500:], 0.6)
    effects = learning().decide(frames((*before, *after), 300))
    alarms = [row for row in rows(effects, "drift-alarms") if row["kind"] == "residual"]

    assert alarms
    assert {row["response"] for row in alarms} == {"loosened"}
    assert all(row["raised_at"] >= after[0].matured_at for row in alarms)
    assert alarms[0]["mean_after"] > alarms[0]["mean_before"] + 0.1

    deaf = structs.replace(NEVER, drift=DriftRules(delta=1e-300))
    heard, unheard = TargetLearner("payer", NEVER), TargetLearner("payer", deaf)
    for learner in (heard, unheard):
        learner.learn(before)
    assert heard.model.memory.n.tobytes() == unheard.model.memory.n.tobytes()
    for learner in (heard, unheard):
        learner.learn(after)
    assert heard.drift.counts.alarms > unheard.drift.counts.alarms == 0
    assert heard.model.memory.n.tobytes() != unheard.model.memory.n.tobytes()


@pytest.mark.parametrize("kept", [37, 1_500, 2_195])
def test_a_learner_that_watches_for_drift_resumes_bit_for_bit(kept: int) -> None:
    examples = (*served_examples(3_000)[:1_500], *shifted(served_examples(3_000)[1_500:], 0.6))
    whole, first = TargetLearner("payer", NEVER), TargetLearner("payer", NEVER)
    whole.learn(examples)
    first.learn(examples[:kept])
    resumed = first.restored(first.dump({}))
    assert isinstance(resumed, TargetLearner)
    resumed.learn(examples[kept:])

    assert whole.drift.counts.alarms
    assert resumed.dump({}) == whole.dump({})


def test_a_stretch_that_is_learned_again_is_not_told_again() -> None:
    within_days = tuple(
        structs.replace(one, matured_at=NOON + number * DAY_MS // 400)
        for number, one in enumerate(served_examples(1_200))
    )
    lines = frames(within_days, 10)
    order = ModelCommand("order-1", CommandKind.QUARANTINE, "payer", "", 40, 60)
    ordered = MemoryRecord(
        "examples", 0, len(lines), NOON, None, frame_encoder.encode(ExampleFrame({}, [order]))
    )
    stage = learning()
    effects = [stage.decide([line]) for line in lines]
    before = [row for row in reported(effects) if "quality_id" in row]
    stage.decide([ordered])
    missing = stage.stage.missing()  # type: ignore[attr-defined]  # `Stage` has no `missing`; this stage does.
    assert missing is not None
    again = [stage.decide([line]) for line in chain(lines[missing.first : missing.end])]
    again.append(stage.decide([]))

    assert before
    assert [row for row in reported(again) if "quality_id" in row] == []


def test_streams_for_which_there_is_no_room_are_counted() -> None:
    class Counting(StageObserver):
        def __init__(self) -> None:
            self.evicted: Counter[str] = Counter()

        def on_evicted(self, bound: str, count: int) -> None:
            self.evicted[bound] += count

    observer, few = Counting(), structs.replace(NEVER, drift=DriftRules(streams_max=2))
    stage = Fed(Learning(2, LearningRules({"payer": few}), observer))
    stage.decide(frames(served_examples(400), 20))
    # Two sources take the room there is; nothing is watched for all together.
    assert observer.evicted["drift_streams_max"] == 400
