"""Cost reports, store postbacks and privacy requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.draws import IntColumn, generator
from streams.lab.simulator.market.market import Market
from streams.lab.simulator.people.installs import NO_TOUCH, Installs
from streams.lab.simulator.scenario import Scenario

_COST_SHARE_MAX = 0.02  # of all events: a short simulation reports only some campaign-days
_RESTATED_SHARE = 0.1
_POSTBACK_SHARE = 0.0005
_PRIVACY_SHARE = 0.0001


@dataclass(frozen=True, slots=True)
class Costs:
    """One element per cost report: a campaign, a day, and how often it was restated before."""

    campaign: IntColumn
    day: IntColumn  # days since the start
    revision: IntColumn
    installs: IntColumn
    clicks: IntColumn
    impressions: IntColumn
    amount_micros: IntColumn  # USD
    log_time: IntColumn


@dataclass(frozen=True, slots=True)
class Notices:
    """Postbacks or privacy requests. Each is about one install, which a postback does not name."""

    install: IntColumn
    time: IntColumn
    log_time: IntColumn


def make_costs(scenario: Scenario, market: Market, installs: Installs) -> Costs:
    rng = generator(scenario.seed, "costs")
    days = scenario.acquisition_ms // DAY_MS
    cells = len(market.campaigns) * days
    counts = _installs_by_cell(scenario, market, installs, days)
    limit = int(scenario.good * _COST_SHARE_MAX / (1.0 + _RESTATED_SHARE))
    cell = np.sort(rng.permutation(cells)[: min(cells, limit)])
    again = cell[rng.random(len(cell)) < _RESTATED_SHARE]
    revision = np.r_[np.zeros(len(cell), np.int64), np.ones(len(again), np.int64)]
    cell = np.r_[cell, again]
    campaign, day = cell // days, cell % days
    cpi = np.array([one.cpi_usd for one in market.campaigns])[campaign]
    usd = (counts[cell] * cpi + 5.0) * rng.lognormal(0.0, 0.1, len(cell))
    clicks = counts[cell] * 8 + rng.integers(5, 50, len(cell))
    known = scenario.start_ms + (day + 1) * DAY_MS + revision * DAY_MS
    log_time = known + rng.integers(HOUR_MS, 3 * HOUR_MS, len(cell))
    return Costs(
        campaign=campaign,
        day=day,
        revision=revision,
        installs=counts[cell],
        clicks=clicks,
        impressions=clicks * rng.integers(20, 60, len(cell)),
        amount_micros=np.rint(usd * 100).astype(np.int64) * 10_000,
        log_time=np.minimum(log_time, scenario.end_ms - 1),
    )


def _installs_by_cell(
    scenario: Scenario, market: Market, installs: Installs, days: int
) -> IntColumn:
    caused = installs.placement != NO_TOUCH
    day = (installs.time[caused] - scenario.start_ms) // DAY_MS
    campaign = market.placement_campaign[installs.placement[caused]]
    counts = np.bincount(campaign * days + day, minlength=len(market.campaigns) * days)
    return counts.astype(np.int64)


def make_postbacks(scenario: Scenario, installs: Installs) -> Notices:
    """Of attributed iOS installs; Apple delays them by a day or two."""
    about = np.flatnonzero(installs.is_ios & (installs.placement != NO_TOUCH))
    return _notices(scenario, installs, about, _POSTBACK_SHARE, "postbacks")


def make_privacy_requests(scenario: Scenario, installs: Installs) -> Notices:
    return _notices(scenario, installs, np.arange(len(installs)), _PRIVACY_SHARE, "privacy")


def _notices(
    scenario: Scenario, installs: Installs, about: IntColumn, share: float, purpose: str
) -> Notices:
    rng = generator(scenario.seed, purpose)
    size = min(round(scenario.good * share), len(about))
    install = np.sort(rng.choice(about, size, replace=False)) if size else about[:0]
    time = installs.time[install] + rng.integers(DAY_MS, 2 * DAY_MS, size)
    time = np.minimum(time, scenario.end_ms - 1)
    log_time = np.minimum(time + rng.integers(0, 5_000, size), scenario.end_ms - 1)
    return Notices(install, time, log_time)
