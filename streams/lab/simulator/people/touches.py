"""Touchpoints of people who install: the cause of the install, fraudulent ones, and others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import DAY_MS, SECOND_MS
from streams.lab.simulator.draws import BoolColumn, IntColumn, generator, logged, pick, split
from streams.lab.simulator.market.market import FraudKind, Market
from streams.lab.simulator.people.installs import NO_TOUCH, Installs
from streams.lab.simulator.scenario import Scenario

_DEVICE_ID_SHARE = 0.85  # of touchpoints, where the device has one at all
_ORGANIC_WEIGHT = 0.15
_AFTER_CAUSE_SHARE = 0.08  # of other touchpoints: between the true one and the install
_CLICK_ID_SHARE_ANDROID = 0.85  # the Play referrer survives the way through the store
_CLICK_ID_SHARE_IOS = 0.40  # a deferred deep link does


@dataclass(frozen=True, slots=True)
class Touches:
    """One element per touchpoint; its index is its number, from which its ids are made."""

    install: IntColumn
    time: IntColumn
    log_time: IntColumn
    placement: IntColumn
    is_click: BoolColumn
    has_device_id: BoolColumn


@dataclass(frozen=True, slots=True)
class Causes:
    """One element per install: the number of a touchpoint, or ORGANIC."""

    true_touch: IntColumn
    carried_click: IntColumn  # whose click id the install carries
    fake_touch: IntColumn  # the click of a fraudulent site


def make_touches(scenario: Scenario, market: Market, installs: Installs) -> tuple[Touches, Causes]:
    rng = generator(scenario.seed, "touches")
    true = _true(market, installs)
    fake = _fake(rng, scenario, market, installs)
    wanted = round(scenario.good * scenario.touchpoint_share * scenario.installer_touch_share)
    other = _others(rng, scenario, market, installs, wanted - len(true[0]) - len(fake[0]))
    install, time, placement, is_click = (
        np.concatenate(parts) for parts in zip(true, fake, other, strict=True)
    )
    has_device_id = installs.has_device_id[install] & (rng.random(len(install)) < _DEVICE_ID_SHARE)
    has_device_id[len(true[0]) : len(true[0]) + len(fake[0])] = True
    log_time = logged(rng, scenario, time)
    touches = Touches(install, time, log_time, placement, is_click.astype(bool), has_device_id)
    return touches, _causes(rng, installs, true[0], fake[0])


_Columns = tuple[IntColumn, IntColumn, IntColumn, IntColumn]  # install, time, placement, is_click


def _true(market: Market, installs: Installs) -> _Columns:
    caused = np.flatnonzero(installs.placement != NO_TOUCH)
    return (
        caused,
        installs.touch_time[caused],
        installs.placement[caused],
        installs.is_click[caused].astype(np.int64),
    )


def _fake(
    rng: np.random.Generator, scenario: Scenario, market: Market, installs: Installs
) -> _Columns:
    """Clicks nobody made: seconds before the first open, or spread over the days before it."""
    victim = np.flatnonzero(installs.fraud != FraudKind.NONE)
    is_injection = installs.fraud[victim] == FraudKind.CLICK_INJECTION
    opened = installs.time[victim]
    seconds_before = rng.integers(2 * SECOND_MS, 10 * SECOND_MS, len(victim))
    days_before = rng.integers(DAY_MS // 12, 6 * DAY_MS, len(victim))
    time = opened - np.where(is_injection, seconds_before, days_before)
    placement = np.where(
        is_injection,
        _placements_of(rng, market, FraudKind.CLICK_INJECTION, len(victim)),
        _placements_of(rng, market, FraudKind.CLICK_FLOODING, len(victim)),
    )
    half = (scenario.start_ms + opened) // 2
    time = np.where(time < scenario.start_ms, half, time)
    return victim, time, placement, np.ones(len(victim), np.int64)


def _placements_of(
    rng: np.random.Generator, market: Market, kind: FraudKind, size: int
) -> IntColumn:
    return pick(rng, np.where(market.fraud == kind, market.touch_weight, 0.0), size)


def _others(
    rng: np.random.Generator, scenario: Scenario, market: Market, installs: Installs, size: int
) -> _Columns:
    """Further touchpoints, mostly before the true one, sometimes too old to count."""
    is_organic = installs.placement == NO_TOUCH
    counts = split(rng, size, np.where(is_organic, _ORGANIC_WEIGHT, 1.0))
    install = np.repeat(np.arange(len(installs)), counts)
    size = len(install)
    placement = pick(rng, market.touch_weight, size)
    is_click = rng.random(size) >= np.maximum(market.view_share[placement], 0.6)
    lead = installs.time[install] - installs.touch_time[install]
    is_after = ~is_organic[install] & (rng.random(size) < _AFTER_CAUSE_SHARE)
    before_cause = lead + rng.exponential(2.0 * DAY_MS, size)
    before_organic = rng.exponential(5.0 * DAY_MS, size)
    before = np.where(is_organic[install], before_organic, before_cause)
    before = np.where(is_after, lead * rng.random(size), before).astype(np.int64) + SECOND_MS
    time = installs.time[install] - before
    anytime = rng.random(size) * (installs.time[install] - scenario.start_ms)
    since_start = scenario.start_ms + anytime.astype(np.int64)
    time = np.where(time < scenario.start_ms, since_start, time)
    others = install, time, placement, is_click.astype(np.int64)
    return _harmless(rng, scenario, installs, others) if scenario.is_clean else others


def _harmless(
    rng: np.random.Generator, scenario: Scenario, installs: Installs, others: _Columns
) -> _Columns:
    """Before the true touchpoint and of no better kind; around an organic install, after it."""
    install, time, placement, is_click = others
    organic = installs.placement[install] == NO_TOUCH
    latest = installs.touch_time[install] - SECOND_MS
    start = np.minimum(scenario.start_ms, latest)
    size = len(install)
    earlier = start + (rng.random(size) * (latest - start)).astype(np.int64)
    left = scenario.end_ms - installs.time[install]
    later = installs.time[install] + 1 + (rng.random(size) * left).astype(np.int64)
    time = np.where(organic, later, np.where(time > latest, earlier, time))
    return install, time, placement, is_click * installs.is_click[install]


def _causes(
    rng: np.random.Generator, installs: Installs, caused: IntColumn, victim: IntColumn
) -> Causes:
    true_touch = np.full(len(installs), NO_TOUCH, np.int64)
    true_touch[caused] = np.arange(len(caused))
    fake_touch = np.full(len(installs), NO_TOUCH, np.int64)
    fake_touch[victim] = len(caused) + np.arange(len(victim))
    share = np.where(installs.is_ios, _CLICK_ID_SHARE_IOS, _CLICK_ID_SHARE_ANDROID)
    carries = installs.is_click & (rng.random(len(installs)) < share)
    return Causes(true_touch, np.where(carries, true_touch, NO_TOUCH), fake_touch)
