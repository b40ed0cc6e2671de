"""A comparison of two rule sets for reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.replay.compare import Channel, Comparison
from streams.replay.what_if import WhatIf

_MICROS = 1_000_000
MOVES_SHOWN = 30
CURRENCIES_SHOWN = 2
MOVE_COLUMNS = ("from", "to", "installs", "reengagements", "money")
_EFFECTS = {"excludes": "now excludes", "admits": "no longer excludes"}


def move_rows(comparison: Comparison) -> list[tuple[Any, ...]]:
    """Largest first, one row for each pair of channels."""
    return [
        (_name(old), _name(new), amounts.installs, amounts.reengagements, _money(amounts.micros))
        for old, new, amounts in comparison.moves()[:MOVES_SHOWN]
    ]


def headlines(found: WhatIf) -> list[str]:
    """What it comes to, why, and how long it took."""
    told = found.as_json()
    moves = len(told["moves"])
    lines = []
    if moves > MOVES_SHOWN:
        lines.append(f"… and {moves - MOVES_SHOWN} smaller moves (--json has all)")
    installs = sum(told["conversions"]["in_force"].values())
    lines.append(
        f"{told['installs_changed']:,} of {installs:,} conversions and"
        f" {told['reengagements_changed']:,} re-engagements would go elsewhere, and with them"
        f" {_money(told['money_moved_micros']) or 'no money'}"
    )
    lines += [
        f"  {one['installs']:,} because the rule {_EFFECTS[one['effect']]}: {one['rule']}"
        for one in told["reasons"]
    ]
    if found.evictions:
        lines.append(f"bounds were hit {found.evictions:,} times: order of arrival may matter")
    lines.append(
        f"{found.events:,} events under rules {told['rule_sets']['in_force']} and"
        f" {told['rule_sets']['other']} in {found.seconds:.1f} s; nothing was stored"
    )
    return lines


def _name(channel: Channel) -> str:
    campaign = f" {channel.campaign_id}" if channel.campaign_id else ""
    return channel.media_source + campaign


def _money(micros: Mapping[str, int]) -> str:
    """The currencies with the largest amounts, and how many more there are."""
    paid = sorted(((abs(amount), name, amount) for name, amount in micros.items() if amount))[::-1]
    shown = [f"{amount / _MICROS:,.2f} {name}" for _, name, amount in paid[:CURRENCIES_SHOWN]]
    more = len(paid) - CURRENCIES_SHOWN
    return " + ".join(shown) + (f" + {more} more" if more > 0 else "")
