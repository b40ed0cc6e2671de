"""The difference between two rule sets: installs, re-engagements and money, by channel.

Money goes to the conversion in force when it was paid: to a re-engagement until it expires, else
to the install; after a temporary re-attribution, again to the install before it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from streams.replay.tally import ConversionKey, Paid, Tally

NOBODY = "nobody"
"""Media source of a conversion or payment that the other rule set does not have."""

UNDECIDED = "undecided"
"""Media source of money whose install has no decision yet."""

ChangeReason = tuple[str, str]
"""Effect on a touchpoint, "excludes" or "admits", and the rule that its receipt names."""


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The fields of an attribution that say which channel gets the credit and the money."""

    conversion_id: str
    app_id: str
    install_id: str
    version: int
    conversion_type: str
    status: str
    conversion_time: int
    expires_at: int
    prior_install_id: str
    touch_id: str
    media_source: str
    campaign_id: str
    candidates: str


class Channel(NamedTuple):
    media_source: str
    campaign_id: str


class ChannelConversion(NamedTuple):
    """A conversion, as one rule set attributes it."""

    channel: Channel
    touch_id: str
    conversion_type: str


class Booked(NamedTuple):
    """A payment, as one rule set books it. Refunds are negative."""

    channel: Channel
    currency: str
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Side:
    """The decisions of one rule set, by app and conversion id, and its bookings, by booking id."""

    rule_set: str
    credits: Mapping[ConversionKey, ChannelConversion]
    money: Mapping[str, Booked]


class _Receipt(msgspec.Struct, frozen=True, gc=False):
    touch_id: str
    rule: str
    verdict: str


# A late touchpoint that changes nothing makes no new version, so no receipt shows it.
_NOT_SHOWN = ("rejected", "not_on_receipt")

_receipts = msgspec.json.Decoder(list[_Receipt])


def side_of(found: Tally[Placed], rule_set: str) -> Side:
    """The decisions and bookings of a replay; withdrawn conversions do not count."""
    channels: dict[Channel, Channel] = {}  # one object for each, however many installs it has

    def channel_of(row: Placed | None) -> Channel:
        channel = Channel(row.media_source, row.campaign_id) if row else Channel(UNDECIDED, "")
        return channels.setdefault(channel, channel)

    rows = {name: row for name, row in found.conversions.items() if row.status != "withdrawn"}
    reengagements_of: dict[ConversionKey, list[Placed]] = defaultdict(list)
    for row in rows.values():
        if row.conversion_id != row.install_id:
            reengagements_of[row.app_id, row.install_id].append(row)
    return Side(
        rule_set,
        {
            name: ChannelConversion(channel_of(row), row.touch_id, row.conversion_type)
            for name, row in rows.items()
        },
        {
            paid.booking_id: Booked(
                channel_of(_in_force(paid, rows, reengagements_of.get(paid.payer, ()))),
                paid.currency,
                paid.amount_micros,
            )
            for paid in found.money
        },
    )


def _in_force(
    paid: Paid, rows: Mapping[ConversionKey, Placed], reengagements_of: Iterable[Placed]
) -> Placed | None:
    """The conversion that gets this money; None when nothing is decided yet."""
    at = paid.event_time
    current = [row for row in reengagements_of if row.conversion_time <= at < row.expires_at]
    if current:
        return max(current, key=lambda row: (row.conversion_time, row.conversion_id))
    row = rows.get(paid.payer)
    seen: set[str] = set()
    while row is not None and 0 < row.expires_at <= at and row.install_id not in seen:
        seen.add(row.install_id)
        before = rows.get((row.app_id, row.prior_install_id))
        if before is None:
            break
        row = before
    return row


def changed(in_force: Side, other: Side) -> list[ConversionKey]:
    """App and id of the conversions whose channel differs, sorted."""
    return sorted(
        name
        for name in in_force.credits.keys() | other.credits.keys()
        if _channel(in_force.credits.get(name)) != _channel(other.credits.get(name))
    )


def reason_of(
    before: ChannelConversion, after: ChannelConversion, old: str, new: str
) -> ChangeReason:
    """Why an install's credit moves, from its receipts (JSON) under both rule sets."""
    if before.touch_id:
        lost = _rules_by_touch(new).get(before.touch_id, _NOT_SHOWN)
        if lost[0] == "rejected":
            return "excludes", lost[1]
    gained = _rules_by_touch(old).get(after.touch_id, _NOT_SHOWN)
    return "admits", gained[1]


