"""Judges one site: the probability that its installs are fraud, from the history of the site."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

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
"""A verdict is withdrawn only below this probability, so that it does not flicker."""

FLOODED_MIN, FLOODED_RELEASED_BELOW = 0.5, 0.3
"""Of a flooding site, the installs with at least this probability of being flooded are charged, and
released below the second value."""

FLOOD_RATIO_LIFT = 2.5
"""Natural log of how many times more clicks per install a flooding site has than an honest one."""

FLOOD_RATIO_SPREAD = 1.5
RATIO_LOG_ODDS_MAX = 2.5
"""Limit on the evidence of clicks per install: it differs too much between honest sources to decide
alone."""

_FARMS = 0.02  # prior probability
_FARMED_SHARES = (0.5, 0.7, 0.9, 0.999)
_NEW_SHARE_INSTALLS = 30.0  # similarity of honest sites, as a number of installs
_DEVICES_MAX = 400  # more installs than this weigh no more

Charges = Mapping[FraudReason, Mapping[int, float]]
"""By reason and cell: the probability that an install in the cell is fraud."""


class Opinion(Struct, frozen=True):
    """The conclusion about a site. `installs` are all it ever claimed."""

    posterior: Posterior
    farms: float  # probability that a device farm contributes installs
    installs: int

    def against(
        self, reason: FraudReason, cell: int, rules: FraudRules, *, is_charged: bool = False
    ) -> float:
        """The probability of fraud of an install in this cell; `is_charged`: it is charged so
        far."""
        if reason == "distribution_outlier":
            return self.posterior.injected.get(cell, 0.0)
        if self.installs < rules.site_installs_min:
            return 0.0
        if reason == "behavioral_anomalies":
            return self.farms
        # Charge the installs of a flooding site that flooding explains better than honesty.
        floods = self.posterior.floods
        enough = FLOODED_RELEASED_BELOW if is_charged else FLOODED_MIN
        return floods if self.posterior.flooded.get(cell, 0.0) >= enough * floods else 0.0


class JudgedSite(Struct, frozen=True):
    """State of site and app after a judgement, and its result."""

    history: SiteHistory
    norms: AppNorms
    opinion: Opinion
    charges: Charges
    is_changed: bool  # other cells are charged than before


def judge_site(
    history: SiteHistory, norms: AppNorms, mixture: Mixture, rules: FraudRules, now: LogMs
) -> JudgedSite:
    """Judge a site at log time `now`; `mixture` must be made from `norms.used`."""
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


@lru_cache(maxsize=4_096)
def farm_probability(installs: int, new_devices: int, usual_share: float) -> float:
    """Probability that a device farm adds new devices to a site, from its share of new devices.

    Shares of honest sites follow a beta distribution around the usual share.
    """
    weight = min(1.0, _DEVICES_MAX / installs) if installs > 0 else 0.0
    new, old = max(0, new_devices) * weight, max(0, installs - new_devices) * weight
    a = usual_share * _NEW_SHARE_INSTALLS
    b = _NEW_SHARE_INSTALLS - a
    honest = _log_beta(a + new, b + old) - _log_beta(a, b)
    farmed = -math.inf
    for share in _FARMED_SHARES:
        mixed = usual_share + share * (1.0 - usual_share)
        term = new * math.log(mixed) + old * math.log(1.0 - mixed) - math.log(len(_FARMED_SHARES))
        farmed = max(farmed, term) + math.log1p(math.exp(-abs(farmed - term)))
    return 1.0 / (1.0 + (1.0 - _FARMS) / _FARMS * math.exp(min(700.0, honest - farmed)))


def _flood_log_odds(ratio: float, norms: Norms) -> float:
    """Log odds that clicks per install add in favour of flooding."""
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
    """Cells whose probability reaches `site_posterior_min`, or is charged and not yet released."""
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
