"""The laws that every seed has to keep; each check names the law it found broken."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from schemas import topics
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.contract import CLOCK_KEY, Message, TopicPartition
from streams.stages.factory import StageRules
from streams.stages.separate.guard import GuardedStage
from streams.store.tables import TABLES
from tests.simulation.oracle import projection
from tests.simulation.oracle.attribution import Credited
from tests.simulation.oracle.forgotten_names import agree_without_names
from tests.simulation.oracle.oracle import Truth
from tests.simulation.oracle.projection import Converged, Tables
from tests.simulation.scenarios.apple_postbacks import counted
from tests.simulation.scenarios.scenario import Scenario
from tests.simulation.topology.lane import SPEC_OF, Disk, LaneId
from tests.simulation.topology.log import GROUP, Log
from tests.simulation.topology.machines import SNAPSHOTS, factory
from tests.simulation.topology.storing_worker import Row
from tests.simulation.topology.topology import Topology, lane_ids

SHOWN_MAX = 2_000
"""Characters of each thing that differs: a model's bytes would fill the screen."""


class LawBrokenError(AssertionError):
    """Says which law, and what was found instead."""


def demand(holds: bool, law: str, *found: Any) -> None:
    if not holds:
        raise LawBrokenError("\n  ".join([law, *(str(one)[:SHOWN_MAX] for one in found)]))


def same(law: str, found: Any, expected: Any) -> None:
    """Compare bags, dicts or lists and show only where they differ."""
    if found == expected or agree_without_names(found, expected):
        return
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = [k for k in {**found, **expected} if found.get(k) != expected.get(k)]
        lines = [f"{k}: found {found.get(k)}, expected {expected.get(k)}" for k in keys[:5]]
    else:
        lines = [f"found {found}", f"expected {expected}"]
    demand(False, law, *lines)


def check_oracle(found: Converged, truth: Truth) -> None:
    """The waterfall and the ways of money equal a naive scan."""
    decided = {name: credited(row) for name, row in found["attributions"].items()}
    same("oracle: credit", decided, truth.credits)
    same("oracle: revenue", found["revenue"], truth.revenue)
    same("oracle: parked", found["parked"], truth.parked)
    same("oracle: dead letters", found["dead_letters"], sorted(truth.dead_letters))
    same("accounting: dispositions", dict(found["ledger"]), dict(truth.ledger))


def credited(row: Row) -> Credited:
    return Credited(
        row["touch_id"],
        row["match_type"],
        row["conversion_type"],
        row["status"],
        row["prior_install_id"],
        (row["fraud_status"], row["fraud_reason"]),
        (row["rejected_touch_id"], row["rejected_reason"]),
        row["conversion_time"],
        row["expires_at"],
    )


def check_accounting(stored: Tables, scenario: Scenario, log: Log | None = None) -> None:
    """Every source offset has exactly one final disposition, also those of a log that is gone."""
    fates = projection.final_dispositions(stored["ledger"])
    sent = {
        (*tp, place)
        for tp, messages in scenario.sources.items()
        for place, message in zip(_places(tp, messages, log), messages, strict=True)
        if message.key != CLOCK_KEY
    }
    same("accounting: offsets", set(fates), sent)
    unclear = {place: fate for place, fate in fates.items() if "+" in fate}
    demand(not unclear, "accounting: several final dispositions", unclear)


def _places(tp: TopicPartition, messages: Sequence[Message], log: Log | None) -> Sequence[int]:
    return range(len(messages)) if log is None else [one.offset for one in log.history(tp)]


def check_conservation(stored: Tables, truth: Truth) -> None:
    """attributed + parked + expired = distinct payments - refunds, per currency."""
    found: Counter[str] = Counter()
    for row in stored["revenue"]:
        found[row["currency"]] += row["amount_micros"]
    for _, amount in projection.parked_amounts(stored):
        micros, _, currency = amount.partition(" ")
        if currency:
            found[currency] += int(micros)
    same("conservation", {k: v for k, v in found.items() if v},
         {k: v for k, v in truth.payments.items() if v})  # fmt: skip


def check_postbacks(stored: Tables, truth: Truth) -> None:
    """Copies count once, and what nobody signed counts apart."""
    same("oracle: postbacks", counted(stored["postback-rows"]), truth.postbacks)


