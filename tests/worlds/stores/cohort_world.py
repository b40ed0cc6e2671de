"""A random history of cohorts as outcomes, and what a naive reader makes of them.

The history holds what corrects figures later: new versions of decisions, withdrawn conversions,
refunds, money that moves to another install, currencies with and without rates, repeats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

import msgspec

from schemas.outcomes import Attribution, Booking, Freshness, Outcome
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs
from tests.worlds.stores.fact_outcomes import active_day
from tests.worlds.stores.traffic_outcomes import booking, decision, rate

DAYS = 12
"""Install days."""
FIRST = 1_767_225_600_000
"""2026-01-01 00:00 UTC."""
SOURCES = ("alpha", "beta", "organic")
RATES = {"EUR": Fraction(11, 10), "USD": Fraction(1)}
"""Dollars for one unit; JPY has none."""
PAID = ("purchase", "subscription")


@dataclass(slots=True)
class CohortHistory:
    """Outcomes in the order in which they were stored, and the log time that was reached."""

    log_days: int  # since FIRST
    decisions: list[Attribution] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    active: list[Outcome] = field(default_factory=list)

    @property
    def log_time(self) -> int:
        return FIRST + self.log_days * DAY_MS + 5 * HOUR_MS

    def rows(self) -> Iterator[Outcome]:
        yield from self.decisions
        yield from self.bookings
        yield from self.active
        yield rate("EUR", "USD", 1_100_000_000, date="2025-12-01")
        for partition, behind in enumerate((0, HOUR_MS)):
            at = LogMs(self.log_time + HOUR_MS - behind)
            yield Freshness(stage="journeys", partition=partition, stage_time=at)


def cohort_history(seed: int, installs: int = 60, log_days: int = 20) -> CohortHistory:
    """One history; the same seed gives the same."""
    rng = Random(seed)
    history = CohortHistory(log_days)
    for number in range(installs):
        _one_install(history, rng, f"i{number}")
    _relinks(history, rng)
    return history


def _one_install(history: CohortHistory, rng: Random, name: str) -> None:
    at = FIRST + rng.randrange(DAYS * DAY_MS)
    app = rng.choice(["puzzle", "run"])
    of_app: dict[str, Any] = {"app_id": app, "install_time": EventMs(at)}
    for version in range(1, rng.choice([1, 1, 1, 2, 3]) + 1):
        source = rng.choice(SOURCES)
        gone = version > 1 and rng.random() < 0.1
        history.decisions.append(
            decision(
                name,
                version,
                media_source=source,
                campaign_id="" if source == "organic" else rng.choice(["spring", "summer"]),
                status="withdrawn" if gone else "non_organic",
                conversion_type=rng.choice(["install"] * 9 + ["reinstall"]),
                conversion_time=EventMs(at),
                **of_app,
            )
        )
    if rng.random() < 0.1:  # A test of a producer, under an id of its own.
        history.decisions.append(decision(f"{name}-test", environment="sandbox", **of_app))
    for _ in range(rng.choice([0, 0, 1, 3])):
        _one_sale(history, rng, name, at, app)
    seen = set()
    for _ in range(rng.choice([0, 2, 6])):
        moment = at + int(rng.expovariate(1 / (2 * DAY_MS)))
        day, date = (moment - at) // DAY_MS, f"{datetime.fromtimestamp(moment / 1000, UTC):%F}"
        if (day, date) in seen and rng.random() < 0.7:
            continue
        seen.add((day, date))
        row = msgspec.structs.replace(
            active_day(),
            active_day_id=f"{app}:{name}:{day}:{date}",
            install_id=name,
            conversion_id=rng.choice(["", name]),
            day_of_life=day,
            date=date,
            event_time=EventMs(moment),
            **of_app,
        )
        history.active.append(row)


def _one_sale(history: CohortHistory, rng: Random, name: str, at: int, app: str) -> None:
    number = len(history.bookings)
    kind = rng.choice([*PAID, "ad_revenue"])
    micros = rng.choice([990_000, 4_990_000, 1_234_567, 10**12])
    moment = at - HOUR_MS + int(rng.expovariate(1 / (3 * DAY_MS)))
    fields: dict[str, Any] = {
        "app_id": app,
        "install_time": EventMs(at),
        "currency": rng.choice(["EUR", "EUR", "USD", "JPY"]),
        "kind": kind,
    }
    sale = booking(f"m{number}", name, micros, event_time=EventMs(moment), **fields)
    history.bookings.append(sale)
    if rng.random() < 0.2:
        history.bookings.append(sale)  # Stored twice.
    if kind != "ad_revenue" and rng.random() < 0.3:
        back = rng.choice([micros, micros // 2])
        later = EventMs(moment + rng.randrange(4 * DAY_MS))
        fields |= {"kind": "refund", "event_time": later}
        history.bookings.append(booking(f"r{number}", name, -back, **fields))


def _relinks(history: CohortHistory, rng: Random) -> None:
    """Some money turns out to be of another install of the app."""
    times = {one.install_id: (one.app_id, one.install_time) for one in history.decisions}
    for sale in list(history.bookings):
        others = [name for name, (app, _) in times.items() if app == sale.app_id]
        if sale.kind in PAID and rng.random() < 0.15:
            other = rng.choice(sorted(others))
            halves = ((-1, sale.install_id), (1, other))
            for sign, owner in halves:
                history.bookings.append(
                    msgspec.structs.replace(
                        sale,
                        booking_id=f"{sale.booking_id}:move1{'+' if sign > 0 else '-'}",
                        sign=sign,
                        is_relink=True,
                        amount_micros=sign * sale.amount_micros,
                        install_id=owner,
                        install_time=times[owner][1],
                    )
                )


@dataclass(slots=True)
class NaiveDay:
    """What happened in one cohort on one day of life."""

    active: set[str] = field(default_factory=set)
    payers: set[str] = field(default_factory=set)
    usd_micros: int = 0
    unconverted: int = 0


@dataclass(slots=True)
class NaiveCohort:
    """A cohort as a naive reader sees it, by one way of counting days."""

    members: set[str] = field(default_factory=set)
    days: dict[int, NaiveDay] = field(default_factory=lambda: defaultdict(NaiveDay))
    paid: dict[tuple[str, str], dict[int, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    """Net payments by install, currency and day."""

    def payers_by(self, day: int) -> int:
        """Installs that have paid by the end of a day, net of refunds until then."""
        return len(
            {
                name
                for (name, _), by_day in self.paid.items()
                if sum(micros for at, micros in by_day.items() if at <= day) > 0
            }
        )

    def usd_by(self, day: int) -> int:
        return sum(one.usd_micros for at, one in self.days.items() if at <= day)


Key = tuple[str, str, str, str]
"""App, install date, media source, campaign."""


def naive_cohorts(history: CohortHistory, *, by_calendar: bool) -> dict[Key, NaiveCohort]:
    """Every cohort of new users, read row by row from the outcomes."""
    current: dict[str, Attribution] = {}
    for one in history.decisions:
        known = current.get(one.conversion_id)
        if one.environment == "production" and (known is None or one.version > known.version):
            current[one.conversion_id] = one
    members = {
        name: one
        for name, one in current.items()
        if one.status != "withdrawn" and one.conversion_type == "install"
    }
    cohorts: dict[Key, NaiveCohort] = defaultdict(NaiveCohort)
    for name, one in members.items():
        cohorts[_key(one)].members.add(name)
    for row in history.active:
        if row.install_id in members:  # type: ignore[attr-defined]  # All are active days.
            one = members[row.install_id]  # type: ignore[attr-defined]
            day = _day(one.install_time, row.event_time, by_calendar=by_calendar)  # type: ignore[attr-defined]
            cohorts[_key(one)].days[day].active.add(one.install_id)
    for sale in {one.booking_id: one for one in reversed(history.bookings)}.values():
        if sale.install_id in members:
            one = members[sale.install_id]
            day = _day(one.install_time, sale.event_time, by_calendar=by_calendar)
            _count_money(cohorts[_key(one)], sale, day)
    for cohort in cohorts.values():
        _find_payers(cohort, history, members, by_calendar=by_calendar)
    return dict(cohorts)


def _key(one: Attribution) -> Key:
    date = f"{datetime.fromtimestamp(one.install_time / 1000, UTC):%F}"
    return one.app_id, date, one.media_source, one.campaign_id


def _day(installed: int, moment: int, *, by_calendar: bool) -> int:
    if by_calendar:
        return max(moment // DAY_MS - installed // DAY_MS, 0)
    return max((moment - installed) // DAY_MS, 0)


def _count_money(cohort: NaiveCohort, sale: Booking, day: int) -> None:
    of_day = cohort.days[day]
    if sale.currency in RATES:
        exact = abs(sale.amount_micros) * RATES[sale.currency]
        rounded = int(exact + Fraction(1, 2))
        of_day.usd_micros += rounded if sale.amount_micros > 0 else -rounded
    else:
        of_day.unconverted += 1
    if sale.kind != "ad_revenue":
        cohort.paid[sale.install_id, sale.currency][day] += sale.amount_micros


def _find_payers(
    cohort: NaiveCohort,
    history: CohortHistory,
    members: dict[str, Attribution],
    *,
    by_calendar: bool,
) -> None:
    sold: dict[tuple[str, int, str], int] = defaultdict(int)
    for sale in {one.booking_id: one for one in history.bookings}.values():
        if sale.install_id in cohort.members and sale.kind in PAID:
            installed = members[sale.install_id].install_time
            day = _day(installed, sale.event_time, by_calendar=by_calendar)
            sold[sale.install_id, day, sale.currency] += sale.amount_micros
    for (name, day, _), micros in sold.items():
        if micros > 0:
            cohort.days[day].payers.add(name)
