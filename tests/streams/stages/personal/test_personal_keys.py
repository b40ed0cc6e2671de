"""The secret of pseudonyms is changed while people install and pay: no match is lost meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from attribution.rules.rules import Rules
from schemas.records import Candidates, Erased, Installed, MoneyRouted
from schemas.time import DAY_MS, EventMs, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.matching.key_steps import advance_key
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, journeyed, matched, records_in, rows, source

BEFORE = IntakeRules(b"former", EventMs(0), dead_letter_share_max=1.0, dead_letter_window=9)
END = LogMs(NOON + 90 * DAY_MS)
BOTH = replace(BEFORE, pseudonym_secret=b"new", former_secret=b"former", former_until=END)
AFTER = replace(BEFORE, pseudonym_secret=b"new")
GAID = "38400000-8cf0-11bd-b23e-10b96e40000d"


class Town:
    """Workers of any secrets, over one index of match keys."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {}
        self.workers: dict[bytes, Intake] = {}
        self.effects = Effects(positions={})

    def hears(self, rules: IntakeRules, topic: str, ts: int, **fields: Any) -> list[Any]:
        """What the index answers to one event that a worker with these rules reads."""
        secrets = rules.pseudonym_secret + rules.former_secret
        if secrets not in self.workers:
            self.workers[secrets] = Intake(0, 1, rules, StageObserver())
        stage = self.workers[secrets]
        self.effects = stage.decide([source(topic, fields, ts=ts)], MemoryStore())
        facts, records = [], records_in(matched(self.effects))
        while records:
            record = records.pop(0)
            state, found = advance_key(self.states.get(record.key), record, Rules())
            self.states[record.key] = state
            records += [fact for fact in found if hasattr(fact, "key") and fact.key]
            facts += found
        return facts

    def clicks(self, rules: IntakeRules, ts: int, name: str = "t") -> list[str]:
        """The installs that hear of the click."""
        fields = event("touchpoint", event_id=name, event_time=ts, touch_type="impression")
        more = {"touch_id": name, "media_source": "north", "gaid": GAID}
        return [one.install_id for one in self.hears(rules, "touchpoints", ts, **(fields | more))
                if isinstance(one, Candidates)]  # fmt: skip

    def installs(self, rules: IntakeRules, ts: int, name: str = "i1") -> set[str]:
        """The touchpoints that an install finds."""
        fields = event("install", event_id=name, event_time=ts, install_id=name, gaid=GAID)
        found = self.hears(rules, "installs", ts, **fields)
        answers = [one for one in found if isinstance(one, Candidates) and one.ordinal >= 0]
        (install,) = (
            one for one in records_in(journeyed(self.effects)) if isinstance(one, Installed)
        )
        assert len(answers) == install.lookups
        return {touch.event_id for one in answers for touch in one.touches}

    def signs_in(self, rules: IntakeRules, ts: int, name: str = "i1") -> None:
        fields = event("session", event_time=ts, install_id=name, session_id="s")
        self.hears(rules, "activity", ts, **(fields | {"customer_user_id": "jane"}))

    def pays(self, rules: IntakeRules, ts: int) -> list[str]:
        """The installs that get a payment which names the account alone."""
        fields = event("purchase", event_id=f"p{ts}", event_time=ts, transaction_id=f"p{ts}")
        more = {"amount_micros": 990_000, "currency": "USD", "customer_user_id": "jane"}
        found = self.hears(rules, "payments", ts, **(fields | more | {"receipt_status": "valid"}))
        return [one.install_id for one in found if isinstance(one, MoneyRouted)]


def test_an_install_after_the_change_finds_the_click_before_it() -> None:
    town = Town()
    town.clicks(BEFORE, NOON)
    assert town.installs(AFTER, NOON + 1, "lost") == set()
    assert town.installs(BOTH, NOON + 1) == {"t"}


def test_a_late_click_meets_an_install_that_a_worker_with_the_former_secret_read() -> None:
    town = Town()
    town.installs(BEFORE, NOON + 1)
    assert town.clicks(BOTH, NOON) == ["i1"]


def test_a_click_that_a_worker_with_the_former_secret_reads_meets_later_installs() -> None:
    town = Town()
    town.installs(BOTH, NOON + 1)
    assert town.clicks(BEFORE, NOON) == ["i1"]


