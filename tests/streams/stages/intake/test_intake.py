"""Intake validates, pseudonymises and routes; what it cannot read it sets aside whole."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.records import (
    AccountLinked,
    ActivitySeen,
    Installed,
    InstallSeen,
    MoneyKind,
    MoneySeen,
    TouchSeen,
)
from schemas.time import EventMs
from schemas.topics import DEAD_LETTERS
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import CLOCK_KEY, Effects
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.intake.rows import LETTER_VALUE_BYTES_MAX
from tests.worlds.clock import NOON
from tests.worlds.stage_world import (
    Fed,
    event,
    journeyed,
    matched,
    records_in,
    rows,
    settled,
    source,
)

RULES = IntakeRules(b"secret", EventMs(0), dead_letter_share_max=0.5, dead_letter_window=4)
PURCHASE = {"transaction_id": "t1", "amount_micros": 990_000, "currency": "EUR"}


def intake(*records: MemoryRecord, partitions: int = 1, rules: IntakeRules = RULES) -> Effects:
    stage = Intake(0, partitions, rules, StageObserver())
    return stage.decide(records, MemoryStore())


def to_match(topic: str, fields: dict[str, Any]) -> list[Any]:
    return records_in(matched(intake(source(topic, fields))))


def test_a_touchpoint_is_indexed_under_every_key_and_accounted_for_under_one() -> None:
    fields = event("touchpoint", touch_type="click", touch_id="x", media_source="n", gaid="g")
    effects = intake(source("touchpoints", fields))
    found = records_in(matched(effects))
    assert [type(one) for one in found] == [TouchSeen, TouchSeen]
    assert [one.is_home for one in found] == [True, False]
    assert [row["event_id"] for row in rows(effects, "touches")] == ["e1"]
    assert settled(effects) == []  # matching will know whether it is a repeat


def test_an_install_tells_its_journey_how_many_answers_to_wait_for() -> None:
    fields = event("install", install_id="i1", click_id="x", gaid="g", customer_user_id="u")
    effects = intake(source("installs", fields))
    (installed,) = records_in(journeyed(effects))
    asked = records_in(matched(effects))
    assert isinstance(installed, Installed)
    assert installed.lookups == 2
    assert [one.ordinal for one in asked if isinstance(one, InstallSeen)] == [0, 1]
    assert [one.install_id for one in asked if isinstance(one, AccountLinked)] == ["i1"]


def test_activity_goes_to_its_journey_and_links_the_account_it_names() -> None:
    fields = event("session", install_id="i1", session_id="s", customer_user_id="u")
    effects = intake(source("activity", fields))
    assert [type(one) for one in records_in(journeyed(effects))] == [ActivitySeen]
    assert [type(one) for one in records_in(matched(effects))] == [AccountLinked]


@pytest.mark.parametrize(
    ("fields", "kind", "money_id"),
    [
        (event("purchase", install_id="i", **PURCHASE), MoneyKind.PURCHASE, "app:t1"),
        (
            event("subscription", install_id="i", kind="renewal", **PURCHASE),
            MoneyKind.SUBSCRIPTION,
            "app:t1",
        ),
        (
            event("refund", refund_id="r", **(PURCHASE | {"amount_micros": -1})),
            MoneyKind.REFUND,
            "refund app:t1:r",
        ),
        (
            event("ad_revenue", install_id="i", impression_id="p", amount_micros=5, currency="USD"),
            MoneyKind.AD_REVENUE,
            "ad app:p",
        ),
    ],
)
def test_money_is_named_for_ever_by_its_own_ids(
    fields: dict[str, Any], kind: MoneyKind, money_id: str
) -> None:
    (seen,) = to_match("payments", fields)
    assert isinstance(seen, MoneySeen)
    assert (seen.money.kind, seen.money.money_id) == (kind, money_id)
    assert seen.money.booking_id.startswith(f"{money_id}:")


def step_id(**fields: object) -> str:
    (seen,) = to_match("payments", event("purchase", **(PURCHASE | {"install_id": "i"} | fields)))
    assert isinstance(seen, MoneySeen)
    return seen.money.booking_id


def test_a_statement_sent_again_has_the_same_id_and_another_statement_has_its_own() -> None:
    assert step_id() == step_id(event_id="other") == step_id(product_id="p")
    others = {
        step_id(),
        step_id(amount_micros=7),
        step_id(currency="JPY"),
        step_id(receipt_status="valid"),
        step_id(install_id="j"),
        step_id(install_id=None, customer_user_id="u"),
        step_id(original_transaction_id="t0"),
        step_id(environment="sandbox"),
    }
    assert len(others) == 8


def test_a_purchase_names_the_transaction_it_may_restore_and_nothing_else_does() -> None:
    def original_key(event_type: str, **fields: object) -> str:
        (seen,) = to_match("payments", event(event_type, install_id="i", **(PURCHASE | fields)))
        assert isinstance(seen, MoneySeen)
        return seen.money.original_key

    assert original_key("purchase", original_transaction_id="t0") == "t:app:t0"
    assert original_key("purchase", original_transaction_id="t1") == ""
    assert original_key("subscription", kind="renewal", original_transaction_id="t0") == ""


def test_the_sandbox_numbers_its_own_transactions() -> None:
    (real,) = to_match("payments", event("purchase", install_id="i", **PURCHASE))
    (test,) = to_match(
        "payments", event("purchase", install_id="i", environment="sandbox", **PURCHASE)
    )
    assert isinstance(real, MoneySeen)
    assert isinstance(test, MoneySeen)
    assert (real.key, test.key) == ("t:app:t1", "xt:app:t1")
    assert test.money.is_sandbox


def test_money_that_names_install_and_account_also_links_the_two() -> None:
    fields = event("purchase", install_id="i1", customer_user_id="u", **PURCHASE)
    assert [type(one) for one in to_match("payments", fields)] == [MoneySeen, AccountLinked]


def test_costs_rates_and_privacy_requests_are_decided_at_once() -> None:
    cost = {"date": "2026-01-01", "media_source": "n", "amount_micros": 1, "currency": "EUR"}
    request = {"subject_request_id": "q", "request_type": "erasure", "submitted_time": NOON}
    identities = [{"identity_type": "email", "identity_value": "jane@example.org"}]
    rate = {"date": "2026-01-01", "base_currency": "EUR", "quote_currency": "USD", "rate_e9": 1}
    effects = intake(
        source("costs", event("cost", **cost)),
        source("costs", event("exchange_rate", **rate), offset=1),
        source("privacy-requests", event("privacy_request", identities=identities, **request)),
    )
    assert {disposition for _, disposition, _ in settled(effects)} == {"decided"}
    assert len(rows(effects, "spend")) == 1
    assert [row["rate_id"] for row in rows(effects, "rates")] == ["2026-01-01:EUR:USD"]
    assert "jane" not in str(rows(effects, "privacy-rows"))


def test_what_cannot_be_read_is_set_aside_with_its_exact_bytes_and_nothing_else_happens() -> None:
    effects = intake(source("installs", b"\xff{", offset=7))
    (letter,) = rows(effects, "dead-letters")
    assert base64.b64decode(letter["payload"]) == b"\xff{"
    assert (letter["source_topic"], letter["source_offset"]) == ("installs", 7)
    assert settled(effects) == [("installs", "dead_lettered", [7])]
    assert records_in(matched(effects)) == []


def test_a_flood_of_one_app_is_counted_and_copied_in_part_only() -> None:
    effects = intake(*(source("installs", b"{", offset=n) for n in range(4)))
    assert len(rows(effects, "dead-letters")) == 2
    assert sorted(settled(effects)) == [
        ("installs", "dead_lettered", [0, 1]),
        ("installs", "dead_lettered", [2, 3]),
    ]
    (flood,) = [row for row in rows(effects, "ledger") if row["flood_app"]]
    assert (flood["flood_app"], flood["flood_reason"]) == ("(none)", "malformed_json")
    assert flood["offsets"] == [2, 3]


def test_unreadable_messages_within_the_limit_are_all_copied() -> None:
    session = event("session", install_id="i1", session_id="s")
    lines = [source("activity", b"{"), *(source("activity", session) for _ in range(3))]
    assert len(rows(intake(*lines), "dead-letters")) == 1


def test_watermarks_go_to_every_partition_with_the_latest_log_time_of_each_source() -> None:
    session = event("session", install_id="i1", session_id="s")
    effects = intake(
        source("activity", session, ts=NOON + 5_000), source("activity", session, ts=NOON + 2),
        partitions=3,
    )  # fmt: skip
    assert [frame.watermarks for frame in matched(effects)] == [{"activity-0": NOON + 5_000}] * 3


def click(number: int) -> MemoryRecord:
    fields = event(
        "touchpoint", event_id=f"c{number}", touch_type="click", touch_id="k", media_source="north"
    )
    return source("touchpoints", fields, offset=number, ts=NOON + 100 * number)


@pytest.mark.parametrize("partitions", [4, 16, 64])
def test_an_event_makes_a_few_messages_whatever_the_number_of_partitions(partitions: int) -> None:
    stage = Fed(Intake(0, partitions, RULES, StageObserver()))
    sent = [sum(map(len, stage.decide([click(n)]).messages.values())) for n in range(100)]
    assert max(sent[:9]) <= 4
    # Once in a second of log time every partition hears of it.
    assert sum(count > partitions for count in sent) == 9


def test_what_is_awaited_is_passed_on_to_every_partition_at_once() -> None:
    stage = Fed(Intake(0, 3, RULES, StageObserver()))
    assert len(matched(stage.decide([click(0)]))) == 1
    tick = MemoryRecord("touchpoints", 0, 1, NOON + 1, CLOCK_KEY, b"")
    passed = [frame.watermarks for frame in matched(stage.decide([tick]))]
    assert passed == [{"touchpoints-0": NOON + 1}] * 3
    install = source("installs", event("install", install_id="i"), ts=NOON + 2)
    passed = [frame.watermarks for frame in matched(stage.decide([install]))]
    assert passed == [{"installs-0": NOON + 2, "asked-0": NOON + 2}] * 3


def test_an_event_under_the_key_of_ticks_is_an_event() -> None:
    session = orjson.dumps(event("session", install_id="i1", session_id="s"))
    effects = intake(MemoryRecord("activity", 0, 4, NOON, CLOCK_KEY, session))
    assert len(records_in(journeyed(effects))) == 1
    effects = intake(MemoryRecord("activity", 0, 5, NOON, CLOCK_KEY, b"{"))
    assert settled(effects) == [("activity", "dead_lettered", [5])]


def test_a_tick_moves_the_clock_and_is_no_event() -> None:
    effects = intake(MemoryRecord("costs", 0, 4, NOON, CLOCK_KEY, b""))
    assert [frame.watermarks for frame in matched(effects)] == [{"costs-0": NOON}]
    assert not settled(effects)
    assert not rows(effects, "dead-letters")
    assert effects.positions == {("costs", 0): 5}


def test_a_replay_leaves_watermarks_to_whoever_reads_the_files() -> None:
    rules = replace(RULES, passes_watermarks=False)
    assert matched(intake(MemoryRecord("costs", 0, 4, NOON, CLOCK_KEY, b""), rules=rules)) == []


def test_the_letter_of_a_message_that_no_topic_takes_is_cut_and_says_so() -> None:
    large = MemoryRecord("activity", 0, 4, NOON, b"k" * 100_000, b"x" * 5_000_000)
    (letter,) = rows(intake(large), "dead-letters")
    assert len(base64.b64decode(letter["payload"])) == LETTER_VALUE_BYTES_MAX
    assert letter["detail"].endswith("; its end is left out")
    assert len(orjson.dumps(letter)) < DEAD_LETTERS.message_bytes_max


def test_costs_whose_names_hold_separators_are_lines_of_their_own() -> None:
    line = {"date": "2026-01-01", "media_source": "m", "amount_micros": 1, "currency": "EUR"}
    names = [
        {"campaign_id": "a\x1fb"},
        {"campaign_id": "a", "adset_id": "b"},
        {"adset_id": "a\x1fb"},
        {"campaign_id": "a\x1f", "adset_id": "b"},
    ]
    found = [rows(intake(source("costs", event("cost", **line, **one))), "spend") for one in names]
    assert len({row["spend_id"] for spent in found for row in spent}) == len(names)
