"""Bad input for models has a defined outcome and is counted: no crash, no silent corruption."""

from __future__ import annotations

import hashlib
import math
import struct
from collections import Counter
from typing import Any

import pytest
from msgspec import msgpack, structs

from online_models.features.features import FEATURES_CODE_VERSION
from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import NAMES_MAX
from online_models.hazard.model import Ask, HazardModel, HazardRow
from online_models.hazard.persistence import HAZARD_SCORER, dump_hazard_model, dump_hazard_scorer
from online_models.learning.target_learner import TargetLearner
from online_models.persistence.envelope import Envelope
from online_models.scoring.shrunk_rates import dump_rates
from online_models.scoring.tiers import CONSTANT_VERSION
from online_models.targets.targets import VALUE
from schemas.records import (
    OUTCOMES_ALONE,
    Example,
    ExampleFrame,
    Frozen,
    ModelMarker,
    Served,
    frame_encoder,
)
from schemas.records import example_frames as frames_of
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.learning.learning import Learning
from streams.stages.learning.rules import LearningRules
from tests.worlds import hazard_world, learner_world
from tests.worlds.clock import HOUR, NOON
from tests.worlds.records import RULES, installed, purchase, refund, routed
from tests.worlds.stage_world import Fed, Row, rows

SCORER = dump_hazard_scorer(HazardModel())
NOT_NUMBERS = (math.nan, math.inf, -math.inf, 101.0, 1e300)
YEAR_MS = 365 * DAY_MS


class Counting(StageObserver):
    def __init__(self) -> None:
        self.counted: Counter[tuple[str, ...]] = Counter()

    def on_gate(self, model: str, verdict: str) -> None:
        self.counted[model, verdict] += 1

    def on_skipped(self, model: str, rows: int) -> None:
        self.counted["skipped", model] += rows

    def on_evicted(self, bound: str, count: int) -> None:
        self.counted["evicted", bound] += count


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_a_row_with_a_feature_that_is_no_number_leaves_the_model_as_it_was(value: float) -> None:
    model = hazard_world.learned(500)
    before = dump_hazard_model(model)
    bad = HazardRow({"x": value, "y": 1.0}, 0, 0, True, "ios")
    assert math.isnan(model.learn_one(bad))
    assert model.counts.skipped == 1
    model.counts.skipped = 0
    assert dump_hazard_model(model) == before
    assert model.score({"x": value}, 0) is None
    assert model.scorer.counts.unusable == 1


def test_categories_nobody_has_seen_are_answered_like_none() -> None:
    model = hazard_world.learned(3_000)
    unseen = {"campaign=\ud800": 1.0, "country=" + "x" * 10_000: 1.0, "": 1.0}
    answer = model.score(unseen, 0, platform="toaster")
    assert answer is not None
    assert 0.0 < answer["d1"] <= answer["d7"] <= answer["d30"] < 1.0


def test_a_million_campaign_names_take_no_more_room_than_a_few() -> None:
    model = HazardModel(hazard_world.SMALL)
    for first in range(0, 1_000_000, 50_000):
        names = range(first, first + 50_000)
        model.score_many([Ask({f"campaign={name}": 1.0}, 0) for name in names])
        model.learn([HazardRow({f"campaign={first + n}": 1.0}, 0, 0, n == 0) for n in range(500)])
    assert model.scorer.encoder.forgotten == 1_000_000 // NAMES_MAX
    in_full = model.memory.z.nbytes + model.memory.n.nbytes + 4 * model.rules.slots
    assert len(dump_hazard_model(model)) < in_full + 20_000
    assert model.score({"campaign=1": 1.0}, 0) is not None


def reopened(
    schema: str = HAZARD_SCORER.schema, code: int = FEATURES_CODE_VERSION, body: bytes = b""
) -> bytes:
    content = msgpack.decode(SCORER.content, type=Envelope)
    own = body or content.body
    return msgpack.encode(Envelope(schema, code, hashlib.sha256(own).digest(), own))


def with_nan() -> bytes:
    """A well-formed snapshot, checksum and all, of a model that has no numbers."""
    model = hazard_world.learned(50, HazardModel().rules)
    model.scorer.weights.bias[0, 0] = math.nan
    return dump_hazard_scorer(model).content


