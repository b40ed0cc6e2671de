"""River classifiers beside the champion: they learn the live log, are judged, lead, and fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from online_models.challengers.declaration import RiverDeclaration, no_clock
from online_models.challengers.target_scorer import load_target_scorer
from online_models.hazard.packed import PackedAsk
from online_models.learning.rules import LearnerRules
from online_models.persistence.envelope import Unusable
from online_models.scoring.tiers import ChanceScorer
from schemas import topics
from schemas.records import CommandKind, Example
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.learning.learning import Learning
from streams.stages.learning.rules import LearningRules
from tests.online_models.challengers import river_estimators
from tests.streams.stages.learning.test_model_orders import frame, of_payer, order
from tests.worlds import learner_world
from tests.worlds.clock import NOON
from tests.worlds.learner_world import HAZARD, RULES
from tests.worlds.stage_world import Fed, rows

EXAMPLES = learner_world.examples(800, seed=5)
SIZE = 20  # examples of a frame

FTRL = RiverDeclaration(
    "ftrl",
    "river.linear_model.LogisticRegression",
    parameters={"optimizer": {"estimator": "river.optim.FTRLProximal", "alpha": 0.1}},
)
SCALED = RiverDeclaration("scaled", factory=f"{river_estimators.PATH}:scaled")
BAYES = RiverDeclaration("bayes", "river.naive_bayes.GaussianNB")
TREE = RiverDeclaration("tree", "river.tree.HoeffdingTreeClassifier")
DECLARED = (FTRL, SCALED, BAYES, TREE)


def with_river(*declared: RiverDeclaration) -> LearnerRules:
    return structs.replace(RULES, river=declared)


class Worker:
    """The learning stage of a worker that can crash and start again from what it stored."""

    def __init__(self, rules: LearnerRules, clock: Callable[[], float] = no_clock) -> None:
        self.rules, self.clock = rules, clock
        self.effects: list[Effects] = []
        self.offset = 0
        self.log: list[MemoryRecord] = []
        self.orders: list[MemoryRecord] = []
        self.fed = self._started(None)

    def _started(self, state: MemoryStore | None) -> Fed:
        rules = LearningRules({"payer": self.rules})
        return Fed(Learning(2, rules, StageObserver(), clock=self.clock), state)

    def restart(self) -> None:
        """Crash: what followed the last checkpoint is read again."""
        committed = max(max(one.positions.values()) for one in self.effects if one.positions)
        self.fed = self._started(self.fed.state)
        self.effects += [self.fed.decide([record]) for record in self.log[committed:]]

    def learn(self, examples: tuple[Example, ...]) -> None:
        for at in range(0, len(examples), SIZE):
            self.read(frame(examples[at : at + SIZE], self.offset))

    def obey(self, kind: CommandKind, model: str, version: str = "") -> None:
        self.read(order(self.offset, kind, model=model, version=version))

    def read(self, record: MemoryRecord) -> None:
        """What the stage writes to its own log follows."""
        self.effects.append(self.fed.decide([record]))
        self.log.append(record)
        self.offset += 1
        for message in self.effects[-1].messages.get((topics.EXAMPLES.name, 0), ()):
            own = MemoryRecord("examples", 0, self.offset, NOON, None, message.value)
            self.orders.append(own)
            self.read(own)

    @property
    def parts(self) -> dict[str, bytes]:
        stage = self.fed.stage
        assert isinstance(stage, Learning)
        return stage._targets.dump({})

    def reported(self, model: str) -> list[dict[str, Any]]:
        return [
            row
            for one in self.effects
            for row in rows(one, topics.MODEL_VERSIONS.name)
            if row["model"] == model
        ]

    def last(self, name: str) -> dict[str, Any]:
        return self.reported(f"payer/challenger/{name}")[-1]

    def kept(self, name: str) -> str:
        """The newest version that could be promoted."""
        rows = self.reported(f"payer/challenger/{name}")
        return next(str(row["version"]) for row in reversed(rows) if row["state"] == "kept")

    @property
    def live(self) -> str:
        return of_payer(self.effects)[-1]

    def scorer(self, version: str) -> ChanceScorer | Unusable:
        """As a partition of journeys loads it."""
        from streams.runtime.snapshots import SnapshotShelf

        shelf = SnapshotShelf()
        for one in self.effects:
            for message in one.messages.get((topics.MODEL_SNAPSHOTS.name, 0), ()):
                assert message.key is not None
                shelf.add(message.key, message.value)
        content = shelf.find(version)
        assert content is not None
        return load_target_scorer(content, HAZARD, self.rules.river)


def test_four_kinds_of_river_classifier_learn_beside_the_champion_and_are_judged_on_its_rows() -> (
    None
):
    worker = Worker(with_river(*DECLARED))
    worker.learn(EXAMPLES[:500])
    seen = {one.name: worker.last(one.name) for one in DECLARED}
    assert {name: row["state"] for name, row in seen.items()} == {
        "ftrl": "kept",
        "scaled": "kept",
        "bayes": "kept",
        "tree": "refused",
    }
    assert "stays in the shadow" in seen["tree"]["reason"]
    of_all = [row["figures"] for row in seen.values()]
    assert len({(one["rows"], one["positives"]) for one in of_all}) == 1
    assert all(one["loss_over_champion_low"] <= one["loss_over_champion_high"] for one in of_all)
    assert all(row["live_version"] == "" for row in seen.values())


def test_the_champion_is_bit_for_bit_what_it_is_without_challengers() -> None:
    alone, beside = Worker(RULES), Worker(with_river(*DECLARED))
    alone.learn(EXAMPLES[:500])
    beside.learn(EXAMPLES[:500])
    assert alone.parts == {
        name: part for name, part in beside.parts.items() if "/river/" not in name
    }
    assert of_payer(alone.effects) == of_payer(beside.effects)


def test_a_restart_changes_nothing_of_plain_challengers_and_lets_others_begin_again() -> None:
    steady, restarted = Worker(with_river(*DECLARED)), Worker(with_river(*DECLARED))
    steady.learn(EXAMPLES[:500])
    for at in range(0, 500, 240):
        restarted.learn(EXAMPLES[at : min(at + 240, 500)])
        restarted.restart()
    is_tree = "targets/payer/river/tree".__eq__
    same, other = (
        {name: part for name, part in one.parts.items() if not is_tree(name)}
        for one in (steady, restarted)
    )
    assert same == other
    assert steady.last("ftrl") == restarted.last("ftrl")
    assert restarted.last("tree")["figures"]["rows"] < steady.last("tree")["figures"]["rows"]


def test_a_challenger_leads_when_promoted_survives_a_restart_and_is_rolled_back() -> None:
    worker = Worker(with_river(FTRL, TREE))
    worker.learn(EXAMPLES[:400])
    before = worker.live
    version = worker.kept("ftrl")
    worker.obey(CommandKind.PROMOTE, "payer", version)
    assert worker.live == version
    worker.restart()
    worker.learn(EXAMPLES[400:])
    newest = worker.live
    assert newest.startswith("payer-")
    assert newest != before
    assert worker.reported("payer")[-1]["contestant"] == "ftrl"
    scorer = worker.scorer(newest)
    assert not isinstance(scorer, Unusable)
    last = EXAMPLES[-1].snapshots[0]
    chances = scorer.score_packed([PackedAsk(last.slots, last.values, 0, "ios")])[0]
    assert chances is not None
    assert 0.0 < chances["d1"] <= chances["d7"] <= chances["d30"] < 1.0
    worker.obey(CommandKind.ROLL_BACK, "payer", before)
    assert worker.live == before


def test_a_challenger_that_is_shown_to_be_better_leads_by_itself() -> None:
    slow = structs.replace(HAZARD, alpha=1e-9, bias_alpha=1e-9, prior=0.6, calibration_memory=0.0)
    rules = structs.replace(
        with_river(FTRL), hazard=slow, challengers=(), promotion_rows=300, promotion_positives=1
    )
    worker = Worker(rules)
    worker.learn(EXAMPLES[:500])
    lead = [row for row in worker.reported("payer") if row["state"] == "lead"]
    assert [row["contestant"] for row in lead] == ["ftrl"]
    assert "log loss lower by" in lead[0]["reason"]
    assert worker.reported("payer")[-1]["contestant"] == "ftrl"


def test_a_leader_that_is_shown_to_be_worse_than_the_champion_falls() -> None:
    turning = RiverDeclaration(
        "turning",
        factory=f"{river_estimators.PATH}:bad",
        parameters={"fault": "turns", "after": 700},
    )
    worker = Worker(with_river(turning))
    worker.learn(EXAMPLES[:300])
    worker.obey(CommandKind.PROMOTE, "payer", worker.kept("turning"))
    worker.learn(EXAMPLES[300:])
    fallen = next(row for row in worker.reported("payer") if row["state"] == "lead")
    assert fallen["contestant"] == "main"
    assert fallen["reason"].startswith("log loss of turning higher by")
    assert worker.reported("payer")[-1]["contestant"] == "main"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("raises", "suspended: RuntimeError: no more rows, please"),
        ("exits", "suspended: SystemExit: 3"),
        ("nan", "suspended: ValueError: it gave nan for a chance"),
        ("above", "suspended: ValueError: it gave 1.5 for a chance"),
        ("below", "suspended: ValueError: it gave -0.1 for a chance"),
        ("grows", "suspended: it holds more than 20000 bytes after"),
        ("hides", "suspended: RuntimeError: not telling"),
    ],
)
def test_a_bad_estimator_is_suspended_alone_in_one_line(fault: str, expected: str) -> None:
    rotten = RiverDeclaration(
        "rotten",
        factory=f"{river_estimators.PATH}:bad",
        parameters={"fault": fault},
        state_bytes=20_000,
    )
    alone, worker = Worker(RULES), Worker(with_river(rotten, FTRL))
    alone.learn(EXAMPLES[:400])
    worker.learn(EXAMPLES[:400])
    suspended = [r for r in worker.reported("payer/challenger/rotten") if r["state"] == "suspended"]
    assert [row["reason"].startswith(expected) for row in suspended] == [True]
    assert "\n" not in suspended[0]["reason"]
    assert of_payer(worker.effects) == of_payer(alone.effects)
    assert worker.last("ftrl")["figures"]["rows"] > suspended[0]["figures"].get("rows", 0.0)
    worker.restart()
    worker.learn(EXAMPLES[400:])
    assert len(worker.reported("payer/challenger/rotten")) == len(suspended)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("nests", "RecursionError"), ("counts", "more than 64 bits"), ("garbles", "no Unicode")],
)
def test_what_cannot_be_stored_stays_in_the_shadow_and_stops_no_checkpoint(
    fault: str, expected: str
) -> None:
    rotten = RiverDeclaration(
        "rotten", factory=f"{river_estimators.PATH}:bad", parameters={"fault": fault}
    )
    alone, worker = Worker(RULES), Worker(with_river(rotten))
    alone.learn(EXAMPLES[:400])
    worker.learn(EXAMPLES[:400])
    assert worker.last("rotten")["state"] == "refused"
    assert expected in worker.last("rotten")["reason"]
    worker.restart()
    assert of_payer(worker.effects) == of_payer(alone.effects)


def test_a_challenger_that_writes_into_its_rows_changes_those_of_no_other() -> None:
    empties = RiverDeclaration(
        "empties", factory=f"{river_estimators.PATH}:bad", parameters={"fault": "empties"}
    )
    alone, beside = Worker(with_river(FTRL)), Worker(with_river(empties, FTRL))
    alone.learn(EXAMPLES[:300])
    beside.learn(EXAMPLES[:300])
    assert beside.last("ftrl") == alone.last("ftrl")


def test_what_grows_fast_is_suspended_after_its_first_block() -> None:
    grows = RiverDeclaration(
        "grows",
        factory=f"{river_estimators.PATH}:bad",
        parameters={"fault": "grows"},
        state_bytes=2_000,
    )
    worker = Worker(with_river(grows))
    worker.learn(EXAMPLES[:400])
    (suspended,) = [r for r in worker.reported("payer/challenger/grows") if r["reason"]]
    assert suspended["figures"]["rows"] < 200


def test_a_leader_that_fails_takes_its_version_out_of_service() -> None:
    rotten = RiverDeclaration(
        "rotten", factory=f"{river_estimators.PATH}:bad", parameters={"fault": "nan", "after": 700}
    )
    worker = Worker(with_river(rotten))
    worker.learn(EXAMPLES[:300])
    worker.obey(CommandKind.PROMOTE, "payer", worker.kept("rotten"))
    worker.learn(EXAMPLES[300:])
    states = [(row["state"], row["contestant"]) for row in worker.reported("payer")]
    at = states.index(("suspended", "rotten"))
    assert worker.reported("payer")[at]["live_version"] == ""
    assert ("published", "main") in states[at:]


def test_a_slow_challenger_is_suspended_by_an_order_that_it_finds_in_the_log() -> None:
    ticks = iter(range(10**9))
    worker = Worker(with_river(FTRL), clock=lambda: float(next(ticks)))
    worker.learn(EXAMPLES)
    assert worker.last("ftrl")["state"] == "suspended"
    assert re.fullmatch(
        r"by hand; a row cost \d+ microseconds, allowed are 2000",
        worker.last("ftrl")["reason"],
    )
    assert len(worker.orders) == 1
    again = Worker(with_river(FTRL))  # Whoever reads the same log later has no clock.
    for record in worker.log:
        again.read(record)
    assert again.parts == worker.parts


def test_a_row_that_waits_for_a_second_is_too_slow_before_a_thousand_rows() -> None:
    ticks = iter(range(10**9))
    worker = Worker(with_river(FTRL), clock=lambda: float(next(ticks)))
    worker.learn(EXAMPLES[:100])
    timed = worker.fed.stage
    assert isinstance(timed, Learning)
    assert len(worker.orders) == 1


def test_what_is_suspended_by_order_learns_nothing_until_it_is_resumed_with_nothing_learned() -> (
    None
):
    worker = Worker(with_river(FTRL))
    worker.learn(EXAMPLES[:300])
    model, rows_before = "payer/challenger/ftrl", worker.last("ftrl")["figures"]["rows"]
    worker.obey(CommandKind.SUSPEND, model)
    worker.learn(EXAMPLES[300:500])
    assert worker.last("ftrl")["state"] == "suspended"
    worker.restart()
    worker.obey(CommandKind.RESUME, model)
    assert worker.last("ftrl")["live_version"] == ""
    worker.learn(EXAMPLES[500:])
    assert 0 < worker.last("ftrl")["figures"]["rows"] < rows_before + 200


def test_a_challenger_takes_all_rows_of_one_install_in_so_many() -> None:
    all_rows, some = Worker(with_river(FTRL)), Worker(with_river(structs.replace(FTRL, one_in=4)))
    all_rows.learn(EXAMPLES)
    some.learn(EXAMPLES)
    share = some.last("ftrl")["figures"]["rows"] / all_rows.last("ftrl")["figures"]["rows"]
    assert 0.15 < share < 0.35


def test_a_version_of_another_declaration_is_not_scored_with() -> None:
    worker = Worker(with_river(FTRL))
    worker.learn(EXAMPLES[:300])
    version = worker.kept("ftrl")
    for declared in ((), (BAYES,), (structs.replace(FTRL, parameters={}),)):
        worker.rules = with_river(*declared)
        assert isinstance(worker.scorer(version), Unusable)
