"""Learning reads examples in order and publishes versions together with their markers."""

from __future__ import annotations

from collections.abc import Sequence

from online_models.credit.gates import CreditGateRules
from online_models.credit.learner import CreditRules
from online_models.credit.snapshots import CREDIT
from online_models.gates import GateRules
from online_models.landmarks import TARGET
from online_models.learner import LearnerRules
from schemas import topics
from schemas.records import ExampleFrame, ExampleRecord, ModelMarker, encoder
from streams.snapshots import model_of
from streams.stage import Effects
from streams.stages.learning import STORE_AFTER_EXAMPLES, Learning, LearningRules
from streams.state import MemoryStore
from tests.silent_observer import SilentObserver
from tests.unit import credit_world, model_world
from tests.unit.attribution_world import NOON
from tests.unit.stage_world import Fed, Line, journeyed, records_in

LENIENT = GateRules(10.0, 10.0, 10.0, 100.0, 100.0)
RULES = LearnerRules(first_publication=40, publish_every=40, window=200, gate=LENIENT)
EXAMPLES = model_world.examples(120, seed=3)
CREDIT_RULES = CreditRules(
    first_publication=100,
    publish_every=70,
    gate=CreditGateRules(9.0, 9.0, 9.0, 0.0, 99.0, installs_min=1),
)
PATHS = credit_world.paths(len(EXAMPLES), seed=4)
MIXED = [one for pair in zip(EXAMPLES, PATHS, strict=True) for one in pair]


def learning(state: MemoryStore | None = None, rules: LearnerRules = RULES) -> Fed:
    return Fed(Learning(2, LearningRules(rules, CREDIT_RULES), SilentObserver()), state)


def frames(examples: Sequence[ExampleRecord], size: int, first: int = 0) -> list[Line]:
    values = [
        encoder.encode(ExampleFrame({}, [*examples[at : at + size]]))
        for at in range(0, len(examples), size)
    ]
    return [Line("examples", 0, first + n, NOON, None, value) for n, value in enumerate(values)]


def versions(effects: list[Effects]) -> list[str]:
    """Marked versions, as the first journeys partition reads them."""
    first = topics.JOURNEYS.name, 0
    return [
        record.version
        for one in effects
        for record in records_in(journeyed(Effects({first: one.messages.get(first, [])})))
        if isinstance(record, ModelMarker)
    ]


def models(marked: list[str]) -> set[str]:
    return {model_of(version) for version in marked}


def test_a_version_is_published_together_with_a_marker_for_every_partition() -> None:
    (effects,) = [learning().decide(frames(EXAMPLES[:60], 60))]
    assert len(effects.messages[topics.MODEL_SNAPSHOTS.name, 0]) == 1
    for partition in range(2):
        (marker,) = effects.messages[topics.JOURNEYS.name, partition]
        assert marker.key == topics.MODEL_MARKER_KEY


def test_the_offset_moves_only_together_with_the_stored_learner() -> None:
    stage = learning(rules=LearnerRules(first_publication=10**6))
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
    assert len(versions(whole)) > 2


def test_a_restart_learns_again_from_the_committed_offset_and_says_the_same() -> None:
    undisturbed = learning()
    lines = frames(MIXED, 7)
    expected = versions([undisturbed.decide([line]) for line in lines])
    stage, found, committed = learning(), [], 0
    for number, line in enumerate(lines):
        effects = stage.decide([line])
        found.append(effects)
        committed = max(effects.positions.values(), default=committed)
        if number % 5 == 4:  # crash: what was learned since the commit is lost
            stage = learning(stage.state)
            found += [stage.decide([again]) for again in lines[committed : number + 1]]
    assert versions(found) == expected
    assert models(expected) == {TARGET, CREDIT}


def test_two_models_learn_side_by_side_as_if_each_were_alone() -> None:
    both = versions([learning().decide(frames(MIXED, 11))])
    payer = versions([learning().decide(frames(EXAMPLES, 11))])
    credit = versions([learning().decide(frames(PATHS, 11))])

    assert [version for version in both if model_of(version) == TARGET] == payer
    assert [version for version in both if model_of(version) == CREDIT] == credit
    assert len(credit) > 2


def test_what_did_not_change_is_not_stored_again() -> None:
    stage = learning(rules=LearnerRules(first_publication=10**6))
    stage.decide(frames(PATHS[:200], 200))
    changes = stage.decide(frames(PATHS[200:280], 80, first=1)).changes

    stored = dict(stage.state.entries())
    assert {key.decode().rsplit("/", 1)[0] for key in changes} == {
        "credit/head",
        "credit/open",
        "credit/block/00000002",
    }
    assert b"credit/block/00000000/0000" in stored
    assert b"payer_d7/0000" in stored


def test_a_version_that_fails_its_gate_is_not_marked() -> None:
    impossible = GateRules(entropy_over_base=0.0)
    effects = learning(rules=LearnerRules(first_publication=40, gate=impossible)).decide(
        frames(EXAMPLES[:60], 60)
    )
    assert effects.messages == {}


def test_where_nothing_outlives_the_worker_the_offset_moves_with_every_batch() -> None:
    """Or writers to a broker that keeps little would wait for examples that nobody can send."""
    stage = Learning(2, LearningRules(RULES), SilentObserver(), is_stored=False)
    effects = [Fed(stage).decide([line]) for line in frames(EXAMPLES[:6], size=2)]
    assert [one.positions for one in effects] == [{("examples", 0): n} for n in (1, 2, 3)]
    assert not any(one.changes for one in effects)
