"""What no scope of a rule set can tell about itself: whether it agrees with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from attribution.rules.rules import Rules, Scope
from schemas.time import EventMs

NOT_LONGER_THAN = (("probabilistic_click", "click"), ("probabilistic_view", "view"))
"""What only looks alike must not count for longer than what shares an id."""

_FOR_EVER = 1 << 62

Fault = tuple[str, str]
"""Where, and what is wrong there."""

_Names = tuple[str, str, str]


def overlap(scopes: Sequence[Scope]) -> Fault | None:
    """The first two scopes with the same selectors at the same time. They count from 1."""
    by_selectors: dict[_Names, list[tuple[int, int, int]]] = {}
    for number, scope in enumerate(scopes, start=1):
        period = (scope.since, scope.until or _FOR_EVER, number)
        by_selectors.setdefault(scope.selectors, []).append(period)
    for periods in by_selectors.values():
        for (_, until, first), (since, _, second) in pairwise(sorted(periods)):
            if since < until:
                return f"scope {second}", f"it overlaps scope {first}: same selectors, same time"
    return None


def crossing(rules: Rules, scopes: Sequence[Scope]) -> Fault | None:
    """Where a probabilistic window is longer than the deterministic one of its kind.

    Windows of different scopes may meet in one touchpoint. Then they meet in a touchpoint that has
    no names but those the two scopes select, so only such need to be looked at.
    """
    for shorter, longer in NOT_LONGER_THAN:
        for names, where in _meetings(scopes, shorter, longer):
            matching = rules.scopes_for(*names)
            moments = {
                EventMs(0),
                *(one.since for one in matching),
                *(one.until for one in matching),
            }
            for moment in moments:
                windows = rules.policy(*names, moment).windows
                if getattr(windows, shorter) > getattr(windows, longer):
                    return where, f"the {shorter} window is longer than the {longer} window"
    return None


def _meetings(scopes: Sequence[Scope], shorter: str, longer: str) -> Iterator[tuple[_Names, str]]:
    """Names under which a window may be too long, and where they stand."""
    yield ("", "", ""), "windows"
    short, long = _saying(shorter, scopes), _saying(longer, scopes)
    for _, number, scope in (*short, *long):
        yield _names(scope), f"scope {number}"
    # Scopes for different campaigns never meet, and there may be thousands of them.
    by_campaign: dict[str, list[tuple[int, int, Scope]]] = {}
    for one in long:
        by_campaign.setdefault(one[2].campaign_id, []).append(one)
    for guess, number, scope in short:
        near = (scope.campaign_id, "") if scope.campaign_id else by_campaign
        for certain, other_number, other in chain(*(by_campaign.get(name, ()) for name in near)):
            if guess <= certain:
                continue
            names = _common(_names(scope), _names(other))
            if names is not None:
                yield names, f"scope {number} with scope {other_number}"


def _saying(window: str, scopes: Sequence[Scope]) -> list[tuple[int, int, Scope]]:
    """What is said of this window: milliseconds, number of the scope, scope."""
    return [
        (int(value), number, scope)
        for number, scope in enumerate(scopes, start=1)
        for name, value in scope.windows
        if name == window
    ]


def _names(scope: Scope) -> _Names:
    return scope.app_id, scope.media_source, scope.campaign_id


def _common(one: _Names, other: _Names) -> _Names | None:
    """What a touchpoint is called for which both hold; None: there can be none."""
    if any(a and b and a != b for a, b in zip(one, other, strict=True)):
        return None
    return one[0] or other[0], one[1] or other[1], one[2] or other[2]