BROKEN = {
    "empty": b"",
    "rubbish": b"\x93\x01\x02\x03",
    "truncated": SCORER.content[: len(SCORER.content) // 2],
    "one byte short": SCORER.content[:-1],
    "altered": SCORER.content[:-20] + bytes([SCORER.content[-20] ^ 1]) + SCORER.content[-19:],
    "code version": reopened(code=FEATURES_CODE_VERSION + 1),
    "schema": reopened(schema="hazard/scorer/0"),
    "body": reopened(body=b"\x90"),
    "not numbers": with_nan(),
    "a pickle": b"\x80\x05K\x01.",
}


def journeys(contents: dict[str, bytes], observer: StageObserver) -> Fed:
    scorers = Scorers(contents.get, observer, ScoringRules())
    return Fed(Journeys(0, 1, RULES, scorers, observer))


def of_payer(effects: Effects) -> list[Row]:
    return [row for row in rows(effects, "predictions") if row["target"] == "payer"]


@pytest.mark.parametrize("broken", BROKEN)
def test_with_a_snapshot_that_cannot_be_used_the_next_tier_answers(broken: str) -> None:
    observer = Counting()
    stage = journeys({"payer-1": BROKEN[broken], "sound": SCORER.content}, observer)
    effects = stage.journeys(ModelMarker("payer", "payer-1", LogMs(NOON)), installed(lookups=0))
    (row,) = of_payer(effects)
    assert (row["tier"], row["model_version"]) == ("constant", CONSTANT_VERSION)
    assert row["tier_reason"] != ""
    assert 0.0 < row["probability"] < 1.0
    assert observer.counted["payer", "unusable"] == 1

    mended = stage.journeys(
        ModelMarker("payer", "sound", LogMs(NOON)), installed(install_id="i2", lookups=0)
    )
    assert [row["tier"] for row in of_payer(mended)] == ["full"]


@pytest.mark.parametrize("model", ["payer/rates", VALUE, "credit"])
def test_a_broken_snapshot_of_any_model_is_refused_and_counted(model: str) -> None:
    observer = Counting()
    stage = journeys({"broken": b"rubbish"}, observer)
    effects = stage.journeys(ModelMarker(model, "broken", LogMs(NOON)), installed(lookups=0))
    assert [row["tier"] for row in of_payer(effects)] == ["constant"]
    assert {key for key in observer.counted if key[-1] == "unusable"} == {(model, "unusable")}


def test_a_snapshot_of_another_shape_or_kind_is_no_model() -> None:
    learner = TargetLearner("payer", learner_world.RULES)
    observer = Counting()
    stage = journeys({"rates": dump_rates(learner.rates)}, observer)
    stage.journeys(ModelMarker("payer", "rates", LogMs(NOON)), installed(lookups=0))
    assert observer.counted["payer", "unusable"] == 1


def reported(effects: Effects) -> list[Example]:
    frames = [frames_of.decode(m.value or b"") for m in effects.messages.get(("examples", 0), [])]
    found = [one for frame in frames for one in frame.records]
    return [one for one in found if isinstance(one, Example) and one.target == "payer"]


def clock(ms_after_noon: int) -> dict[str, int]:
    return {"matching-0": NOON + ms_after_noon}


def test_a_label_that_comes_before_its_prediction_is_no_prediction_come_true() -> None:
    """The payment is known before the install is: nobody is asked, and nobody is praised."""
    stage = journeys({}, StageObserver())
    paid = routed(purchase(install_id="i1", minutes=10, ts=0))
    stage.journeys(paid, watermarks=clock(0))
    effects = stage.journeys(installed(ts=2 * HOUR, lookups=0), watermarks=clock(2 * HOUR_MS))
    assert all(row["landmark"] == "install" for row in of_payer(effects))
    examples = reported(stage.journeys(watermarks=clock(2 * DAY_MS)))
    assert [(one.bin, one.label) for one in examples if one.bin != OUTCOMES_ALONE] == [(0, True)]
    assert {one.landmark for example in examples for one in example.snapshots} == {0}
    assert all(one.landmark == 0 for example in examples for one in example.served)


def test_payments_and_refunds_that_contradict_each_other_give_one_label() -> None:
    stage = journeys({}, StageObserver())
    stage.journeys(installed(lookups=0), watermarks=clock(0))
    first = purchase(install_id="i1", minutes=10)
    back = refund("r1", 20, transaction_id=first.transaction_id)
    again = purchase("t2", install_id="i1", minutes=30)
    stage.journeys(routed(first), routed(first), routed(back), routed(again), routed(again))
    examples = reported(stage.journeys(watermarks=clock(2 * DAY_MS)))
    assert [(one.bin, one.label) for one in examples if one.bin != OUTCOMES_ALONE] == [(0, True)]


def example(**changed: Any) -> Example:
    return structs.replace(learner_world.examples(1)[0], **changed)


def learning(observer: StageObserver) -> Fed:
    return Fed(Learning(1, LearningRules({"payer": learner_world.RULES}), observer))


def fed(stage: Fed, *examples: Example) -> Effects:
    stage.offset += 1
    frame = frame_encoder.encode(ExampleFrame({}, [*examples]))
    return stage.decide([MemoryRecord("examples", 0, stage.offset, NOON, None, frame)])


def packed(*values: float) -> Frozen:
    slots = struct.pack(f"<{len(values)}I", *range(len(values)))
    return Frozen(0, slots, struct.pack(f"<{len(values)}f", *values))


BAD_EXAMPLES: dict[str, dict[str, Any]] = {
    "no bin of the target": {"bin": PAYER.bins},
    "a bin below all": {"bin": -1},
    "a landmark that nobody has": {"snapshots": [Frozen(6, b"", b"")]},
    "a landmark after its bin": {"bin": 0, "snapshots": [Frozen(5, b"", b"")]},
    "not a number": {"snapshots": [packed(1.0, math.nan)]},
    "infinite": {"snapshots": [packed(math.inf)]},
    "slots cut off": {"snapshots": [Frozen(0, b"\x01\x02\x03", b"\x00\x00\x80?")]},
    "values cut off": {"snapshots": [Frozen(0, b"\x01\x00\x00\x00", b"")]},
    "a slot beyond all": {"snapshots": [Frozen(0, b"\xff\xff\xff\xff", b"\x00\x00\x80?")]},
}


@pytest.mark.parametrize("bad", BAD_EXAMPLES)
def test_an_example_that_cannot_be_learned_is_counted_and_leaves_the_weights(bad: str) -> None:
    observer = Counting()
    stage = learning(observer)
    assert isinstance(stage.stage, Learning)
    learner = stage.stage._targets.learners["payer"]
    assert isinstance(learner, TargetLearner)
    model = learner.model
    before = [array.tobytes() for array in model.memory]
    fed(stage, *[example(**BAD_EXAMPLES[bad])] * learner_world.RULES.block)
    assert observer.counted["skipped", "payer"] == learner_world.RULES.block
    assert [array.tobytes() for array in model.memory] == before


def test_contradictory_labels_are_both_learned_and_the_chance_is_between_them() -> None:
    """A late report may follow the row that denied it."""
    model = HazardModel(hazard_world.SMALL)
    model.learn([HazardRow({"x": 1.0}, 0, 0, bool(n % 2), "ios") for n in range(2_000)])
    answer = model.hazards({"x": 1.0}, 0, "ios")
    assert answer is not None
    assert 0.4 < answer[0] < 0.6
    assert model.counts.skipped == 0


@pytest.mark.parametrize(
    "served",
    [
        Served(0, "d7", math.nan, "full", "v", 1.0),
        Served(0, "d7", 1.5, "full", "v", 0.0),
        Served(0, "d7", 0.5, "full", "v", 0.5),
        Served(99, "", 0.5, "", "", 1.0),
    ],
)
def test_what_was_never_a_prediction_spoils_no_figure(served: Served) -> None:
    stage = learning(StageObserver())
    sound = Served(0, "d7", 0.5, "full", "v", 1.0)
    fed(stage, *[example(served=[served, sound])] * 5)
    later = example(matured_at=learner_world.examples(1)[0].matured_at + 2 * DAY_MS)
    effects = fed(stage, *[later] * 300)
    quality = [row for row in rows(effects, "model-quality") if row["horizon"] == "d7"]
    assert {row["rows"] for row in quality} == {5}
    assert {row["calibration_ratio"] for row in quality} == {0.5}


def test_a_clock_that_jumps_to_another_year_and_back_does_not_stop_versions() -> None:
    rules = structs.replace(learner_world.RULES, publish_interval_ms=HOUR_MS)
    learner = TargetLearner("payer", rules)
    examples = [
        structs.replace(one, matured_at=NOON + number * HOUR_MS)
        for number, one in enumerate(learner_world.examples(600))
    ]
    jumped = structs.replace(examples[300], matured_at=NOON + 70 * YEAR_MS)
    before = learner.learn(examples[:300])
    learner.learn([jumped, *examples[301:310]])
    after = learner.learn(examples[310:])
    assert before
    assert [one.model for one in after].count("payer") >= 2


def test_a_clock_that_jumps_back_leaves_what_was_told_of_quality_whole() -> None:
    stage = learning(StageObserver())
    served = [Served(0, "d7", 0.25, "full", "v", 0.0)]
    base = learner_world.examples(1)[0].matured_at
    ages = [0, 1, 70 * 365, 2, 3, 4]
    effects = [
        fed(stage, *[example(served=served, matured_at=base + day * DAY_MS)] * 200) for day in ages
    ]
    quality = [row for one in effects for row in rows(one, "model-quality")]
    landmarks = [row for row in quality if row["horizon"] == "d7" and row["landmark"]]
    judged = sum(row["rows"] for row in landmarks)
    assert 400 <= judged <= 200 * len(ages)
    assert len({row["quality_id"] for row in quality}) == len(quality)