def _rules_by_touch(receipts: str) -> dict[str, tuple[str, str]]:
    return {row.touch_id: (row.verdict, row.rule) for row in _receipts.decode(receipts or "[]")}


def _channel(credited: ChannelConversion | Booked | None) -> Channel:
    return credited.channel if credited is not None else Channel(NOBODY, "")


@dataclass(slots=True)
class Amounts:
    """Totals of one channel under one rule set, or of the moves between two channels."""

    installs: int = 0
    reengagements: int = 0
    micros: Counter[str] = field(default_factory=Counter)  # by currency

    def count(self, credited: ChannelConversion) -> None:
        if credited.conversion_type == "reengagement":
            self.reengagements += 1
        else:
            self.installs += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "installs": self.installs,
            "reengagements": self.reengagements,
            "micros": {name: micros for name, micros in sorted(self.micros.items()) if micros},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same events under two rule sets: the rules in force, and other ones."""

    in_force: Side
    other: Side
    reasons: Counter[ChangeReason]  # installs

    def channels(self) -> list[tuple[Channel, Amounts, Amounts]]:
        """Each channel with its totals under the rules in force, and under the other rules."""
        before, after = _by_channel(self.in_force), _by_channel(self.other)
        names = sorted(before.keys() | after.keys())
        return [(name, before.get(name, Amounts()), after.get(name, Amounts())) for name in names]

    def moves(self) -> list[tuple[Channel, Channel, Amounts]]:
        """Pairs of channels with what moves from the first to the second; most installs first."""
        found: dict[tuple[Channel, Channel], Amounts] = defaultdict(Amounts)
        for name in changed(self.in_force, self.other):
            before, after = self.in_force.credits.get(name), self.other.credits.get(name)
            credited = after or before
            assert credited is not None
            found[_channel(before), _channel(after)].count(credited)
        for booking_id in self.in_force.money.keys() | self.other.money.keys():
            old, new = self.in_force.money.get(booking_id), self.other.money.get(booking_id)
            booked = new or old
            assert booked is not None
            if _channel(old) != _channel(new):
                move = found[_channel(old), _channel(new)]
                move.micros[booked.currency] += booked.amount_micros
        moves = [(old, new, amounts) for (old, new), amounts in found.items()]
        return sorted(moves, key=lambda move: (-move[2].installs, move[0], move[1]))

    def money_moved(self) -> dict[str, int]:
        """Micros that change their channel, by currency."""
        total: Counter[str] = Counter()
        for _, _, amounts in self.moves():
            for currency, micros in amounts.micros.items():
                total[currency] += abs(micros)
        return dict(sorted(total.items()))

    def as_json(self) -> dict[str, Any]:
        both = (self.in_force, self.other)
        moves = self.moves()
        return {
            "rule_sets": {"in_force": both[0].rule_set, "other": both[1].rule_set},
            "conversions": {
                name: _types(side) for name, side in zip(("in_force", "other"), both, strict=True)
            },
            "installs_changed": sum(amounts.installs for _, _, amounts in moves),
            "reengagements_changed": sum(amounts.reengagements for _, _, amounts in moves),
            "money_moved_micros": self.money_moved(),
            "reasons": [
                {"effect": effect, "rule": rule, "installs": installs}
                for (effect, rule), installs in self.reasons.most_common()
            ],
            "channels": [
                channel._asdict() | {"in_force": before.as_json(), "other": after.as_json()}
                for channel, before, after in self.channels()
            ],
            "moves": [
                {"from": old._asdict(), "to": new._asdict()} | amounts.as_json()
                for old, new, amounts in moves
            ],
        }


def _by_channel(side: Side) -> dict[Channel, Amounts]:
    found: dict[Channel, Amounts] = defaultdict(Amounts)
    for credited in side.credits.values():
        found[credited.channel].count(credited)
    for booked in side.money.values():
        found[booked.channel].micros[booked.currency] += booked.amount_micros
    return dict(found)


def _types(side: Side) -> dict[str, int]:
    found = Counter(credited.conversion_type for credited in side.credits.values())
    return dict(sorted(found.items()))
