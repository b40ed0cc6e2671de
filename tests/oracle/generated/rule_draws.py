"""Rule sets that are allowed, with exceptions for sources and campaigns that overlap in part."""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.generated.draws import APP, CAMPAIGNS, GAPS, NOON, SOURCES
from tests.oracle.generated.random_source import RandomSource, happens, pick
from tests.oracle.rulebook import (
    DAY,
    FOREVER,
    HOUR,
    MINUTE,
    REASONS,
    SITE_REASONS,
    Rulebook,
    Scope,
    Value,
)

CONFIDENCES = (0.9, 0.5, 0.7)
MODES = ("reject", "tag", "suspicious", "off")
OPTIONS: dict[str, Sequence[Value]] = {
    "windows.click": (7 * DAY, HOUR, DAY, 30 * DAY),
    "windows.view": (DAY, HOUR, 6 * HOUR),
    "windows.retargeting_click": (7 * DAY, HOUR, DAY, 14 * DAY),
    "windows.retargeting_view": (DAY, HOUR, 6 * HOUR),
    "windows.reattribution": (90 * DAY, 30 * DAY, 7 * DAY),
    "windows.inactivity": (7 * DAY, 0, HOUR, DAY),
    "windows.reengagement": (30 * DAY, DAY, HOUR),
    "windows.temporary": (0, DAY, 7 * DAY),
    "windows.post_install_fraud": (8 * DAY, DAY, 0),
    "fraud.site_posterior_min": (0.95, 0.999, 0.9),
    "fraud.engagements_max": (15, 1, 2, 3),
    **{f"fraud.{reason}": MODES for reason in (*REASONS, *SITE_REASONS)},
}
FOR_THE_APP = ("windows.reattribution", "windows.post_install_fraud")
"""What no media source may have for itself: it decides before a touchpoint does."""


def draw_rules(random_source: RandomSource) -> Rulebook:
    values = _values(random_source, 25) if happens(random_source, 80) else {}
    guesses = happens(random_source, 50)
    scopes: list[Scope] = []
    for _ in range(pick(random_source, (0, 1, 2, 3))):
        drawn = _scope(random_source, guesses)
        if all(known[:3] != drawn[0][:3] for known in scopes):
            scopes += drawn
    return Rulebook(values | _guessing(random_source, guesses), tuple(scopes))


def _guessing(random_source: RandomSource, guesses: bool) -> dict[str, Value]:
    """Windows for guesses that are never longer than those for certain matches."""
    found: dict[str, Value] = {
        "windows.probabilistic_click": pick(random_source, (HOUR, 30 * MINUTE)),
        "windows.probabilistic_view": pick(random_source, (HOUR, 30 * MINUTE)),
    }
    if guesses:
        found["probabilistic.click"] = not happens(random_source, 20)
        found["probabilistic.view"] = not happens(random_source, 20)
        found["probabilistic.confidence"] = pick(random_source, CONFIDENCES)
    return found


def _values(random_source: RandomSource, percent: int) -> dict[str, Value]:
    return {
        name: pick(random_source, options)
        for name, options in OPTIONS.items()
        if happens(random_source, percent)
    }


def _scope(random_source: RandomSource, guesses: bool) -> list[Scope]:
    """For any time, or one for the time before an install and one from there on."""
    selectors = (
        pick(random_source, ("", APP)),
        pick(random_source, ("", *SOURCES)),
        pick(random_source, CAMPAIGNS),
    )
    if not any(selectors):
        selectors = APP, "", ""
    values = _scoped(random_source, selectors, guesses)
    if happens(random_source, 60):
        return [Scope(*selectors, 0, FOREVER, values)]
    turn = NOON + pick(random_source, GAPS)
    return [
        Scope(*selectors, 0, turn, values),
        Scope(*selectors, turn, FOREVER, _scoped(random_source, selectors, guesses)),
    ]


def _scoped(
    random_source: RandomSource, selectors: tuple[str, str, str], guesses: bool
) -> dict[str, Value]:
    values = _values(random_source, 20)
    if guesses and happens(random_source, 30):
        values[pick(random_source, ("probabilistic.click", "probabilistic.view"))] = happens(
            random_source, 50
        )
    if selectors[1:] != ("", ""):
        for name in FOR_THE_APP:
            values.pop(name, None)
    return values or {"windows.click": DAY}
