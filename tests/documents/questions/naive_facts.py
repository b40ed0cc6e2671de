"""What the naive answers are made of: lives, days, money and dollars, read in loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any

from schemas.time import DAY_MS
from tests.documents.questions.question_log import BEGIN, DAYS, Event, QuestionLog

Key = tuple[str, str]
"""App and install."""


@dataclass(frozen=True)
class Life:
    """A new user, with whom the credit is."""

    app: str
    install: str
    at: int
    day: date
    source: str
    campaign: str
    site: str
    ctit_s: int
    others: tuple[str, ...]
    event: Event = field(hash=False)

    @property
    def key(self) -> Key:
        return self.app, self.install


@dataclass(frozen=True)
class Money:
    """One booking: signed units of the currency, and dollars where there is a rate."""

    life: Life
    at: int
    kind: str
    amount: Fraction
    currency: str
    usd: Fraction | None
    event: Event

    @property
    def day(self) -> date:
        return day_of(self.at)

    @property
    def day_of_life(self) -> int:
        return (self.at - self.life.at) // DAY_MS


class NaiveFacts:
    """The log, sorted out once."""

    def __init__(self, log: QuestionLog) -> None:
        self.log = log
        self.last_day = day_of(BEGIN + DAYS * DAY_MS)

    @cached_property
    def lives(self) -> list[Life]:
        return [self._life(event) for event in self.log.of("install")]

    def _life(self, event: Event) -> Life:
        clicks = [
            click
            for click in self.log.of("touchpoint")
            if click["gaid"] == event["gaid"] and click["event_time"] < event["event_time"]
        ]
        clicks.sort(key=lambda click: -int(click["event_time"]))
        best: Event = clicks[0] if clicks else {}
        return Life(
            app=event["app_id"],
            install=event["install_id"],
            at=event["event_time"],
            day=day_of(event["event_time"]),
            source=best.get("media_source", "organic"),
            campaign=best.get("campaign_id", ""),
            site=best.get("site_id", ""),
            ctit_s=(event["event_time"] - best["event_time"]) // 1000 if best else -1,
            others=tuple(click["media_source"] for click in clicks[1:]),
            event=event,
        )

    @cached_property
    def by_key(self) -> dict[Key, Life]:
        return {life.key: life for life in self.lives}

    def life_of(self, event: Event) -> Life:
        return self.by_key[event["app_id"], event["install_id"]]

    @cached_property
    def active(self) -> set[tuple[Life, date]]:
        """Lives and dates, UTC, with a session or an in-app event."""
        events = self.log.of("session", "in_app_event")
        return {(self.life_of(event), day_of(event["event_time"])) for event in events}

    @cached_property
    def days_of_life(self) -> dict[Key, set[int]]:
        found: dict[Key, set[int]] = defaultdict(set)
        for event in self.log.of("session", "in_app_event"):
            life = self.life_of(event)
            found[life.key].add((event["event_time"] - life.at) // DAY_MS)
        return found

    @cached_property
    def moneys(self) -> list[Money]:
        sales = {sale["transaction_id"]: sale for sale in self.log.of("purchase")}
        found = []
        for event in self.log.of("purchase", "ad_revenue", "refund"):
            of = sales[event["transaction_id"]] if event["type"] == "refund" else event
            sign = -1 if event["type"] == "refund" else 1
            amount = sign * Fraction(of["amount_micros"], 1_000_000)
            usd = self.usd(amount, of["currency"], day_of(event["event_time"]))
            life, at = self.life_of(of), event["event_time"]
            found.append(Money(life, at, event["type"], amount, of["currency"], usd, of))
        return found

    def usd(self, amount: Fraction, currency: str, day: date) -> Fraction | None:
        if currency == "USD":
            return amount
        rate = [r["rate_e9"] for r in self.log.of("exchange_rate") if r["date"] <= str(day)]
        return amount * Fraction(rate[-1], 10**9) if currency == "EUR" else None

    def cost(self, day: date | None = None, **fields: str) -> Fraction:
        """Dollars of the cost reports with these fields."""
        return sum_of(
            self.usd(
                Fraction(line["amount_micros"], 1_000_000),
                line["currency"],
                date.fromisoformat(line["date"]),
            )
            for line in self.log.of("cost")
            if (day is None or line["date"] == str(day))
            and all(line[name] == value for name, value in fields.items())
        )

    def mature(self, day_n: int) -> list[Life]:
        """Lives of days of which every install has passed that day of life."""
        return [life for life in self.lives if life.day + timedelta(day_n + 2) <= self.last_day]

    def has_paid(self, life: Life, day_n: int = 10**6) -> bool:
        """Whether money but of advertisements is left by the end of that day of life."""
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for money in self.moneys:
            if money.life == life and money.kind != "ad_revenue" and money.day_of_life <= day_n:
                sums[money.currency] += money.amount
        return any(total > 0 for total in sums.values())

    def dollars_by(self, lives: Iterable[Life], day_n: int) -> Fraction:
        """Dollars of all of these by the end of that day of life."""
        keys = {life.key for life in lives}
        return sum_of(
            money.usd
            for money in self.moneys
            if money.life.key in keys and money.day_of_life <= day_n
        )


def sum_of(values: Iterable[Fraction | None]) -> Fraction:
    return sum((value for value in values if value is not None), Fraction())


def day_of(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()


def median(values: Iterable[int]) -> int:
    """As quantileExact(0.5): of two in the middle the upper one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def groups(values: Iterable[Any], key: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for value in values:
        found[key(value)].append(value)
    return dict(sorted(found.items()))
