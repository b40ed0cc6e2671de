"""Judges one site: what its history says of the installs its clicks claim."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from attribution.decision.fraud import SITE_REASONS, FraudReason, FraudRules
from attribution.sites.history import SiteHistory, aged, clicks, devices, recent
from attribution.sites.mixture import Mixture, Posterior
from attribution.sites.norms import (
    AppNorms,
    Norms,
    Sample,
    learn_norms,
    log_ratio,
    usual_new_share,
    usual_ratio,
)
from schemas.time import DAY_MS, LogMs

RELEASED_BELOW = 0.5
"""A suspicion once told is taken back only below this, so that it does not flicker."""

FLOODED_MIN, FLOODED_RELEASED_BELOW = 0.5, 0.3
"""Of a flooding site, installs are charged that were so probably flooded; the same holds here."""

FLOOD_RATIO_LIFT = 2.5
"""A flooding site has so many times, as a power of e, the clicks per install of honest ones."""

FLOOD_RATIO_SPREAD = 1.5
RATIO_LOG_ODDS_MAX = 2.5
"""Clicks per install alone convict nobody: sources differ too much."""

_FARMS = 0.02  # prior probability
_FARMED_SHARES = (0.5, 0.7, 0.9, 0.999)
_NEW_SHARE_INSTALLS = 30.0  # how alike honest sites are, as a number of installs
_DEVICES_MAX = 400

Charges = Mapping[FraudReason, Mapping[int, float]]
"""By reason and cell: the probability that speaks against every install in the cell."""


class Opinion(Struct, frozen=True):
    """What is thought of a site. `installs` are all it ever claimed."""

    posterior: Posterior
    farms: float  # probability that a device farm works on it
    installs: int

    def against(
        self, reason: FraudReason, cell: int, rules: FraudRules, *, is_charged: bool = False
    ) -> float:
        """The probability that speaks against an install in this cell, charged so far or not."""
        if reason == "distribution_outlier":
            return self.posterior.injected.get(cell, 0.0)
        if self.installs < rules.site_installs_min:
            return 0.0
        if reason == "behavioral_anomalies":
            return self.farms
        # Of a site that floods, the installs that flooding explains better than honesty.
        floods = self.posterior.floods
        enough = FLOODED_RELEASED_BELOW if is_charged else FLOODED_MIN
        return floods if self.posterior.flooded.get(cell, 0.0) >= enough * floods else 0.0


class JudgedSite(Struct, frozen=True):
    history: SiteHistory
    norms: AppNorms
    opinion: Opinion
    charges: Charges
    is_changed: bool  # other cells are charged than before


def judge_site(
    history: SiteHistory, norms: AppNorms, mixture: Mixture, rules: FraudRules, now: LogMs
) -> JudgedSite:
    """The judgement at log time `now`; `mixture` belongs to `norms.used`."""
    day = now // DAY_MS
    history = aged(history, day)
    counts = recent(history)
    ratio = log_ratio(clicks(history), sum(counts.values()))
    odds = _flood_log_odds(ratio, norms.used)
    cells = sorted({*counts, *history.fresh})
    posterior = mixture.posterior(counts, history.past, odds, cells)
    farms = farm_probability(*devices(history), usual_new_share(norms.used))
    opinion = Opinion(posterior, farms, history.claimed)
    charges = _charges(counts, opinion, history.suspect, rules)
    suspect: dict[str, list[int]] = {reason: sorted(cells) for reason, cells in charges.items()}
    is_new_day = day > history.sampled_day
    sample = Sample(
        history.fresh, sum(counts.values()), history.fresh_devices, ratio if is_new_day else None
    )
    judged = replace(
        history,
        fresh={},
        fresh_devices=(0, 0),
        fresh_hours=[],
        suspect=suspect,
        judge_at=0,
        sampled_day=max(day, history.sampled_day),
    )
    learned = learn_norms(norms, sample, posterior, day)
    return JudgedSite(judged, learned, opinion, charges, suspect != history.suspect)


def farm_probability(installs: int, new_devices: int, usual_share: float) -> float:
    """That a device farm adds new devices to a site, by the share of new devices.

    Honest sites vary around the usual share as a beta distribution.
    """
    weight = min(1.0, _DEVICES_MAX / installs) if installs > 0 else 0.0
    new, old = max(0, new_devices) * weight, max(0, installs - new_devices) * weight
    a = usual_share * _NEW_SHARE_INSTALLS
    b = _NEW_SHARE_INSTALLS - a
    honest = _log_beta(a + new, b + old) - _log_beta(a, b)
    farmed = -math.inf
    for share in _FARMED_SHARES:
        mixed = usual_share + share * (1.0 - usual_share)
        told = new * math.log(mixed) + old * math.log(1.0 - mixed) - math.log(len(_FARMED_SHARES))
        farmed = max(farmed, told) + math.log1p(math.exp(-abs(farmed - told)))
    return 1.0 / (1.0 + (1.0 - _FARMS) / _FARMS * math.exp(min(700.0, honest - farmed)))


def _flood_log_odds(ratio: float, norms: Norms) -> float:
    """What clicks per install add in favour of flooding."""
    mean, spread = usual_ratio(norms)
    honest = -(((ratio - mean) / spread) ** 2) / 2 - math.log(spread)
    flooding = (ratio - mean - FLOOD_RATIO_LIFT) / FLOOD_RATIO_SPREAD
    log_odds = -(flooding**2) / 2 - math.log(FLOOD_RATIO_SPREAD) - honest
    return max(-RATIO_LOG_ODDS_MAX, min(RATIO_LOG_ODDS_MAX, log_odds))


def _charges(
    counts: Mapping[int, float],
    opinion: Opinion,
    suspect: Mapping[str, list[int]],
    rules: FraudRules,
) -> Charges:
    """Cells whose probability reaches the stated posterior, or stays above its release."""
    found: dict[FraudReason, dict[int, float]] = {}
    for reason in SITE_REASONS:
        if getattr(rules, reason) == "off":
            continue
        charged_before = suspect.get(reason, ())
        for cell in sorted(counts):
            is_charged = cell in charged_before
            value = opinion.against(reason, cell, rules, is_charged=is_charged)
            enough = RELEASED_BELOW if is_charged else rules.site_posterior_min
            if value >= enough:
                found.setdefault(reason, {})[cell] = value
    return found


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
