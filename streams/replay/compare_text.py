"""A comparison of two rule sets as lines and table rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.replay.compare import Channel, Comparison
from streams.replay.what_if import WhatIf

_MICROS = 1_000_000
MOVES_SHOWN = 30  # on a screen; --json has all
CURRENCIES_SHOWN = 2
MOVE_COLUMNS = ("from", "to", "installs", "reengagements", "money")
_EFFECTS = {"excludes": "now excludes", "admits": "no longer excludes"}


def move_rows(comparison: Comparison) -> list[tuple[Any, ...]]:
    """One row for each pair of channels, most installs first."""
    return [
        (_name(old), _name(new), amounts.installs, amounts.reengagements, _money(amounts.micros))
        for old, new, amounts in comparison.moves()[:MOVES_SHOWN]
    ]


def headlines(found: WhatIf) -> list[str]:
    """The totals, the reasons, and how long it took."""
    report = found.as_json()
    moves = len(report["moves"])
    lines = []
    if moves > MOVES_SHOWN:
        lines.append(f"… and {moves - MOVES_SHOWN} smaller moves (--json has all)")
    installs = sum(report["conversions"]["in_force"].values())
    lines.append(
        f"{report['installs_changed']:,} of {installs:,} conversions and"
        f" {report['reengagements_changed']:,} re-engagements would go to another channel, with"
        f" {_money(report['money_moved_micros']) or 'no money'}"
    )
    lines += [
        f"  {reason['installs']:,} because the rule {_EFFECTS[reason['effect']]}: {reason['rule']}"
        for reason in report["reasons"]
    ]
    if found.unreadable_lines:
        lines.append(f"lines that are no records, and are skipped: {found.unreadable_lines:,}")
    if found.evictions:
        lines.append(
            f"bounds were hit {found.evictions:,} times: the order of arrival may have decided some"
        )
    lines.append(
        f"{found.events:,} events under rules {report['rule_sets']['in_force']} and"
        f" {report['rule_sets']['other']} in {found.seconds:.1f} s; nothing was stored"
    )
    return lines


def _name(channel: Channel) -> str:
    campaign = f" {channel.campaign_id}" if channel.campaign_id else ""
    return channel.media_source + campaign


def _money(micros: Mapping[str, int]) -> str:
    """The largest amounts, one a currency, and the number of further currencies."""
    paid = sorted(((abs(amount), name, amount) for name, amount in micros.items() if amount))[::-1]
    shown = [f"{amount / _MICROS:,.2f} {name}" for _, name, amount in paid[:CURRENCIES_SHOWN]]
    more = len(paid) - CURRENCIES_SHOWN
    return " + ".join(shown) + (f" + {more} more" if more > 0 else "")
