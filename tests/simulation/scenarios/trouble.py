"""What valid traffic is like at its edges: extreme amounts and texts, lives of two years, money
that is restored, taken back and given again, and partitions that hardly anybody writes to.

Of the seeds from 1,000 on, one in four has some of it, drawn beside the world of the seed, which
stays as it is. In one of seven seeds topics are created anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from schemas import topics
from schemas.parts import MICROS_MAX
from schemas.time import DAY_MS, HOUR_MS
from tests.simulation.scenarios.advertisements import Fields, Person

ALPHABETS = ("x", "Ж", "漢", "𝕏", "👩‍🚀", "\u202eא", "e\u0301", " ", "'", '"', "\\", "%", "\n")
TROUBLE_FROM = 1_000
MONTH_MS = 30 * DAY_MS
EXTREMES = (MICROS_MAX, MICROS_MAX, MICROS_MAX - 1, 1, 0)


class Pen(Protocol):
    """Writes what happens in the world of a seed."""

    people: list[Person]

    def fields(self, kind: str, app_id: str, time: int, /) -> Fields: ...

    def write(self, topic: topics.Topic, key: str, ts: int, fields: Fields, /) -> None: ...


def has_trouble(seed: int) -> bool:
    return seed >= TROUBLE_FROM and seed % 4 == 3


def renewed_topics(chance: random.Random) -> list[str]:
    """Topics that an operator deletes and creates anew: one, or all of a kind."""
    kind = topics.SOURCES if chance.random() < 0.6 else topics.OUTCOMES
    names = [topic.name for topic in kind]
    return names if chance.random() < 0.4 else [chance.choice(names)]


def write_trouble(pen: Pen, chance: random.Random) -> list[str]:
    """Some trouble; the names of it."""
    kinds = [kind for kind in TROUBLE if chance.random() < 0.5] or ["money"]
    for kind in kinds:
        TROUBLE[kind](pen, chance)
    return kinds


def _money(pen: Pen, chance: random.Random) -> None:
    """The largest amounts, several of one install, so that sums leave 64 bits behind."""
    person = chance.choice(pen.people)
    for _ in range(chance.randint(1, 6)):
        micros = chance.choice(EXTREMES)
        bought = _payment(pen, "purchase", person, person.time + chance.randrange(DAY_MS), micros)
        if chance.random() < 0.4:
            _refund(pen, bought, chance.choice((-MICROS_MAX, None)), chance)
        fields = pen.fields("ad_revenue", person.app_id, person.time + chance.randrange(DAY_MS))
        fields |= {"impression_id": fields["event_id"], "install_id": person.install_id}
        fields |= {"amount_micros": chance.choice(EXTREMES), "currency": "USD"}
        pen.write(topics.PAYMENTS, person.install_id, fields["event_time"] + 1_000, fields)
    cost = pen.fields("cost", person.app_id, person.time)
    cost |= {"date": "2026-10-01", "media_source": long_text(256, chance), "currency": "USD"}
    cost |= {"amount_micros": chance.choice(EXTREMES), "campaign_name": long_text(1_024, chance)}
    pen.write(topics.COSTS, "campaign", person.time + 1_000, cost)


def _texts(pen: Pen, chance: random.Random) -> None:
    """Texts as long as the contract allows, in any alphabet, also as ids."""
    person = chance.choice(pen.people)
    for _ in range(chance.randint(1, 4)):
        time = person.time - chance.randrange(DAY_MS)
        fields = pen.fields("touchpoint", person.app_id, time) | person.device
        fields |= {"touch_type": "impression", "touch_id": long_text(256, chance)}
        fields |= {"media_source": "south", "campaign_name": long_text(1_024, chance)}
        fields |= {name: long_text(256, chance) for name in ("site_id", "ad_id", "channel")}
        pen.write(topics.TOUCHPOINTS, fields["touch_id"], time + 1_000, fields)
        bought = _payment(pen, "purchase", person, person.time + HOUR_MS, 990_000,
                          transaction_id=f"{long_text(200, chance)}{fields['event_id']}",
                          product_id=long_text(1_024, chance))  # fmt: skip
        if chance.random() < 0.5:
            _refund(pen, bought, None, chance)


def _subscription(pen: Pen, chance: random.Random) -> None:
    _renewals(pen, chance, chance.choice((2, 4)))


def _long_subscription(pen: Pen, chance: random.Random) -> None:
    _renewals(pen, chance, 25)


def _renewals(pen: Pen, chance: random.Random, periods: int) -> None:
    """From a trial that states the price, through renewals, to the end; some of it comes back."""
    person = chance.choice(pen.people)
    first = ""
    time = person.time + chance.randrange(DAY_MS)
    for period in range(periods):
        kind = "renewal" if period else chance.choice(("trial_start", "start"))
        paid = _payment(pen, "subscription", person, time, 4_990_000, kind=kind)
        first = first or paid["transaction_id"]
        if chance.random() < 0.3:
            silent = chance.choice(("grace", "billing_retry", "cancel", "expire"))
            _payment(pen, "subscription", person, time + DAY_MS, 4_990_000, kind=silent,
                     transaction_id=paid["transaction_id"])  # fmt: skip
        if chance.random() < 0.3:
            _refund(pen, paid, chance.choice((None, None, -4_990_000, -1_000_000)), chance)
        time += MONTH_MS


def _restores(pen: Pen, chance: random.Random) -> None:
    """A purchase and those that restore it, from whoever restores it, and refunds of any."""
    person = chance.choice(pen.people)
    bought = _payment(pen, "purchase", person, person.time + HOUR_MS, 9_990_000,
                      is_seen=chance.random() < 0.7)  # fmt: skip
    family = [bought] if chance.random() < 0.5 else []
    neighbours = [one for one in pen.people if one.app_id == person.app_id]
    original = {"original_transaction_id": bought["transaction_id"]}
    family += [
        _payment(pen, "purchase", chance.choice(neighbours),
                 bought["event_time"] + nth * DAY_MS, 9_990_000, **original)
        for nth in range(1, chance.randint(2, 4))
    ]  # fmt: skip
    for paid in family:
        if chance.random() < 0.4:
            _refund(pen, paid, chance.choice((None, -9_990_000, -1_000_000)), chance)


def _long_life(pen: Pen, chance: random.Random) -> None:
    """Somebody who comes back for two years, sometimes after ten months."""
    person = chance.choice(pen.people)
    time = person.ts + HOUR_MS
    until = time + 730 * DAY_MS
    while time < until:
        fields = pen.fields("session", person.app_id, time)
        fields |= {"install_id": person.install_id, "session_id": fields["event_id"]}
        pen.write(topics.ACTIVITY, person.install_id, time + chance.randrange(5_000), fields)
        if chance.random() < 0.5:
            _payment(pen, "purchase", person, time, 990_000)
        time += chance.choice((DAY_MS, MONTH_MS, MONTH_MS, 300 * DAY_MS))


TROUBLE: Mapping[str, Callable[[Pen, random.Random], None]] = {
    "money": _money,
    "texts": _texts,
    "subscription": _subscription,
    "restores": _restores,
    "long life": _long_life,
    "long subscription": _long_subscription,
}


def long_text(most: int, chance: random.Random) -> str:
    """As long as may be, or a character less, or of one character; never blank."""
    letter = chance.choice(ALPHABETS)
    text = letter * (most // len(letter))
    return f"a{text[: chance.choice((most, most, most - 1, 1)) - 2]}z{chance.randrange(4)}"[:most]


def _payment(pen: Pen, name: str, person: Person, time: int, micros: int, **changes: Any) -> Fields:
    fields = pen.fields(name, person.app_id, time)
    fields |= {"amount_micros": micros, "currency": "USD", "install_id": person.install_id}
    fields["transaction_id"] = f"trouble-{fields['event_id']}"
    is_seen = changes.pop("is_seen", True)
    fields |= changes
    if is_seen:
        pen.write(topics.PAYMENTS, person.install_id, time + 1_000, fields)
    return fields


def _refund(pen: Pen, paid: Fields, micros: int | None, chance: random.Random) -> None:
    """Takes a part, or with no amount what is left; a share of them is reversed."""
    time = paid["event_time"] + chance.randrange(HOUR_MS, 3 * DAY_MS)
    refund_id = ""
    for kind in ("refund", "reversed") if chance.random() < 0.3 else ("refund",):
        fields = pen.fields("refund", paid["app_id"], time)
        refund_id = refund_id or f"trouble-{fields['event_id']}"
        fields |= {"refund_id": refund_id, "transaction_id": paid["transaction_id"], "kind": kind}
        if micros is not None:
            fields |= {"amount_micros": micros if kind == "refund" else -micros, "currency": "USD"}
        pen.write(topics.PAYMENTS, paid["transaction_id"], time + 1_000, fields)
        time += HOUR_MS
