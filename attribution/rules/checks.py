"""Checks that no scope of a rule set can make alone: whether the scopes agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import cast

from attribution.rules.rules import Rules, Scope
from schemas.file_error import FileError
from schemas.time import EventMs

NOT_LONGER_THAN = (("probabilistic_click", "click"), ("probabilistic_view", "view"))
"""A match that rests on likeness must not count for longer than one that rests on an id."""

_FOR_EVER = 1 << 62

_Names = tuple[str, str, str]


def require_disjoint_scopes(scopes: Sequence[Scope]) -> None:
    """FileError when two scopes have the same selectors at the same time."""
    by_selectors: dict[_Names, list[tuple[int, int, int]]] = {}
    for index, scope in enumerate(scopes):
        period = (scope.since, scope.until or _FOR_EVER, index)
        by_selectors.setdefault(scope.selectors, []).append(period)
    for periods in by_selectors.values():
        for (_, until, first), (since, _, second) in pairwise(sorted(periods)):
            if since < until:
                raise FileError(
                    f"scope[{second}]",
                    f"it overlaps scope[{first}]: same selectors at the same time",
                )


def require_shorter_probabilistic_windows(rules: Rules, scopes: Sequence[Scope]) -> None:
    """FileError where a probabilistic window is longer than the deterministic one of its kind.

    Windows of different scopes may meet in one touchpoint. Then they meet in a touchpoint that has
    no names but those the two scopes select, so only such need to be looked at.
    """
    for shorter, longer in NOT_LONGER_THAN:
        for names, where in _meetings(scopes, shorter, longer):
            matching = rules.scopes_for(*names)
            moments = {
                EventMs(0),
                *(scope.since for scope in matching),
                *(scope.until for scope in matching),
            }
            for moment in moments:
                windows = rules.policy(*names, moment).windows
                if getattr(windows, shorter) > getattr(windows, longer):
                    raise FileError(
                        where, f"the {shorter} window is longer than the {longer} window"
                    )


def _meetings(scopes: Sequence[Scope], shorter: str, longer: str) -> Iterator[tuple[_Names, str]]:
    """Names under which a window may be too long, and where they stand."""
    yield ("", "", ""), "windows"
    short, long = _overriding(shorter, scopes), _overriding(longer, scopes)
    for _, index, scope in (*short, *long):
        yield _names(scope), f"scope[{index}]"
    # Scopes for different campaigns never meet, and there may be thousands of them.
    by_campaign: dict[str, list[tuple[int, int, Scope]]] = {}
    for override in long:
        by_campaign.setdefault(override[2].campaign_id, []).append(override)
    for probabilistic_ms, index, scope in short:
        near = (scope.campaign_id, "") if scope.campaign_id else by_campaign
        for window_ms, other_index, other in chain(*(by_campaign.get(name, ()) for name in near)):
            if probabilistic_ms <= window_ms:
                continue
            names = _common(_names(scope), _names(other))
            if names is not None:
                yield names, f"scope[{index}] with scope[{other_index}]"


def _overriding(window: str, scopes: Sequence[Scope]) -> list[tuple[int, int, Scope]]:
    """Every scope that sets this window: its milliseconds, the scope's index, the scope."""
    return [
        (int(cast(int, value)), index, scope)
        for index, scope in enumerate(scopes)
        for name, value in scope.windows
        if name == window
    ]


def _names(scope: Scope) -> _Names:
    return scope.app_id, scope.media_source, scope.campaign_id


def _common(left: _Names, right: _Names) -> _Names | None:
    """The names of a touchpoint for which both hold; None: there can be none."""
    if any(a and b and a != b for a, b in zip(left, right, strict=True)):
        return None
    return left[0] or right[0], left[1] or right[1], left[2] or right[2]
