"""Whatever is ordered about models, and wherever a worker crashes: the log alone decides."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import CommandKind
from streams.replay.memory_log import MemoryRecord
from streams.stages.learning.learning import Learning
from tests.streams.stages.learning.test_model_orders import EXAMPLES, SIZE, Story, frame, order

ORDERS = [
    CommandKind.ROLL_BACK, CommandKind.SUSPEND, CommandKind.RESUME, CommandKind.RESUME,
    CommandKind.PROMOTE, CommandKind.QUARANTINE,
]  # fmt: skip


class Crashing(Story):
    """Falls back to its last checkpoint now and then, and reads on from the committed offset."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(restarts=chance.random() < 0.5)
        self.chance = chance
        self.committed = 0

    def live_through(self, lines: list[MemoryRecord]) -> None:
        at = 0
        self.log = lines
        while at < len(lines):
            some = self.chance.randrange(1, 6)
            before = len(self.effects)
            self._decide(lines[at : at + some])
            for effects in self.effects[before:]:
                self.committed = max(self.committed, *effects.positions.values(), 0)
            at = min(at + some, len(lines))
            if self.chance.random() < 0.2:
                self.stage = self._started(self.stage.state)
                at = self.committed
                self._look_back()


def history(chance: random.Random, count: int) -> list[MemoryRecord]:
    lines: list[MemoryRecord] = []
    at = 0
    for offset in range(count):
        if offset > 15 and chance.random() < 0.12:
            lines.append(_order(chance, offset))
        else:
            lines.append(frame(EXAMPLES[at : at + SIZE], offset))
            at += SIZE
    return lines


def _order(chance: random.Random, offset: int) -> MemoryRecord:
    kind = chance.choice(ORDERS)
    model = chance.choice(["payer", "payer", "payer/rates"])
    if kind is CommandKind.QUARANTINE:
        first = chance.randrange(offset)
        return order(
            offset, kind, first_offset=first, last_offset=first + chance.randrange(6), model="payer"
        )
    return order(offset, kind, model=model)


def outcome(story: Story) -> tuple[dict[str, bytes], dict[str, tuple[str, bool]]]:
    stage = story.stage.stage
    assert isinstance(stage, Learning)
    histories = stage._book.registry.histories
    return story.learner, {name: (one.live, one.is_held) for name, one in histories.items()}


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32))
def test_crashes_change_neither_what_was_learned_nor_what_is_live(seed: int) -> None:
    lines = history(random.Random(seed), 60)
    calm = Story()
    for line in lines:
        calm.read(line)
    crashing = Crashing(random.Random(seed + 1))
    crashing.live_through(lines)
    assert outcome(crashing) == outcome(calm)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32))
def test_a_learner_knows_nothing_of_any_stretch_in_quarantine(seed: int) -> None:
    lines = history(random.Random(seed), 60)
    story = Story()
    for line in lines:
        story.read(line)
    stage = story.stage.stage
    assert isinstance(stage, Learning)
    stretches = stage._head.quarantine
    never = Story()
    for line in lines:
        is_example = line.offset not in _offsets_of_orders(lines)
        if is_example and not any(first <= line.offset <= last for first, last in stretches):
            never.read(line)
    assert story.learner == never.learner


def _offsets_of_orders(lines: list[MemoryRecord]) -> set[int]:
    return {line.offset for line in lines if len(line.value or b"") < 200}
