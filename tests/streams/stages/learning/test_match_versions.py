"""The learning stage publishes the live pair model with a marker for every journeys partition."""

from __future__ import annotations

from online_models.pairs.match_model import MATCHES
from online_models.pairs.match_rules import MatchRules
from schemas.records import ExampleFrame, MatchExample, ModelMarker, frame_encoder
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.learning.learning import Learning
from streams.stages.learning.rules import LearningRules
from tests.online_models.pairs.match_world import match_examples
from tests.worlds.clock import NOON
from tests.worlds.stage_world import Fed, decide_with_crashes, journeyed, records_in

EXAMPLES = match_examples(1_400)


def learning(state: MemoryStore | None = None) -> Fed:
    rules = LearningRules({}, match=MatchRules())
    return Fed(Learning(2, rules, StageObserver()), state)


def log(size: int) -> list[MemoryRecord]:
    frames = [EXAMPLES[at : at + size] for at in range(0, len(EXAMPLES), size)]
    return [MemoryRecord("examples", 0, n, NOON, None, _frame(f)) for n, f in enumerate(frames)]


def _frame(records: list[MatchExample]) -> bytes:
    return frame_encoder.encode(ExampleFrame({}, [*records]))


def marked(effects: list[Effects], partition: int) -> list[str]:
    found = (Effects({at: m}) for one in effects for at, m in one.messages.items()
             if at == ("journeys", partition))  # fmt: skip
    return [
        one.version
        for effect in found
        for one in records_in(journeyed(effect))
        if isinstance(one, ModelMarker) and one.model == MATCHES
    ]


def test_every_partition_is_told_the_same_versions_whatever_crashes_and_frames() -> None:
    calm = [learning().decide(log(100))]
    versions = marked(calm, 0)
    assert len(versions) >= 2
    assert marked(calm, 1) == versions
    restless = decide_with_crashes(learning, log(70))
    assert list(dict.fromkeys(marked(restless, 0))) == versions
