"""What has to come out, worked out naively: every record beside every other, no state, no order.

It reads the source logs as a person would, with all records on the table. It shares with the
product the decoder of events and the numbers of the rule set, nothing else.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas import events, topics
from schemas.decode import Unreadable, decode
from schemas.parts import Identity
from schemas.records import ErasureSeen
from schemas.time import EventMs, LogMs
from streams.stages.contract import CLOCK_KEY
from tests.oracle.history import behind, own_key
from tests.oracle.phone_clocks import right_time
from tests.oracle.rulebook import Rulebook
from tests.simulation.oracle.attribution import (
    Credited,
    Sightings,
    all_credits,
    all_devices,
    naming_keys,
)
from tests.simulation.oracle.logged_event import Seen
from tests.simulation.oracle.money import families, in_time, money_id, shared_out, statement
from tests.simulation.scenarios.apple_postbacks import VALID, name_of
from tests.simulation.scenarios.scenario import EARLIEST, RULES, Scenario


class Booked(NamedTuple):
    """Where money ends: an install, or what it waits for."""

    install_id: str
    waits_for: str
    deadline: int


@dataclass
class Truth:
    credits: dict[str, Credited] = field(default_factory=dict)
    """By conversion id."""
    revenue: dict[tuple[str, str, str], int] = field(default_factory=dict)
    parked: dict[tuple[str, str], str] = field(default_factory=dict)
    dead_letters: list[tuple[str, str]] = field(default_factory=list)
    ledger: Counter[tuple[str, str]] = field(default_factory=Counter)
    postbacks: dict[str, int] = field(default_factory=dict)
    payments: Counter[str] = field(default_factory=Counter)
    """Currency -> distinct payments minus refunds."""


class Oracle:
    def __init__(self, scenario: Scenario, book: Rulebook) -> None:
        self.book = book
        self.ends_at = scenario.ends_at
        self.truth = Truth()
        self.seen: list[Seen] = []
        for (topic, _), messages in sorted(scenario.sources.items()):
            for message in messages:
                self._read(topic, message.key, message.value, message.timestamp or 0)
        self.installs: dict[str, Seen] = {}
        self.activity: dict[Any, Seen] = {}
        for record in self._of(events.Install):
            self._first(self.installs, record.event.install_id, record)
        self.links = [
            (record.event.app_id, record.event.customer_user_id, record.event.install_id,
             record.event.event_time, record.ts)
            for record in self.seen
            if getattr(record.event, "customer_user_id", None)
            and getattr(record.event, "install_id", None)
        ]  # fmt: skip

    def work_out(self) -> Truth:
        self._place_activity()
        self._credit()
        self._place_money()
        self._count_postbacks()
        return self.truth

    def _read(self, topic: str, key: bytes | None, value: bytes | None, ts: int) -> None:
        if key == CLOCK_KEY:
            return
        event = decode(value, topic, ts, EARLIEST)
        if isinstance(event, Unreadable):
            letter = base64.b64encode(value or b"").decode()
            self.truth.dead_letters.append((event.reason, letter))
            self.truth.ledger[topic, "dead_lettered"] += 1
            return
        time, reason = right_time(event, ts, EARLIEST)
        as_reported = event.event_time if reason else 0
        if reason:
            event = replace(event, event_time=EventMs(time))
        self.seen.append(Seen(event, ts, topic, as_reported, reason))
        if topic in (topics.COSTS.name, topics.PRIVACY_REQUESTS.name):
            self.truth.ledger[topic, "decided"] += 1

    def _of(self, *kinds: type) -> list[Seen]:
        return [record for record in self.seen if isinstance(record.event, kinds)]

    def _first(self, known: dict[Any, Seen], name: Any, record: Seen) -> bool:
        """The first copy counts; the others are duplicates."""
        if name in known:
            self.truth.ledger[record.topic, "duplicate"] += 1
            return False
        known[name] = record
        return True

    def _count_postbacks(self) -> None:
        known: dict[Any, Seen] = {}
        for record in self._of(events.SkanPostback, events.AakPostback):
            name = name_of(events.type_name(type(record.event)), record.event.body)
            if self._first(known, name, record):
                self.truth.ledger[record.topic, "decided"] += 1
        valid = sum(name in VALID.values() for name in known)
        self.truth.postbacks = {"valid": valid, "not valid": len(known) - valid}

    # --- credit ---------------------------------------------------------------------------------

    def _credit(self) -> None:
        touches: dict[str, Seen] = {}
        for touch in self._of(events.Touchpoint):
            if self._first(touches, touch.event.event_id, touch):
                self.truth.ledger[touch.topic, "decided"] += 1
        for install in self.installs.values():
            self.truth.ledger[install.topic, "decided"] += 1
        for app_id in {install.event.app_id for install in self.installs.values()}:
            sightings = Sightings(
                [record for record in touches.values() if record.event.app_id == app_id],
                [record for record in self.installs.values() if record.event.app_id == app_id],
                [
                    record
                    for record in self.activity.values()
                    if isinstance(record.event, events.Session)
                ],
                [record for record in self._of(events.Session) if record.event.app_id == app_id],
                tuple(self._erasures(app_id)),
            )
            self.truth.credits |= all_credits(sightings, self.book)

    def forgotten(self) -> set[str]:
        """The installs that somebody asked to forget."""
        apps = {install.event.app_id for install in self.installs.values()}
        asked = {one.key for app_id in apps for one in self._erasures(app_id)}
        return {install_id for install_id in self.installs if own_key(install_id) in asked}

    def beginning_anew(self) -> set[str]:
        """The installs that share what names them with somebody else who asked to be forgotten."""
        names = {name: naming_keys(one.event) for name, one in self.installs.items()}
        gone = self.forgotten()
        return {
            install_id
            for install_id, keys in names.items()
            if any(keys & names[other] for other in gone if other != install_id)
        }

    def _erasures(self, app_id: str) -> Iterator[ErasureSeen]:
        """Of every install that somebody asked to forget, by the time from which that counts, and
        of the devices that were named, for those who install later."""
        for record in self._of(events.PrivacyRequest):
            if record.event.request_type == "erasure" and record.event.app_id == app_id:
                for name in record.event.identities:
                    yield ErasureSeen(f"device {name.identity_value}", "", LogMs(record.ts))
                for install in self.installs.values():
                    if any(self._is_of(name, install, record) for name in record.event.identities):
                        at = LogMs(max(record.ts, install.ts))
                        yield ErasureSeen(own_key(install.event.install_id), "", at)
                        for key in naming_keys(install.event):
                            yield ErasureSeen(behind(key), "", at)

    def _is_of(self, name: Identity, install: Seen, asked: Seen) -> bool:
        """Whether a request names this install, or whoever it was known to belong to by then."""
        kind, value = name.identity_type, name.identity_value
        install_id, app_id = install.event.install_id, asked.event.app_id
        if kind == "install_id":
            return bool(value == install_id)
        if kind == "customer_user_id":
            return any(
                link[:3] == (app_id, value, install_id) and link[4] <= asked.ts
                for link in self.links
            )
        is_device = f"device {value}" in all_devices(install.event)
        return is_device and install.event.app_id == app_id and install.ts <= asked.ts

    # --- parked until the install arrives ------------------------------------------------------

    def _place_activity(self) -> None:
        for record in self._of(events.Session, events.InAppEvent):
            name = record.event.install_id, record.event.event_id
            if self._first(self.activity, name, record):
                place = self._at_install(record.event.install_id, record.ts + RULES.parking_ms)
                self._settle(record, f"{record.event.app_id}:{name[0]}:{name[1]}", place)

    def _at_install(self, install_id: str, deadline: int) -> Booked:
        install = self.installs.get(install_id)
        if install is not None and install.ts <= deadline:
            return Booked(install_id, "", deadline)
        return Booked("", "install", deadline)

    def _settle(self, record: Seen, subject: str, place: Booked) -> None:
        fate = "decided"
        if place.waits_for:
            fate = "expired" if place.deadline < self.ends_at else "parked"
            # A refund and its reversal wait under one id.
            known = self.truth.parked.get((subject, place.waits_for))
            self.truth.parked[subject, place.waits_for] = "expired" if known == "expired" else fate
        self.truth.ledger[record.topic, fate] += 1

    # --- money ----------------------------------------------------------------------------------

    def _place_money(self) -> None:
        for record in self._once(events.AdRevenue):
            self._book(record, money_id(record.event), self._place_of(record), None)
        by_sale: dict[tuple[str, str], list[Seen]] = {}
        for record in self._once(events.Purchase, events.Subscription, events.Refund):
            sale = record.event.app_id, record.event.transaction_id
            by_sale.setdefault(sale, []).append(record)
        for family in families(by_sale):
            counted, late = in_time(family)
            for record in late:
                place = Booked("", "purchase", record.ts + RULES.parking_ms)
                self._book(record, money_id(record.event), place, None)
            for record, payer, value in shared_out(counted):
                self._book(record, money_id(record.event), self._place_of(payer), value)

    def _once(self, *kinds: type) -> list[Seen]:
        """Every statement once, as it was first logged; the others are duplicates."""
        once: dict[Any, Seen] = {}
        for record in sorted(self._of(*kinds), key=lambda one: one.ts):
            self._first(once, statement(record.event), record)
        return list(once.values())

    def _book(self, record: Seen, name: str, place: Booked, value: tuple[int, str] | None) -> None:
        self._settle(record, name, place)
        stated = record.event.amount_micros or 0, record.event.currency or ""
        micros, currency = stated if value is None else value
        self.truth.payments[currency] += micros
        if place.install_id:
            key = place.install_id, name, currency
            self.truth.revenue[key] = self.truth.revenue.get(key, 0) + micros

    def _place_of(self, paid: Seen) -> Booked:
        deadline = paid.ts + RULES.parking_ms
        install_id = paid.event.install_id or self._owner(paid.event, deadline)
        if not install_id:
            return Booked("", "account", deadline)
        return self._at_install(install_id, deadline)

    def _owner(self, event: Any, deadline: int) -> str:
        """The install that first signed in last before the purchase, else first after it."""
        signed_in: dict[str, int] = {}
        for app_id, account, install_id, time, ts in self.links:
            if (app_id, account) == (event.app_id, event.customer_user_id) and ts <= deadline:
                signed_in[install_id] = min(time, signed_in.get(install_id, time))
        ordered = sorted((time, install_id) for install_id, time in signed_in.items())
        before = [install_id for time, install_id in ordered if time <= event.event_time]
        after = [install_id for time, install_id in ordered if time > event.event_time]
        return (before[-1:] + after[:1] + [""])[0]
