"""What people order about models is carried out where it stands in the log of examples."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from online_models.learning.rules import LearnerRules
from schemas import topics
from schemas.records import (
    CommandKind,
    Example,
    ExampleFrame,
    ModelCommand,
    ModelMarker,
    frame_encoder,
)
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, OffsetRange, RereadsInput
from streams.stages.learning.learning import Learning
from streams.stages.learning.parts import BASE_AGE_MS_MAX, BASE_EVERY_MS, BASES_MAX
from streams.stages.learning.rules import LearningRules
from tests.streams.stages.learning.test_learning import of, versions
from tests.worlds import learner_world
from tests.worlds.clock import NOON
from tests.worlds.learner_world import RULES
from tests.worlds.stage_world import Fed, journeyed, records_in, rows

EXAMPLES = learner_world.examples(1500, seed=5)
SIZE = 10  # examples of a frame
POISON = range(60, 72)  # offsets of frames whose labels are turned round


def frame(examples: tuple[Example, ...] | list[Example], offset: int) -> MemoryRecord:
    value = frame_encoder.encode(ExampleFrame({}, [*examples]))
    return MemoryRecord("examples", 0, offset, NOON, None, value)


def order(offset: int, kind: CommandKind, **fields: Any) -> MemoryRecord:
    command = ModelCommand(f"c{offset}", kind, fields.pop("model", "payer"), **fields)
    return MemoryRecord(
        "examples", 0, offset, NOON, None, frame_encoder.encode(ExampleFrame({}, [command]))
    )


class Story:
    """A learning stage and its log; restarted from its state whenever `restarts` says so."""

    def __init__(self, *, restarts: bool = False, rules: LearnerRules = RULES) -> None:
        self.rules, self.restarts = rules, restarts
        self.log: list[MemoryRecord] = []
        self.effects: list[Effects] = []
        self.stage = self._started(None)

    def _started(self, state: MemoryStore | None) -> Fed:
        rules = LearningRules({"payer": self.rules})
        return Fed(Learning(2, rules, StageObserver()), state)

    def read(self, *lines: MemoryRecord) -> list[Effects]:
        self.log += lines
        before = len(self.effects)
        self._decide(list(lines))
        return self.effects[before:]

    def _decide(self, lines: list[MemoryRecord]) -> None:
        self.effects.append(self.stage.decide(lines))
        self._look_back()

    def _look_back(self) -> None:
        late: list[MemoryRecord] = []  # of the batch that the crash undid
        looked = 0
        while (stretch := self._missing()) is not None:
            if self.restarts and not looked:
                self.stage = self._started(self.stage.state)
                committed = max(self.effects[-1].positions.values())
                late = [one for one in self.log if committed <= one.offset < stretch.end]
                stretch = self._missing() or stretch
            looked += 1
            wanted = [one for one in self.log if stretch.first <= one.offset < stretch.end]
            self.effects.append(self.stage.decide(wanted[:7]))
        if late:
            self._decide(late)

    def _missing(self) -> OffsetRange | None:
        assert isinstance(self.stage.stage, RereadsInput)
        return self.stage.stage.missing()

    @property
    def learner(self) -> dict[str, bytes]:
        stage = self.stage.stage
        assert isinstance(stage, Learning)
        return stage._targets.dump({})

    @property
    def live(self) -> str:
        """What the first partition scores with."""
        return of_payer(self.effects)[-1]

    def reported(self) -> list[dict[str, Any]]:
        return [
            row
            for one in self.effects
            for row in rows(one, topics.MODEL_VERSIONS.name)
            if row["model"] == "payer"
        ]


def of_payer(effects: list[Effects]) -> list[str]:
    """What partitions were told to score payers with."""
    first = topics.JOURNEYS.name, 0
    return [
        record.version
        for one in effects
        for record in records_in(journeyed(Effects({first: one.messages.get(first, [])})))
        if isinstance(record, ModelMarker) and record.model == "payer"
    ]


def clean(offset: int) -> MemoryRecord:
    return frame(EXAMPLES[offset * SIZE : (offset + 1) * SIZE], offset)


def poisoned(offset: int) -> MemoryRecord:
    turned = [
        structs.replace(one, label=not one.label)
        for one in EXAMPLES[offset * SIZE : (offset + 1) * SIZE]
    ]
    return frame(turned, offset)


def history(count: int) -> list[MemoryRecord]:
    return [poisoned(n) if n in POISON else clean(n) for n in range(count)]


def test_a_roll_back_takes_effect_at_once_and_holds_until_the_model_is_resumed() -> None:
    story = Story()
    story.read(*(clean(n) for n in range(40)))
    *_, before, live = of_payer(story.effects)
    (effects,) = story.read(order(40, CommandKind.ROLL_BACK, reason="looks odd"))
    assert of_payer([effects]) == [before]
    assert effects.positions == {("examples", 0): 41}
    (reported,) = rows(effects, "model-versions")
    assert (reported["state"], reported["live_version"], reported["is_held"]) == (
        "rolled_back",
        before,
        True,
    )
    assert (reported["command_id"], reported["reason"]) == ("c40", "looks odd")
    later = (frame(EXAMPLES[n * 10 : n * 10 + 10], n + 1) for n in range(40, 60))
    assert of_payer(story.read(*later)) == []
    assert {row["state"] for row in story.reported()[-2:]} == {"kept"}
    (resumed,) = story.read(order(61, CommandKind.RESUME))
    newest = [row["version"] for row in story.reported() if row["state"] == "kept"][-1]
    assert of_payer([resumed]) == [newest] != [live]


def test_roll_back_to_a_version_by_name_and_to_one_that_nobody_has() -> None:
    story = Story()
    story.read(*(clean(n) for n in range(60)))
    first = of_payer(story.effects)[0]
    story.read(order(60, CommandKind.ROLL_BACK, version=first))
    assert story.live == first
    story.read(order(61, CommandKind.ROLL_BACK, version="payer-1-00000000"))
    assert story.reported()[-1]["state"] == "ignored"
    assert story.reported()[-1]["live_version"] == first


def test_a_suspended_model_scores_nothing_until_it_is_resumed() -> None:
    story = Story()
    story.read(*(clean(n) for n in range(40)))
    live = story.live
    story.read(order(40, CommandKind.SUSPEND))
    assert story.live == ""
    story.read(order(41, CommandKind.RESUME))
    assert story.live == live


def test_who_is_promoted_leads_from_then_on() -> None:
    story = Story()
    story.read(*(clean(n) for n in range(40)))
    (challenger, *_) = of("payer/challenger", versions(story.effects))
    story.read(order(40, CommandKind.PROMOTE, version=challenger))
    assert story.live == challenger
    later = [frame(EXAMPLES[n * 10 : n * 10 + 10], n + 1) for n in range(40, 55)]
    story.read(*later)
    published = [row for row in story.reported() if row["state"] == "published"]
    assert published[-1]["contestant"] == "fast"
    assert story.live == published[-1]["version"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_poisoned_stretch_in_quarantine_gives_the_model_that_never_saw_it(
    restarts: bool,
) -> None:
    story = Story(restarts=restarts)
    for line in history(90):
        story.read(line)
    poison = {row["version"] for row in story.reported() if POISON.start < row["learned_offset"]}
    clean_before = [
        row["version"]
        for row in story.reported()
        if row["state"] == "published" and row["learned_offset"] <= POISON.start
    ][-1]
    ordered = order(
        90, CommandKind.QUARANTINE, first_offset=POISON.start, last_offset=POISON.stop - 1
    )
    effects = story.read(ordered, clean(91))
    assert of_payer(effects[:1]) == [clean_before], "the last clean version scores at once"

    never = Story()
    for line in history(92):
        if line.offset not in POISON and line.offset != 90:
            never.read(line)
    assert story.learner == never.learner
    assert story.live == never.live
    assert story.live not in poison
    assert [row["state"] for row in story.reported()[-3:]] == [
        "withdrawn", "quarantined", "learned_again"
    ]  # fmt: skip


def test_a_stretch_older_than_all_that_is_kept_is_not_put_in_quarantine() -> None:
    story = Story()
    story.read(frame(EXAMPLES[:10], 7))  # Retention has taken what was before.
    story.read(order(8, CommandKind.QUARANTINE, first_offset=2, last_offset=4))
    assert story.reported()[-1]["state"] == "ignored"
    assert "offset 2" in story.reported()[-1]["reason"]


def test_bases_are_kept_an_hour_of_log_time_apart_and_bounded() -> None:
    """However long the log: a few states from before, the older the further apart."""
    hours = [
        structs.replace(one, matured_at=EXAMPLES[0].matured_at + n * 1_200_000)
        for n, one in enumerate(EXAMPLES[:1000])
    ]
    story = Story()
    for n in range(100):
        story.read(frame(hours[n * 10 : n * 10 + 10], n))
    stage = story.stage.stage
    assert isinstance(stage, Learning)
    times = [base.time for base in stage._head.bases]
    assert 3 <= len(times) <= BASES_MAX
    assert all(later - earlier >= BASE_EVERY_MS for earlier, later in pairwise(times))
    assert times[-1] - times[0] <= BASE_AGE_MS_MAX
    keys = [key.decode() for key, _ in story.stage.state.entries()]
    kept = {key.split("/")[1] for key in keys if key.startswith("base/")}
    assert kept == {str(base.offset) for base in stage._head.bases if base.chunks}
