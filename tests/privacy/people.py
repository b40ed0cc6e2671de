"""The log of people who click, install, play and pay; some of them ask to be forgotten."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.kafka.kcat import KcatRecord
from tests.worlds.clock import NOON


class Person(NamedTuple):
    install_id: str
    gaid: str
    account: str
    sale: str
    click: str
    asks_by: str  # type of the identity of the request; "": does not ask

    @property
    def names(self) -> tuple[str, ...]:
        """What names this person: ids as they were sent."""
        return self.install_id, self.gaid, self.account, self.sale, self.click

    def identity(self) -> dict[str, str]:
        values = {"install_id": self.install_id, "gaid": self.gaid}
        value = values.get(self.asks_by, self.account)
        return {"identity_type": self.asks_by, "identity_value": value}


def people(count: int, asking: int, seed: int = 1) -> list[Person]:
    rng = random.Random(seed)

    def unique(start: str = "") -> str:
        return start + str(uuid.UUID(int=rng.getrandbits(128), version=4))

    kinds = ("install_id", "gaid", "customer_user_id")
    found = []
    for number in range(count):
        asks_by = kinds[number % len(kinds)] if number < asking else ""
        found.append(
            Person(unique(), unique(), unique("player-"), unique("GPA."), unique("clk-"), asks_by)
        )
    return found


def log_of(crowd: list[Person], seed: int = 1, days: int = 1) -> list[KcatRecord]:
    """Everybody clicks, opens, plays on `days` days and pays; some ask after three days; refunds
    come after."""
    rng = random.Random(seed)
    log: list[KcatRecord] = []
    for number, person in enumerate(crowd):
        log += _life(person, number, NOON + rng.randrange(DAY_MS), days)
    log += requests_of(crowd, NOON + 3 * DAY_MS)
    return sorted(log, key=lambda record: record.timestamp_ms or 0)


def _life(person: Person, number: int, at: int, days: int) -> Iterator[KcatRecord]:
    named: dict[str, Any] = {
        "gaid": person.gaid,
        "customer_user_id": person.account,
        "platform": "android",
    }
    yield _message(
        "touchpoints", "touchpoint", f"t{number}", at - HOUR_MS, gaid=person.gaid,
        touch_type="click", touch_id=person.click, media_source="north", campaign_id="spring",
        device_model="Pixel 8",
    )  # fmt: skip
    mine: dict[str, Any] = {"install_id": person.install_id, **named}
    yield _message("installs", "install", f"i{number}", at, click_id=person.click, **mine)
    session: dict[str, Any] = {"session_id": f"s{number}", **mine}
    yield _message("activity", "session", f"s{number}", at + HOUR_MS, **session)
    yield _message("activity", "in_app_event", f"a{number}", at + HOUR_MS, name="level", **mine)
    for day in range(1, days):
        later = {"session_id": f"s{number}-{day}", **mine}
        yield _message(
            "activity", "session", f"s{number}-{day}", at + day * DAY_MS + HOUR_MS, **later
        )
    if number % 3 == 0:
        paid: dict[str, Any] = {"transaction_id": person.sale, "currency": "EUR"}
        yield _message(
            "payments", "purchase", f"p{number}", at + 2 * HOUR_MS, amount_micros=5_000_000,
            **paid, **mine,
        )  # fmt: skip
        if number % 2 == 0:  # After whoever asks has asked.
            yield _message(
                "payments", "refund", f"r{number}", at + 5 * DAY_MS, kind="refund",
                refund_id=f"r{number}", amount_micros=5_000_000, **paid, **mine,
            )  # fmt: skip
    if number % 7 == 0:  # Cannot be read, and is kept with its bytes.
        yield _message("installs", "install", f"bad{number}", "soon", at + 1, **mine)


def tick(at: int) -> KcatRecord:
    """A first open of somebody else, by which log time comes so far."""
    return _message("installs", "install", "tick", at, install_id="tick", platform="android")


def requests_of(crowd: list[Person], at: int) -> Iterator[KcatRecord]:
    """The requests of those who ask, from a moment on."""
    for number, person in enumerate(crowd):
        if person.asks_by:
            yield _message(
                "privacy-requests", "privacy_request", f"q{number}", at + number * MINUTE_MS // 60,
                subject_request_id=f"dsr-{number}", request_type="erasure", submitted_time=at,
                identities=[person.identity()],
            )  # fmt: skip


def _message(
    topic: str, of_type: str, event_id: str, time: int | str, logged: int = 0, **fields: Any
) -> KcatRecord:
    common = {"type": of_type, "schema_version": 1, "event_id": event_id, "app_id": "app"}
    value = orjson.dumps({**common, "event_time": time, **fields})
    return KcatRecord(topic, 0, None, logged or int(time), None, value)
