"""Touchpoints of people who never install: the most of the traffic, drawn slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import HOUR_MS
from streams.lab.simulator.draws import BoolColumn, IntColumn, delays, generator, pick
from streams.lab.simulator.ids import hash_words
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.plan import Plan

_TOUCHES_PER_DEVICE = 4
_DEVICE_ID_SHARE_ANDROID = 0.7
_DEVICE_ID_SHARE_IOS = 0.2
_COUNTRY_MIX = 11  # purposes of `hash_words`: each device keeps its country and platform
_PLATFORM_MIX = 12


@dataclass(frozen=True, slots=True)
class PassersBy:
    """One element per touchpoint, by log time."""

    number: IntColumn
    time: IntColumn
    log_time: IntColumn
    placement: IntColumn
    is_click: BoolColumn
    device: IntColumn
    country: IntColumn
    is_ios: BoolColumn
    has_device_id: BoolColumn


def make_passers_by(plan: Plan, first_hour: int, hours: int) -> PassersBy:
    """Those logged in the given hours."""
    scenario = plan.scenario
    counts = plan.passers_by[first_hour : first_hour + hours]
    size = int(counts.sum())
    rng = generator(scenario.seed, "slice", first_hour)
    hour = first_hour + np.repeat(np.arange(len(counts)), counts)
    log_time = scenario.start_ms + hour * HOUR_MS + rng.integers(0, HOUR_MS, size)
    log_time.sort()
    device = rng.integers(0, max(int(plan.passers_by.sum()) // _TOUCHES_PER_DEVICE, 1), size)
    placement = pick(rng, plan.market.touch_weight, size)
    country, is_ios = _lives(scenario.seed, device)
    device_share = np.where(is_ios, _DEVICE_ID_SHARE_IOS, _DEVICE_ID_SHARE_ANDROID)
    return PassersBy(
        number=int(plan.passers_by[:first_hour].sum()) + np.arange(size),
        time=np.maximum(log_time - delays(rng, scenario, size), scenario.start_ms),
        log_time=log_time,
        placement=placement,
        is_click=rng.random(size) >= plan.market.view_share[placement],
        device=device,
        country=country,
        is_ios=is_ios,
        has_device_id=rng.random(size) < device_share,
    )


def _lives(seed: int, device: IntColumn) -> tuple[IntColumn, BoolColumn]:
    edges = np.cumsum([one.share for one in COUNTRIES])
    where = hash_words(seed, _COUNTRY_MIX, device) / 2.0**64 * edges[-1]
    country = np.minimum(np.searchsorted(edges, where, side="right"), len(COUNTRIES) - 1)
    ios_share = np.array([one.ios_share for one in COUNTRIES])[country]
    return country.astype(np.int64), hash_words(seed, _PLATFORM_MIX, device) / 2.0**64 < ios_share
