"""Norms of one app: usual click-to-install times, clicks per install and share of new devices.

They are learned from all sites of the app that a partition sees. Every install is weighted by the
probability that it is honest, so that fraud does not become the norm it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from attribution.sites.mixture import (
    BINS,
    HONEST_BINS,
    HONEST_ORDERS,
    ORDERS,
    Mixture,
    Posterior,
    make_mixture,
)
from schemas.records import SiteTouches

KEPT_PER_DAY = 0.97  # weight that is left after a day
_PRIOR_INSTALLS = 50.0
"""Weight of the documented shares, as a number of installs of the app."""

INSTALLS_PER_SITE_MAX = 100.0
"""Weight of one site in a week. Without it, a large site that cheats would become the norm."""

PRIOR_CLICKS_PER_INSTALL = 50.0
PRIOR_SITES = 5.0
RATIO_SPREAD = 1.5  # of the log of clicks per install among honest sites
RATIO_SPREAD_MIN = 1.0
PRIOR_NEW_SHARE = 0.9
PRIOR_DEVICES = 20.0
RENEWED_AT_GROWTH = 1.1
"""Sites are compared with a copy of the norms, renewed daily or once they have grown this much."""


LATE_SHARE_MAX = 0.1
"""If more touchpoints of an app than this share are late, its sites are judged by complete days
alone: installs whose own click is still to come would look like those of a flood."""


class Norms(Struct, frozen=True, array_like=True):
    """Weights of honest installs, without the priors."""

    bins: tuple[float, ...] = (0.0,) * BINS
    orders: tuple[float, ...] = (0.0,) * (ORDERS - 1)  # of those whose begin is known
    ratios: tuple[float, float, float] = (0.0, 0.0, 0.0)  # weight, sum, sum of squares
    devices: tuple[float, float] = (0.0, 0.0)  # all, new

    @property
    def weight(self) -> float:
        return sum(self.bins)


class Delivery(Struct, frozen=True, array_like=True, gc=False):
    """How late the touchpoints of an app are: all and late ones, halved every day."""

    day: int = 0
    every: float = 0.0
    late: float = 0.0


class AppNorms(Struct, frozen=True, array_like=True, tag=3):
    """Norms as learned so far, and the copy in use since `day`."""

    learned: Norms = Norms()
    used: Norms = Norms()
    day: int = 0
    delivery: Delivery = Delivery()

    @property
    def is_prompt(self) -> bool:
        """Whether touchpoints come early enough to judge sites before a day is complete."""
        return self.delivery.late <= LATE_SHARE_MAX * self.delivery.every


class Sample(Struct, frozen=True):
    """New data of a site since its last judgement."""

    fresh: Mapping[int, int]  # installs by cell
    recent: float  # installs that may still be judged
    devices: tuple[int, int]  # installs, and new devices among them
    log_ratio: float | None  # clicks per install, once a day


def learn_norms(norms: AppNorms, sample: Sample, judged: Posterior, day: int) -> AppNorms:
    """Add a sample, weighted by the probability in `judged` that it is honest."""
    learned = _faded(norms.learned) if day > norms.day else norms.learned
    weight = min(1.0, INSTALLS_PER_SITE_MAX / max(1.0, sample.recent))
    learned = _with_installs(learned, sample.fresh, judged, weight)
    honest = (1.0 - judged.injects) * (1.0 - judged.floods)
    if sample.log_ratio is not None:
        sites, total, squares = learned.ratios
        seen = sample.log_ratio
        ratios = sites + honest, total + honest * seen, squares + honest * seen * seen
        learned = replace(learned, ratios=ratios)
    every, new = learned.devices
    more, more_new = sample.devices
    honest *= weight
    learned = replace(learned, devices=(every + honest * more, new + honest * more_new))
    is_due = day > norms.day or learned.weight > RENEWED_AT_GROWTH * norms.used.weight
    used = learned if is_due else norms.used
    return AppNorms(learned, used, max(day, norms.day), norms.delivery)


def note_delivery(norms: AppNorms, seen: SiteTouches) -> AppNorms:
    """Count how many touchpoints of an app are late."""
    known, day = norms.delivery, max(norms.delivery.day, seen.hour // 24)
    kept = 0.5 ** min(day - known.day, 60)
    every = known.every * kept + seen.clicks + seen.impressions
    delivery = Delivery(day, every, known.late * kept + seen.late)
    return AppNorms(norms.learned, norms.used, norms.day, delivery)


def mixture_of(norms: Norms) -> Mixture:
    """The hypotheses about sites of an app with these norms."""
    bins = np.array(HONEST_BINS) * _PRIOR_INSTALLS + np.array(norms.bins).clip(0.0)
    orders = np.array(HONEST_ORDERS) * _PRIOR_INSTALLS + np.array(norms.orders).clip(0.0)
    return make_mixture(bins / bins.sum(), orders / orders.sum())


def log_ratio(clicks: int, installs: float) -> float:
    """Natural log of clicks per install, finite for zeros."""
    return math.log((clicks + 1) / (installs + 1))


def usual_ratio(norms: Norms) -> tuple[float, float]:
    """Mean and standard deviation of the natural log of clicks per install."""
    prior = math.log(PRIOR_CLICKS_PER_INSTALL)
    weight, total, squares = norms.ratios
    weight += PRIOR_SITES
    mean = (total + PRIOR_SITES * prior) / weight
    squares += PRIOR_SITES * (prior * prior + RATIO_SPREAD * RATIO_SPREAD)
    return mean, max(RATIO_SPREAD_MIN, math.sqrt(max(0.0, squares / weight - mean * mean)))


def usual_new_share(norms: Norms) -> float:
    """Usual share of new devices among installs."""
    every, new = norms.devices
    return (max(0.0, new) + PRIOR_DEVICES * PRIOR_NEW_SHARE) / (max(0.0, every) + PRIOR_DEVICES)


def _faded(norms: Norms) -> Norms:
    kept = KEPT_PER_DAY
    return Norms(
        tuple(weight * kept for weight in norms.bins),
        tuple(weight * kept for weight in norms.orders),
        (norms.ratios[0] * kept, norms.ratios[1] * kept, norms.ratios[2] * kept),
        (norms.devices[0] * kept, norms.devices[1] * kept),
    )


def _with_installs(
    norms: Norms, fresh: Mapping[int, int], judged: Posterior, weight: float
) -> Norms:
    bins, orders = list(norms.bins), list(norms.orders)
    for cell, count in sorted(fresh.items()):
        honest = 1.0 - judged.injected[cell] - judged.flooded[cell]
        honest *= count * weight
        order = cell % ORDERS
        bins[cell // ORDERS] += honest
        if order:
            orders[order - 1] += honest
    return replace(norms, bins=tuple(bins), orders=tuple(orders))
