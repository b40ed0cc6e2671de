"""Rows of a source topic that was created anew name places that no earlier row has."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.records import LOG_STRIDE, MoneySeen
from schemas.time import EventMs
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.separate.guard import GuardedStage
from tests.worlds.stage_world import event, matched, records_in, rows, settled, source

RULES = IntakeRules(b"secret", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=4)
SECOND = {"payments": 1, "installs": 2}
PURCHASE = {"transaction_id": "t1", "amount_micros": 990_000, "currency": "EUR"}


def intake(*records: MemoryRecord, logs: Mapping[str, int] = SECOND) -> Effects:
    stage = Intake(0, 1, RULES, StageObserver())
    stage.source_logs = logs
    return stage.decide(records, MemoryStore())


def test_what_matching_is_sent_of_a_second_log_is_counted_on() -> None:
    paid = event("purchase", install_id="i1", **PURCHASE)
    (money,) = records_in(matched(intake(source("payments", paid, offset=7))))
    assert isinstance(money, MoneySeen)
    assert money.money.source[1:] == (0, LOG_STRIDE + 7)


def test_rows_and_ledger_of_a_later_log_are_counted_on_and_those_of_a_first_log_are_not() -> None:
    cost = {"date": "2026-01-01", "media_source": "n", "amount_micros": 1, "currency": "EUR"}
    effects = intake(
        source("costs", event("cost", **cost), offset=3),
        source("payments", b"{", offset=3),
        source("installs", event("install", install_id="i1", surprise=1), offset=3),
    )
    assert [row["source_offset"] for row in rows(effects, "spend")] == [3]
    assert [row["source_offset"] for row in rows(effects, "dead-letters")] == [LOG_STRIDE + 3]
    (dropped,) = rows(effects, "dropped-fields")
    assert dropped["source_offset"] == 2 * LOG_STRIDE + 3
    assert dropped["dropped_id"] == f"installs:0:{2 * LOG_STRIDE + 3}:surprise"
    assert set(map(str, settled(effects))) == {
        str(("costs", "decided", [3])),
        str(("payments", "dead_lettered", [LOG_STRIDE + 3])),
    }


def test_positions_that_are_committed_are_those_of_the_log() -> None:
    effects = intake(source("payments", b"{", offset=3))
    assert effects.positions == {("payments", 0): 4}


class Poisoned(Intake):
    """Raises on everything, also alone."""

    def _take(self, *_: object) -> None:
        raise ValueError("poison")


def test_what_is_quarantined_of_a_later_log_has_an_id_of_its_own() -> None:
    paid = source("payments", event("purchase", install_id="i1", **PURCHASE), offset=7)
    found = []
    for logs in ({}, SECOND):
        stage = Poisoned(0, 1, RULES, StageObserver())
        stage.source_logs = logs
        (row,) = rows(stage.decide([paid], MemoryStore()), "quarantined")
        found.append((row["quarantine_id"], row["source_offset"], row["log_topic_offset"]))
    assert found == [
        ("payments:0:7", 7, 7),
        (f"payments:0:{LOG_STRIDE + 7}", LOG_STRIDE + 7, 7),
    ]


class Broken(Poisoned):
    """Cannot take a batch apart either."""

    def _decide_apart(self, *_: object) -> Effects:
        raise ValueError("poison")


def test_what_the_guard_finds_by_halves_has_the_place_of_its_log() -> None:
    def create() -> Intake:
        stage = Broken(0, 1, RULES, StageObserver())
        stage.source_logs = SECOND
        return stage

    stage = GuardedStage(create, dict[bytes, bytes]().items, 0, StageObserver())
    effects = stage.decide([source("payments", b"{", offset=7)], MemoryStore())
    (row,) = rows(effects, "quarantined")
    assert (row["kind"], row["source_topic"], row["source_offset"]) == (
        "event",
        "payments",
        LOG_STRIDE + 7,
    )
