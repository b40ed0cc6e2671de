"""One plain sentence on what was served, for whoever has to decide if the model is of use here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.lab.evaluation.served.intervals import Interval

WORTHWHILE = 0.01
"""A gain in entropy that is worth having; where none is seen, so much is looked for."""
PAYERS_MIN = 30
"""Payers below which nothing is called better or worse: intervals of a few are too narrow."""

_PLAIN = {
    "constant": "a constant",
    "rates": "rates",
    "kaplan_meier": "Kaplan–Meier by landmark",
    "recency_sessions": "a table of recency and sessions",
    "hazard_regression": "a hazard regression fitted every day",
}


@dataclass(frozen=True, slots=True)
class ServedBesideBest:
    """What was served, beside the best simple baseline."""

    best: str
    difference: float  # of the entropies: below 0, what was served is better
    interval: Interval
    payers: int
    people: int
    full_share: float  # of the predictions that the model itself answered
    day: int


def served_verdict(found: ServedBesideBest) -> str:
    """Better, worse, or how many payers it takes to tell."""
    low, high = found.interval
    best = _PLAIN[found.best]
    about = f"({found.payers:,} payers among {found.people:,} installs by day {found.day})"
    if found.payers < PAYERS_MIN:
        needed = payers_needed(found)
        return (
            f"On this history too few pay to tell models and {best} apart; about {needed:,} "
            f"payers are needed {about}."
        )
    if low > 0:
        return (
            f"On this history what was served is worse than {best}, by {found.difference:.4f} of "
            f"normalised entropy [{low:.4f}, {high:.4f}] {about}."
        )
    if high < 0:
        return (
            f"On this history what was served is better than every simple baseline; than the "
            f"best, {best}, by {-found.difference:.4f} of normalised entropy "
            f"[{-high:.4f}, {-low:.4f}] {about}."
        )
    needed = payers_needed(found)
    who = "the model adds" if found.full_share > 0 else "the model answers for nobody and adds"
    return (
        f"On this history {who} nothing to {best} yet; about {needed:,} payers are needed {about}."
    )


def nobody_paid(people: int, day: int) -> str:
    """There is nothing that a prediction could be compared with."""
    if not people:
        return (
            f"No prediction by day {day} can be judged: the history is too short, or too few "
            "installs are in it; add older or later installs."
        )
    return (
        f"None of {people:,} installs paid by day {day}, so nothing can be said of any model; "
        f"about {PAYERS_MIN} payers are needed."
    )


def payers_needed(found: ServedBesideBest) -> int:
    """So many that a gain as seen here, or a worthwhile one, would show: two digits."""
    low, high = found.interval
    if not math.isfinite(high - low):
        return PAYERS_MIN
    gain = max(-found.difference, WORTHWHILE)
    needed = found.payers * ((high - low) / 2 / gain) ** 2
    needed = max(needed, PAYERS_MIN, found.payers + 1)
    digits: int = 10 ** max(math.floor(math.log10(needed)) - 1, 0)
    return math.ceil(needed / digits) * digits
