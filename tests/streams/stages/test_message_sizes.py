"""No message and no state value outgrows what a broker takes, whatever valid events say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from attribution.rules.rules import Rules
from schemas.time import HOUR_MS, SECOND_MS, EventMs
from streams.replay.engine import SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from tests.simulation.sizes.measured_replay import MeasuredReplay, SizeWatch
from tests.worlds.clock import NOON
from tests.worlds.stage_world import event, source

ALPHABETS = {"emoji": "\U0001f600", "control": "\x01", "quotes": '"'}
GAID = "11111111-1111-4111-8111-111111111111"
FLOOD = 140
Events = Iterator[tuple[str, dict[str, Any]]]


class Evictions(StageObserver):
    """Counts what was evicted, by bound."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def on_evicted(self, bound: str, count: int) -> None:
        self.found[bound] = self.found.get(bound, 0) + count


class Run:
    """What came of events that were replayed a second of log time apart."""

    def __init__(self, events: Events, rules: Rules | None = None) -> None:
        records: list[MemoryRecord] = []
        for number, (topic, fields) in enumerate(events):
            at = NOON + number * SECOND_MS
            fields = {**fields, "event_time": at}
            records.append(source(topic, fields, offset=number, ts=at))
        ended = NOON + len(records) * SECOND_MS + 50 * 24 * HOUR_MS
        cost = event("cost", date="2026-01-01", media_source="m", amount_micros=1, currency="EUR")
        records.append(source("costs", cost, offset=0, ts=ended))
        order = SourceOrder()
        for record in records:
            order.see(record)
        self.watch, self.evictions = SizeWatch(), Evictions()
        self.outcomes: dict[str, list[bytes]] = {}
        stages = StageRules(IntakeRules(b"s", EventMs(0), 1.0, 10**9), rules or Rules())
        replay = MeasuredReplay(stages, self._keep, self.watch, self.evictions)
        replay.run(records, order)

    def _keep(self, topic: str, records: Any) -> None:
        self.outcomes.setdefault(topic, []).extend(record.value for record in records)


def texts(letter: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, letter * 1_024)


def ident(letter: str, number: int) -> str:
    return f"{number}-{letter * 240}z"


def clicks(letter: str, number: int = FLOOD, **fields: Any) -> Events:
    """Clicks of one device, under as many names as there are."""
    names = ["channel", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id"]
    names += ["ad_name", "site_id", "sub_site_id", "keyword", "os_version", "device_model"]
    for n in range(number):
        yield "touchpoints", event(
            "touchpoint", event_id=ident(letter, n), touch_id=ident(letter, n), gaid=GAID,
            touch_type="click", media_source=ident(letter, n), **texts(letter, *names), **fields,
        )  # fmt: skip


def install(letter: str, **fields: Any) -> Events:
    yield "installs", event(
        "install", install_id=ident(letter, 0), gaid=GAID, event_id=ident(letter, 1),
        customer_user_id=ident(letter, 2),
        **texts(letter, "os_version", "device_model", "store", "install_version"), **fields,
    )  # fmt: skip


def money(letter: str, of: str, **fields: Any) -> dict[str, Any]:
    more = texts(letter, "product_id") | (texts(letter, "offer_id") if of != "purchase" else {})
    return event(
        of, amount_micros=1_000_000, currency="EUR", **{**more, **fields}
    )  # fmt: skip


def payments(letter: str, **payer: Any) -> Events:
    for n in range(FLOOD):
        name = ident(letter, n)
        yield "payments", money(letter, "purchase", event_id=name, transaction_id=name, **payer)


def steps(letter: str) -> Events:
    """Steps and refunds of one transaction; many refunds come before it."""
    whole = {"transaction_id": ident(letter, 0), "install_id": ident(letter, 0)}
    for n in range(FLOOD):
        name = ident(letter, n)
        if n != FLOOD // 2:
            yield "payments", event(
                "refund", event_id=name, refund_id=name, amount_micros=-1, currency="EUR",
                reason=letter * 1_024, **whole,
            )  # fmt: skip
        if n >= FLOOD // 2:
            yield "payments", money(
                letter, "subscription", event_id=name, kind="renewal", **whole
            )  # fmt: skip


def activity(letter: str) -> Events:
    for n in range(FLOOD):
        yield "activity", event(
            "in_app_event", event_id=ident(letter, n), name=ident(letter, n),
            install_id=ident(letter, 0), value_json=letter * 16_384,
        )  # fmt: skip


def restores(letter: str) -> Events:
    for n in range(FLOOD):
        name = ident(letter, n)
        yield "payments", money(
            letter, "purchase", event_id=name, transaction_id=name, install_id=name,
            original_transaction_id=ident(letter, FLOOD + 1),
        )  # fmt: skip


def erasures(letter: str) -> Events:
    for n in range(70):
        yield "privacy-requests", event(
            "privacy_request", event_id=ident(letter, n), subject_request_id=ident(letter, n),
            request_type="erasure", submitted_time=NOON,
            identities=[
                {"identity_type": kind, "identity_value": ident(letter, one)}
                for kind in ("customer_user_id", "install_id")
                for one in range(32)
            ],
        )  # fmt: skip


FLOODS: dict[str, Callable[[str], Iterable[tuple[str, dict[str, Any]]]]] = {
    "clicks": lambda letter: (*clicks(letter), *install(letter), *clicks(letter, 30)),
    "retargeting": lambda letter: (*install(letter), *clicks(letter, is_retargeting=True)),
    "waiting money": lambda letter: payments(letter, install_id=ident(letter, 0)),
    "waiting activity": activity,
    "money of an account": lambda letter: (
        *payments(letter, customer_user_id=ident(letter, 2)), *install(letter)
    ),
    "steps of a transaction": lambda letter: (*install(letter), *steps(letter)),
    "restores": restores,
    "erasures": lambda letter: (*install(letter), *erasures(letter)),
}  # fmt: skip


BOUNDS = {
    "clicks": {"touch_bytes_per_key_max", "candidate_bytes_per_journey_max"},
    "retargeting": {"touch_bytes_per_key_max", "retargeting_bytes_per_journey_max"},
    "waiting money": {"waiting_bytes_per_journey_max"},
    "waiting activity": {"waiting_bytes_per_journey_max"},
    "money of an account": {"money_bytes_per_account_max"},
    "steps of a transaction": {"refund_bytes_per_purchase_max", "step_bytes_per_purchase_max"},
    "restores": {"claim_bytes_per_purchase_max"},
    "erasures": {"erasures_per_key_max"},
}
"""What each flood meets, with letters of four bytes."""


@pytest.mark.parametrize("letter", ALPHABETS.values(), ids=ALPHABETS)
@pytest.mark.parametrize("flood", FLOODS)
def test_no_flood_of_long_texts_outgrows_a_message(flood: str, letter: str) -> None:
    run = Run(iter(FLOODS[flood](letter)))
    assert run.watch.refused() == {}, run.watch.largest
    assert "dead-letters" not in run.outcomes
    if letter == ALPHABETS["emoji"]:
        assert run.evictions.found.keys() >= BOUNDS[flood]