def check_versions(stored: Tables) -> None:
    """Outcome ids are unique, versions have no gaps, and no answer of matching went missing."""
    for topic, name in (("attributions", "attribution_id"), ("revenue", "booking_id"),
                        ("parked", "parked_id"), ("predictions", "prediction_id"),
                        ("features", "feature_id"), ("fraud-verdicts", "verdict_id"),
                        ("credits", "credit_id"), ("exposures", "path_id")):  # fmt: skip
        repeats = {k: n for k, n in Counter(row[name] for row in stored[topic]).items() if n > 1}
        demand(not repeats, f"crash: {topic} says the same id twice", repeats)
    versions: dict[str, list[int]] = {}
    for row in stored["attributions"]:
        versions.setdefault(row["conversion_id"], []).append(row["version"])
        demand(row["supersedes"] == row["version"] - 1, "versions: supersedes", row)
        demand(row["reason"] != "deadline", "order: an answer of matching was missing", row)
    for name, found in versions.items():
        same(f"versions of {name}", found, list(range(1, len(found) + 1)))


def check_replay(
    run: Topology,
    rules: StageRules,
    chance: random.Random,
    observer: StageObserver | None = None,
) -> None:
    """The same stage logs give the same outcomes and state under other batch boundaries."""
    log, partitions = run.log, run.scenario.partitions
    create = factory(rules, log, observer)
    for key in lane_ids(partitions):
        name, p = key
        state = Disk()
        stage = GuardedStage(
            partial(create, name, p, partitions), state.entries, p, observer or StageObserver()
        )
        resumed: dict[TopicPartition, list[bytes]] = {}
        for batch in _batches(log, SPEC_OF[name].partitions(p), chance):
            effects = stage.decide(batch, state)
            state.apply(effects.changes, 0)
            for tp, messages in effects.messages.items():
                resumed.setdefault(tp, []).extend(message.value or b"" for message in messages)
        if name == "learning":
            snapshots = [record.value or b"" for record in log.committed(SNAPSHOTS)]
            same("resume: model versions", resumed.get(SNAPSHOTS, []), snapshots)
            continue
        same(f"replay: state of {key}", dict(state.entries()), dict(run.lanes[key].disk.entries()))
        same_outcomes(key, resumed, run)


def same_outcomes(key: LaneId, resumed: dict[TopicPartition, list[bytes]], run: Topology) -> None:
    """The outcomes of one lane; its partition holds also those of other stages."""
    stage = {
        "intake": ("touches", "spend", "rates", "postback-rows", "privacy-rows", "dead-letters"),
        "matching": ("exposures",),
        "journeys": (
            "attributions",
            "credits",
            "revenue",
            "active-days",
            "milestones",
            "features",
            "predictions",
        ),
        "sites": (),
    }[key[0]]
    logged = {
        (topic, key[1]): [record.value or b"" for record in run.log.history((topic, key[1]))]
        for topic in (*stage, "ledger", "parked", "fraud-verdicts", "quarantined")
    }
    found = projection.tables_of({tp: values for tp, values in resumed.items() if tp in logged})
    expected = projection.tables_of(logged)
    expected["ledger"] = [row for row in expected["ledger"] if row["stage"] == key[0]]
    waits = {"matching": ("account", "purchase"), "journeys": ("install",)}.get(key[0], ())
    expected["parked"] = [row for row in expected["parked"] if row["waits_for"] in waits]
    judge = {"matching": "key", "journeys": "realtime", "sites": "site"}.get(key[0])
    aside = [row for row in expected["quarantined"] if row["stage"] == key[0]]
    expected["quarantined"] = aside
    verdicts = [row for row in expected["fraud-verdicts"] if row["stage"] == judge]
    expected["fraud-verdicts"] = verdicts
    same(f"replay: outcomes of {key}", projection.without_order(found),
         projection.without_order(expected))  # fmt: skip


def _batches(
    log: Log, tps: list[TopicPartition], chance: random.Random
) -> list[list[MemoryRecord]]:
    size = chance.choice((1, 7, 1_000))
    return [
        records[at : at + size]
        for records in map(log.history, tps)
        for at in range(0, len(records), size)
    ]


def check_rest(run: Topology, *, may_raise: bool = False) -> None:
    """Everything was read and stored once, and committed offsets say so, but for the learner's."""
    demand(not run.warehouse.copies, "storing: rows were stored a second time")
    for p in range(run.scenario.partitions):
        aside = [record.value for record in run.log.history((topics.QUARANTINED.name, p))]
        demand(may_raise or not aside, "quarantine: a stage raised", *aside)
    for table in TABLES.values():
        for p in range(run.scenario.partitions):
            offsets = [record.offset for record in run.log.history((table.topic, p))]
            stored = run.warehouse.rows.get((table.name, p), {})
            same(f"storing: offsets of {table.name}", sorted(stored), offsets)
    for key in lane_ids(run.scenario.partitions):
        demand(not run.lanes[key].behind, f"rest: {key} has not read everything")
    committed = run.log.positions[GROUP]
    for tp in run.scenario.sources:
        demand(committed.get(tp, 0) == run.log.end(tp), f"rest: {tp} is not committed")