def test_from_the_date_of_the_log_on_only_the_new_secret_counts() -> None:
    town = Town()
    town.clicks(BEFORE, END - 2, "former")
    town.clicks(BOTH, END - 2, "both")
    assert town.installs(BOTH, END - 1, "last of the window") == {"former", "both"}
    assert town.installs(BOTH, END, "first after it") == {"both"}
    assert town.installs(AFTER, END, "without the former secret") == {"both"}


def test_the_row_of_a_touchpoint_shows_its_device_under_the_new_secret() -> None:
    town, keys = Town(), list[str]()
    for rules in (BEFORE, BOTH, AFTER):
        town.clicks(rules, NOON)
        (row,) = rows(town.effects, "touches")
        keys.append(row["device_key"])
    assert keys[0] != keys[1] == keys[2]


def test_a_repeat_across_the_change_is_settled_as_one() -> None:
    town = Town()
    town.clicks(BEFORE, NOON)
    shown = event("touchpoint", event_id="t", touch_type="impression", touch_id="t")
    again = town.hears(BOTH, "touchpoints", NOON, **shown, media_source="north", gaid=GAID)
    assert "duplicate" in [getattr(fact, "disposition", "") for fact in again]
    assert "decided" not in [getattr(fact, "disposition", "") for fact in again]


def test_a_first_open_that_is_sent_again_after_the_change_begins_no_other_life() -> None:
    town, openings = Town(), list[int]()
    for rules in (BEFORE, BOTH):
        town.installs(rules, NOON)
        openings += [one.opening for one in records_in(journeyed(town.effects))]
    assert openings[0] == openings[1] != 0


def test_money_of_an_account_finds_installs_of_before_and_of_the_window() -> None:
    town = Town()
    town.signs_in(BEFORE, NOON)
    assert town.pays(BOTH, NOON + DAY_MS) == ["i1"]
    town.signs_in(BOTH, NOON + 2 * DAY_MS, "i2")
    assert town.pays(BOTH, NOON + 3 * DAY_MS) == ["i2"]
    assert town.pays(AFTER, END) == ["i2"]


def test_an_erasure_finds_installs_of_before_the_change() -> None:
    town = Town()
    town.installs(BEFORE, NOON)
    town.installs(BOTH, NOON + 1, "i2")
    identity = {"identity_type": "gaid", "identity_value": GAID}
    request = event("privacy_request", subject_request_id="r", request_type="erasure")
    asked = request | {"identities": [identity], "submitted_time": NOON + 2}
    found = town.hears(BOTH, "privacy-requests", NOON + 2, **asked)
    assert {one.install_id for one in found if isinstance(one, Erased)} == {"i1", "i2"}


def lost_matches(reads_with: Callable[[int], IntakeRules]) -> int:
    """How many of 150 people who click and install within a week, over 100 days, are not matched by
    their device id. `reads_with`: the rules of the worker that reads at some time of the log."""
    chance, town = random.Random(5), Town()
    log: list[tuple[int, str, dict[str, Any]]] = []
    for number in range(150):
        at = NOON + chance.randrange(100 * DAY_MS)
        then = at + 60_000 + chance.randrange(6 * DAY_MS)
        device = {"gaid": f"{number:08x}-8cf0-11bd-b23e-10b96e40000d"}
        clicked = event("touchpoint", event_id=f"t{number}", event_time=at, touch_type="click")
        click = {"touch_id": f"click-{number}", "media_source": "north"}
        opened = event("install", event_id=f"i{number}", event_time=then, install_id=f"i{number}")
        log += [(at, "touchpoints", clicked | click | device), (then, "installs", opened | device)]
    found = set()
    for at, topic, fields in sorted(log, key=lambda line: line[0]):
        for answer in town.hears(reads_with(at), topic, at, **fields):
            if isinstance(answer, Candidates):
                found |= {answer.install_id for touch in answer.touches if touch.event_id}
    return 150 - len(found)


def test_no_match_is_lost_while_workers_are_restarted_one_by_one_and_after_the_date() -> None:
    chance = random.Random(9)

    def reads(at: int) -> IntakeRules:
        if at < NOON + 20 * DAY_MS:
            return BEFORE
        if at < NOON + 22 * DAY_MS:  # Some workers have the new secret already.
            return chance.choice((BEFORE, BOTH))
        return BOTH if at < END else chance.choice((BOTH, AFTER))

    assert lost_matches(reads) == 0
    assert lost_matches(lambda at: BEFORE if at < NOON + 20 * DAY_MS else AFTER) > 0
