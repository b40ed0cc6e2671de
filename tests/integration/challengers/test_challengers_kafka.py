"""River classifiers as challengers in a live worker on real Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deploy.local.servers import KafkaServer
from online_models.challengers.river_challenger import RiverChallenger
from online_models.learning.rules import LearnerRules
from online_models.learning.target_learner import TargetLearner
from online_models.learning.verdicts import Publication
from online_models.targets.target_file import read_targets
from streams.stages.learning.usual_rules import learning_of
from tests.checkout import ROOT
from tests.integration.workers.test_models_kafka import Installation, made_up, published

pytestmark = pytest.mark.kafka
LEARNING = 180.0
"""Seconds for 24,000 rows by four classifiers, on a machine that does other things."""


CHALLENGERS = """
[[target]]
name = "payer"
event = "payment"
edges = ["0h", "1h", "6h", "1d", "2d", "3d", "5d", "7d", "10d", "14d", "21d", "30d"]
horizons = { d1 = "1d" }
headline = "d1"
proven_positives = 50

[[target.challenger]]
name = "ftrl"
estimator = "river.linear_model.LogisticRegression"

[target.challenger.parameters]
intercept_init = -4.0
optimizer = { estimator = "river.optim.FTRLProximal", alpha = 0.05, l2 = 1.0 }

[[target.challenger]]
name = "scaled"
factory = "tests.online_models.challengers.river_estimators:scaled"

[[target.challenger]]
name = "bayes"
estimator = "river.naive_bayes.GaussianNB"

[[target.challenger]]
name = "tree"
estimator = "river.tree.HoeffdingTreeClassifier"
"""
NAMES = [f"payer/challenger/{name}" for name in ("ftrl", "scaled", "bayes", "tree")]


def mapped_by(root: int) -> set[str]:
    """Files that this process and those that it started have mapped."""
    found, parents = set[str](), {root}
    for status in sorted(Path("/proc").glob("[0-9]*/status"), key=lambda one: int(one.parent.name)):
        with suppress(OSError):  # It has ended.
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
            if int(lines["Pid"]) in parents or int(lines["PPid"]) in parents:
                parents.add(int(lines["Pid"]))
                maps = (status.parent / "maps").read_text().split()
                found |= {word for word in maps if word.endswith(".so")}
    return found


@pytest.fixture
def with_river(kafka: KafkaServer, tmp_path: Path) -> Iterator[Installation]:
    targets = tmp_path / "targets.toml"
    targets.write_text(CHALLENGERS)
    settings = {"HEADWATER_TARGETS": str(targets), "PYTHONPATH": str(ROOT)}
    run = Installation(kafka.address, tmp_path, settings=settings)
    run.command("migrate")
    run.start()
    yield run
    run.stop()


def test_four_river_classifiers_learn_in_a_live_worker_and_one_leads_through_a_crash(
    with_river: Installation,
) -> None:
    """A worker that never crashed is played in memory: versions are named by their content."""
    examples = made_up(7_000)
    first, rest = examples[:2_000], examples[2_000:]
    never = TargetLearner("payer", rules_of(CHALLENGERS))
    never.river.clock = time.thread_time

    async def story() -> None:
        await with_river.teach(first)
        never.learn(first)
        assert never.champion is not None
        own = never.champion.name
        await with_river.until(
            lambda rows: own in published(rows), "the newest own version", seconds=LEARNING
        )
        assert with_river.process is not None
        assert any("/river/_river_rust" in one for one in mapped_by(with_river.process.pid))
        version = judged(await with_river.last_of(NAMES))

        await asyncio.to_thread(with_river.promote, version)
        await with_river.until_predicted_by(version)
        with_river.stop()  # SIGKILL
        with_river.start()
        await with_river.teach(rest)
        never.lead("ftrl")
        last = {one.model: one.version for one in never.learn(rest) if isinstance(one, Publication)}
        print({name: cost_of(one) for name, one in never.river.all.items()})
        await with_river.until(
            lambda rows: rows[-1]["version"] == last["payer"], "the same model", seconds=LEARNING
        )
        rows = await with_river.last_of(NAMES)
        assert [rows[name]["version"] for name in NAMES[:2]] == [last[name] for name in NAMES[:2]]
        await with_river.until_predicted_by(last["payer"])

        with_river.command("models", "rollback")
        await with_river.until_predicted_by(version)
        await asyncio.to_thread(with_river.promote, own)
        await with_river.until_predicted_by(own)

    asyncio.run(story())


def judged(rows: dict[str, dict[str, Any]]) -> str:
    """The version of the first that could lead, once all were judged on the same rows."""
    assert [rows[name]["state"] for name in NAMES] == ["kept", "kept", "refused", "refused"]
    assert "above that of rates" in rows[NAMES[2]]["reason"]
    assert "stays in the shadow" in rows[NAMES[3]]["reason"]
    assert len({rows[name]["figures"]["rows"] for name in NAMES}) == 1
    return str(rows[NAMES[0]]["version"])


def rules_of(targets: str) -> LearnerRules:
    rules = learning_of(read_targets(targets)).targets["payer"]
    assert isinstance(rules, LearnerRules)
    return rules


def cost_of(challenger: RiverChallenger) -> str:
    return f"{1e6 * challenger.seconds / challenger.timed_rows:.0f} microseconds a row"
