"""What `v_quality_issues` says of volumes, worked out hour by hour in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

Hours = NDArray[np.float64]
"""Events by hours ago; 0 is the hour that runs."""

WIDTHS = (1, 2, 3, 4, 5, 6, 8, 12, 24)
TODAY = 25
"""The hour that runs, and the day before it, of which nothing is learned."""
NEIGHBOURS = 3
OTHERS_MIN = 30
HALF_DAY = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    hours: int
    evidence: float
    deviation: float


def threshold(series: int, *, is_whole: bool) -> float:
    """Evidence above which one of so many series of an app is named."""
    return (9.9 if is_whole else 7.9) + log(series)


def strongest(
    counts: Hours, others: Hours | None, part_of_hour: float, weeks: int = 4
) -> Evidence | None:
    """The width that says most; None: nowhere is there less than expected.

    `others`: of a part, what the rest of its app has; None: it is the whole app.
    """
    length = TODAY + 168 * weeks
    n, e = counts[:length], expectation(counts, part_of_hour, weeks)
    o, oe = n * 0, n * 0
    if others is not None:
        o = others[:length]
        oe = np.maximum(expectation(counts + others, part_of_hour, weeks) - e, 0)
    spread, drift = _variation(n[TODAY:], e[TODAY:], o[TODAY:], oe[TODAY:], weeks)
    drift *= 4 if others is None else 1.6
    found = []
    for width in WIDTHS:
        got, want, other, others_want = (x[: width + 1].sum() for x in (n, e, o, oe))
        q = 1.0
        if others_want >= OTHERS_MIN:
            want *= min(1, other / others_want)
            q += want / others_want
        variance = spread * q * (1 + 1 / (7 * weeks)) + drift * want
        if got < want:
            found.append(_evidence(width, got / variance, want / variance))
    return max(found, key=lambda one: one.evidence, default=None)


def expectation(counts: Hours, part_of_hour: float, weeks: int) -> Hours:
    """Events expected in each hour until now."""
    length = TODAY + 168 * weeks
    by_week = counts[TODAY:length].reshape(weeks, 168)
    total = by_week.sum()
    of_day = np.tile(by_week.reshape(-1, 24).sum(0), 7)
    near = _around(counts[TODAY:length]).reshape(weeks, 168).sum(0)
    near_of_day = _around(np.tile(of_day, weeks)).reshape(weeks, 168).sum(0)
    cell = of_day * near / near_of_day
    levels = weeks * by_week.sum(1) / total
    ago = np.arange(length)
    expected = cell[(ago + 143) % 168] * levels[np.maximum(0, (ago - TODAY) // 168)]
    expected[0] *= part_of_hour
    return np.asarray(expected, dtype=np.float64)


def _around(hours: Hours) -> Hours:
    """Sums of each hour and its neighbours."""
    return np.convolve(hours, np.ones(2 * NEIGHBOURS + 1), "same")


def _sums(hours: Hours, width: int) -> Hours:
    ends = np.concatenate([[0.0], np.cumsum(hours)])
    return np.asarray(ends[width:] - ends[:-width], dtype=np.float64)


def _variation(n: Hours, e: Hours, o: Hours, oe: Hours, weeks: int) -> tuple[float, float]:
    """How much more than Poisson counts hours vary, and by which share of the mean half days do."""
    scaled, q = _scaled(e, o, oe)
    spread = max(1.0, ((n - scaled) ** 2 / q).sum() / scaled.sum() * weeks / (weeks - 0.5))
    wide, wide_e, wide_o, wide_oe = (_sums(hours, HALF_DAY) for hours in (n, e, o, oe))
    scaled, q = _scaled(wide_e, wide_o, wide_oe)
    excess = ((wide - scaled) ** 2).sum() - spread * (scaled * q).sum()
    return spread, max(0.0, excess / (scaled**2).sum())


def _scaled(e: Hours, o: Hours, oe: Hours) -> tuple[Hours, Hours]:
    """The expectation times how the others did, and by how much that adds to its variance."""
    is_known = oe >= OTHERS_MIN
    safe = np.where(is_known, oe, 1)
    scaled = np.where(is_known, o / safe, 1) * e
    return scaled, 1 + np.where(is_known, scaled / safe, 0)


def _evidence(width: int, a: float, b: float) -> Evidence:
    deviance = b - a + (a * log(a / b) if a > 0 else 0.0)
    evidence = deviance + log(1 + 2 * pi * a) / 2 + log(1 - a / b)
    return Evidence(width, evidence, -((2 * deviance) ** 0.5))
