"""Measures the learning stage on made-up examples: `python -m tests.benchmarks.bench_learner`.

CPU time of one core, one JSON object. Examples come in frames of a hundred, as journeys write
them; a row is what one bin said of one install to one landmark. The stage learns payers with all
tiers, gates and versions, once without and once with what is stored of it.
"""

from __future__ import annotations

import json
import time

from online_models.hazard.rules import HazardRules
from online_models.learning.rules import rules_for
from online_models.learning.target_learner import TargetLearner
from online_models.targets.targets import DEFAULT_TARGETS
from schemas.records import ExampleFrame, frame_encoder
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.learning.learning import Learning
from streams.stages.learning.usual_rules import learning_of
from tests.worlds import learner_world

EXAMPLES = 50_000
FRAME, BATCH = 100, 20  # examples a frame, frames a decision


def main() -> None:
    examples = learner_world.examples(EXAMPLES, hazard=HazardRules())
    rows = sum(len(one.snapshots) for one in examples)
    frames = [
        frame_encoder.encode(ExampleFrame({}, [*examples[at : at + FRAME]]))
        for at in range(0, EXAMPLES, FRAME)
    ]
    lines = [MemoryRecord("examples", 0, n, 0, None, frame) for n, frame in enumerate(frames)]
    _stage_seconds(lines[:BATCH], is_stored=False)  # compiles
    plain, stored = _stage_seconds(lines, is_stored=False), _stage_seconds(lines, is_stored=True)
    learner = TargetLearner("payer", rules_for())
    learner.learn(examples)
    began = time.process_time()
    parts = learner.dump({})
    dumped = time.process_time() - began
    answer = {
        "examples": EXAMPLES,
        "rows_per_example": rows / EXAMPLES,
        "stage_us_per_example": plain / EXAMPLES * 1e6,
        "stage_us_per_row": plain / rows * 1e6,
        "stage_with_checkpoints_us_per_example": stored / EXAMPLES * 1e6,
        "checkpoint_ms": dumped * 1e3,
        "checkpoint_mb": sum(map(len, parts.values())) / 1e6,
        "log_loss": learner.evidence().log_loss,
    }
    print(json.dumps(answer, indent=2))


def _stage_seconds(lines: list[MemoryRecord], *, is_stored: bool) -> float:
    rules = learning_of(DEFAULT_TARGETS)
    stage, state = Learning(4, rules, StageObserver(), is_stored=is_stored), MemoryStore()
    began = time.process_time()
    for at in range(0, len(lines), BATCH):
        state.apply(stage.decide(lines[at : at + BATCH], state).changes, 0)
    return time.process_time() - began


if __name__ == "__main__":
    main()
