"""A small market with every kind of conversion, and a naive reading of who earned what."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from schemas.outcomes import Attribution, Booking, Outcome, RateRow, SpendRow
from schemas.time import DAY_MS
from tests.worlds.stores.traffic_outcomes import NOON, booking, decision, rate, spend

CURRENCIES = ("USD", "EUR", "JPY", "GBP", "BRL", "SEK")
SOURCES = ("alpha", "beta", "gamma", "organic")
FIRST_DAY = date(2026, 1, 1)


@dataclass
class Market:
    decisions: list[Attribution] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    rates: list[RateRow] = field(default_factory=list)
    spends: list[SpendRow] = field(default_factory=list)
    install_times: dict[str, int] = field(default_factory=dict)
    stated: dict[str, dict[tuple[str, str], Fraction]] = field(default_factory=dict)

    def published(self, rng: random.Random) -> list[Outcome]:
        """Everything in some order, and some of it twice."""
        rows: list[Outcome] = [*self.decisions, *self.bookings, *self.rates, *self.spends]
        rows += rng.sample(rows, len(rows) // 10)
        rng.shuffle(rows)
        return rows


def some_market(rng: random.Random) -> Market:
    market = Market()
    for number in range(40):
        _add_install(market, rng, number)
    for day in range(60):
        _add_rates(market, rng, day)
    for number in range(20):
        spent_on = FIRST_DAY + timedelta(days=rng.randrange(60))
        for revision in range(rng.choice([1, 1, 2, 3])):
            market.spends.append(
                spend(
                    f"s{number}",
                    rng.choice([0, 1, 2_345_678, 10**9]),
                    revision=revision,
                    date=spent_on.isoformat(),
                    media_source=rng.choice(SOURCES[:3]) if revision == 0 else "alpha",
                    currency=rng.choice(CURRENCIES),
                )
            )
    return market


def _add_install(market: Market, rng: random.Random, number: int) -> None:
    """Its own conversion, unless the decision is still to come; perhaps re-engagements; money."""
    install_id, at = f"i{number:02}", NOON + rng.randrange(20 * DAY_MS)
    market.install_times[install_id] = at
    prior = f"i{rng.randrange(number):02}" if number and rng.random() < 0.5 else ""
    kind = rng.choice(["reattribution", "reattribution", "reinstall"]) if prior else "install"
    ends = [0, at + DAY_MS, at + 5 * DAY_MS] if kind == "reattribution" else [0]
    common = {"install_time": at, "conversion_time": at, "conversion_type": kind}
    common |= {"prior_install_id": prior}
    if rng.random() < 0.9:
        _add_versions(market, rng, (install_id, install_id), common, ends)
    for touch in range(rng.choice([0, 0, 1, 2, 3])):
        begin = at + rng.randrange(30 * DAY_MS)
        again = common | {
            "conversion_type": "reengagement",
            "conversion_time": begin,
        }
        ends = [begin + days * DAY_MS for days in (1, 10, 30)]
        _add_versions(market, rng, (install_id, f"{install_id}~e{touch}"), again, ends)
    for payment in range(rng.choice([0, 1, 3, 8])):
        _add_money(market, rng, f"{install_id}-m{payment}", install_id)


def _add_versions(
    market: Market,
    rng: random.Random,
    ids: tuple[str, str],
    common: dict[str, object],
    ends: list[int],
) -> None:
    install_id, conversion_id = ids
    for version in range(1, rng.choice([2, 2, 3, 5])):
        source = rng.choice(SOURCES)
        is_gone = conversion_id != install_id and rng.random() < 0.2
        fields = common | {
            "attribution_id": f"{conversion_id}:{version}",
            "conversion_id": conversion_id,
            "media_source": source,
            "campaign_id": "" if source == "organic" else f"{source}-{rng.randrange(3)}",
            "expires_at": rng.choice(ends),
            "status": "withdrawn" if is_gone else "non_organic",
        }
        market.decisions.append(decision(install_id, version, **fields))


def _add_money(market: Market, rng: random.Random, money_id: str, install_id: str) -> None:
    install_time = market.install_times[install_id]
    fields: dict[str, object] = {
        "event_time": install_time + rng.randrange(40 * DAY_MS),
        "install_time": install_time,
        "currency": rng.choice(CURRENCIES),
        "kind": rng.choice(["purchase", "subscription", "refund", "ad_revenue"]),
    }
    micros = rng.choice([1, 7, 999_999, 4_990_000, 10**12]) * (
        -1 if fields["kind"] == "refund" else 1
    )
    market.bookings.append(booking(money_id, install_id, micros, **fields))
    if rng.random() < 0.1:  # It was somebody else's.
        moved = {"is_relink": True}
        away = fields | moved | {"booking_id": f"{money_id}:move1-", "sign": -1}
        there = fields | moved | {"booking_id": f"{money_id}:move1+"}
        there["install_time"] = market.install_times["i00"]
        market.bookings.append(booking(money_id, install_id, -micros, **away))
        market.bookings.append(booking(money_id, "i00", micros, **there))


def _add_rates(market: Market, rng: random.Random, day: int) -> None:
    """Towards the dollar, from it, and across the euro; nothing at all for the krona."""
    text = (FIRST_DAY + timedelta(days=day)).isoformat()
    pairs = (
        ("EUR", "USD"),
        ("USD", "JPY"),
        ("EUR", "GBP"),
        ("GBP", "JPY"),
        ("BRL", "EUR"),
        ("BRL", "USD"),
    )
    for base, quote in pairs:
        if rng.random() < 0.3:
            for revision in range(rng.choice([1, 1, 2])):
                value = rng.randrange(1, 2**40)
                row = rate(base, quote, value, date=text, revision=revision)
                market.rates.append(row)


# What follows reads the market as a person would, one thing at a time.


def current(market: Market) -> dict[str, Attribution]:
    newest: dict[str, Attribution] = {}
    for row in market.decisions:
        known = newest.get(row.conversion_id)
        if known is None or row.version > known.version:
            newest[row.conversion_id] = row
    return {one: row for one, row in newest.items() if row.status != "withdrawn"}


def in_force(decisions: dict[str, Attribution], install_id: str, at: int) -> str:
    """Conversion that gets what an install brought at a moment."""
    running = [
        row
        for row in decisions.values()
        if row.install_id == install_id
        and row.conversion_type == "reengagement"
        and row.conversion_time <= at < row.expires_at
    ]
    if running:
        return max(running, key=lambda row: (row.conversion_time, row.conversion_id)).conversion_id
    own = decisions.get(install_id)
    while own is not None and own.expires_at and own.expires_at <= at:
        install_id = own.prior_install_id
        own = decisions.get(install_id)
    return install_id


def dollars(market: Market, currency: str, day: date) -> Fraction | None:
    """For one unit, by the newest rate at or before the day."""
    if currency == "USD":
        return Fraction(1)
    market.stated = market.stated or _stated(market)
    for back in range(100):
        of_day = market.stated.get((day - timedelta(days=back)).isoformat(), {})
        found = _way(of_day, currency)
        if found is not None:
            return found
    return None


def _stated(market: Market) -> dict[str, dict[tuple[str, str], Fraction]]:
    newest: dict[str, RateRow] = {}
    for row in market.rates:
        known = newest.get(row.rate_id)
        if known is None or row.revision > known.revision:
            newest[row.rate_id] = row
    days: dict[str, dict[tuple[str, str], Fraction]] = defaultdict(dict)
    for row in newest.values():
        days[row.date][row.base, row.quote] = Fraction(row.rate_e9, 10**9)
    return days


def _way(rates: dict[tuple[str, str], Fraction], unit: str) -> Fraction | None:
    if (unit, "USD") in rates:
        return rates[unit, "USD"]
    if ("USD", unit) in rates:
        return 1 / rates["USD", unit]
    for via in sorted(CURRENCIES):
        if (via, unit) in rates and (via, "USD") in rates:
            return rates[via, "USD"] / rates[via, unit]
    for via in sorted(CURRENCIES):
        if (unit, via) in rates and ("USD", via) in rates:
            return rates[unit, via] / rates["USD", via]
    return None


def in_dollars(market: Market, micros: int, currency: str, day: date) -> int | None:
    """Rounded half away from zero."""
    price = dollars(market, currency, day)
    if price is None:
        return None
    size = int(abs(micros) * price + Fraction(1, 2))
    return size if micros >= 0 else -size


def day_of(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()


Line = tuple[str, str, str, str]  # day, media source, campaign, currency
Sums = dict[Line, Counter[str]]


def campaign_lines(market: Market) -> Sums:
    """Money per campaign, day of the conversion, and currency."""
    decisions = current(market)
    sums: Sums = defaultdict(Counter)
    for row in {row.booking_id: row for row in market.bookings}.values():
        conversion = in_force(decisions, row.install_id, row.event_time)
        credited = decisions.get(conversion)
        if credited is None:
            source = "undecided" if conversion == row.install_id else "organic"
            place = (str(day_of(row.install_time)), source, "")
        else:
            day = str(day_of(credited.conversion_time))
            place = (day, credited.media_source, credited.campaign_id)
        usd = in_dollars(market, row.amount_micros, row.currency, day_of(row.event_time))
        _add(sums[*place, row.currency], "revenue", row.amount_micros, usd)
    latest: dict[str, SpendRow] = {}
    for spent in market.spends:
        known = latest.get(spent.spend_id)
        if known is None or spent.revision > known.revision:
            latest[spent.spend_id] = spent
    for spent in latest.values():
        line = (spent.date, spent.media_source, spent.campaign_id, spent.currency)
        spent_on = date.fromisoformat(spent.date)
        usd = in_dollars(market, spent.amount_micros, spent.currency, spent_on)
        _add(sums[line], "cost", spent.amount_micros, usd)
    return sums


def _add(counts: Counter[str], what: str, micros: int, usd: int | None) -> None:
    counts[what] += micros
    counts[f"{what}_usd"] += usd or 0
    if usd is None:
        counts["unconverted"] += 1
        counts[f"unconverted_{what}"] += micros
