"""Who installs when, from where and through whom, and what follows from that for paying."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from schemas.time import HOUR_MS, SECOND_MS
from streams.lab.simulator.draws import (
    BoolColumn,
    FloatColumn,
    IntColumn,
    generator,
    hour_weights,
    pick,
)
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS, MEDIA_SOURCES
from streams.lab.simulator.paying_worlds.disturbances import BEGIN_MS, INSTALL_DAYS, Disturbance
from streams.lab.simulator.scenario import START_MS

ORGANIC_SOURCE = len(MEDIA_SOURCES)
NEW_APP = len(MARKET_APPS)
CAMPAIGNS = 30
NEW_CAMPAIGNS = 2 * len(MEDIA_SOURCES)
_SITES = 90
BOT_SOURCE = 3

_ORGANIC_SHARE = 0.35
_VIEW_SHARE = 0.3
_CLICK_LEAD_LOG_MEAN = 6.5  # of seconds
_CLICK_LEAD_LOG_SPREAD = 2.2


@dataclass(frozen=True, slots=True)
class PayingPeople:
    """One element per install, in order of time. Organic ones have no campaign and site: -1.

    Quality is how readily somebody pays, tempo how soon, spend how much, as far as it follows from
    what is known at the install; about 0 on average. Each world uses them in its own way.
    """

    time: IntColumn
    app: IntColumn
    country: IntColumn
    is_ios: BoolColumn
    system: IntColumn
    source: IntColumn
    campaign: IntColumn
    site: IntColumn
    is_view: BoolColumn
    click_lead_s: IntColumn  # click-to-install time; -1: organic
    quality: FloatColumn
    tempo: FloatColumn
    spend: FloatColumn
    bot_chance: FloatColumn  # that somebody of this source at this time is no person
    is_bot: BoolColumn

    def __len__(self) -> int:
        return len(self.time)

    def part(self, which: slice) -> Self:
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))


def make_paying_people(
    world: str, seed: int, installs: int, disturbance: Disturbance
) -> PayingPeople:
    rng = generator(seed, f"paying people {world}")
    time = _times(rng, installs)
    is_new = time >= BEGIN_MS
    app = pick(rng, np.array([app.share for app in MARKET_APPS]), installs)
    app = np.where(is_new & (rng.random(installs) < disturbance.new_app), NEW_APP, app)
    country = pick(rng, np.array([one.share for one in COUNTRIES]), installs)
    is_ios = rng.random(installs) < np.array([one.ios_share for one in COUNTRIES])[country]
    source = pick(rng, np.array([one.install_weight for one in MEDIA_SOURCES]), installs)
    source = np.where(rng.random(installs) < _ORGANIC_SHARE, ORGANIC_SOURCE, source)
    campaign = source + len(MEDIA_SOURCES) * pick(rng, _sizes(rng, 5), installs)
    fresh = CAMPAIGNS + source + len(MEDIA_SOURCES) * rng.integers(0, 2, installs)
    moved = is_new & (rng.random(installs) < disturbance.new_campaigns)
    campaign = np.where(source == ORGANIC_SOURCE, -1, np.where(moved, fresh, campaign))
    site = source + len(MEDIA_SOURCES) * pick(rng, _sizes(rng, 15), installs)
    lead = np.exp(rng.normal(_CLICK_LEAD_LOG_MEAN, _CLICK_LEAD_LOG_SPREAD, installs))
    bot_chance = np.where(is_new & (source == BOT_SOURCE), disturbance.bots, 0.0)
    is_organic = source == ORGANIC_SOURCE
    traits = (time, app, country, is_ios.astype(np.int64), source, campaign, site)
    quality, tempo, spend = _scores(world, seed, traits)
    return PayingPeople(
        time=time,
        app=app,
        country=country,
        is_ios=is_ios,
        system=rng.integers(0, 4, installs),
        source=source,
        campaign=campaign,
        site=np.where(is_organic, -1, site),
        is_view=(rng.random(installs) < _VIEW_SHARE) & ~is_organic,
        click_lead_s=np.where(is_organic, -1, lead.clip(10, 600_000)).astype(np.int64),
        quality=quality,
        tempo=tempo,
        spend=spend,
        bot_chance=bot_chance,
        is_bot=rng.random(installs) < bot_chance,
    )


def _scores(world: str, seed: int, traits: tuple[IntColumn, ...]) -> list[FloatColumn]:
    """Quality, tempo and spend: sums of the effects of all traits in this world."""
    time, app, country, is_ios, source, campaign, site = traits
    rng = generator(seed, f"paying scores {world}")
    levels = (
        (app, NEW_APP + 1, 0.35),
        (country, len(COUNTRIES), 0.45),
        (is_ios, 2, 0.25),
        (source, ORGANIC_SOURCE + 1, 0.45),
        (source * len(COUNTRIES) + country, (ORGANIC_SOURCE + 1) * len(COUNTRIES), 0.15),
        (time // HOUR_MS % 24 // 6, 4, 0.10),
        (np.where(source == ORGANIC_SOURCE, 0, site + 1), _SITES + 1, 0.25),
        (campaign + 1, CAMPAIGNS + NEW_CAMPAIGNS + 1, 0.35),
        (np.maximum(campaign - CAMPAIGNS + 1, 0), NEW_CAMPAIGNS + 1, 0.5),  # others than before
    )
    found: list[FloatColumn] = []
    for share in (1.0, 0.5, 0.5):
        score = np.zeros(len(time))
        for index, size, spread in levels:
            effect = rng.normal(0.0, spread * share, size)
            score += (effect - effect.mean())[index]
        found.append(score)
    return found


def _times(rng: np.random.Generator, installs: int) -> IntColumn:
    weights = hour_weights(START_MS, INSTALL_DAYS * 24)
    edges = np.r_[0.0, np.cumsum(weights)]
    share = np.sort(rng.random(installs))
    hours = np.interp(share, edges, np.arange(len(edges)))
    return np.asarray(START_MS + hours * HOUR_MS, np.int64) // SECOND_MS * SECOND_MS


def _sizes(rng: np.random.Generator, count: int) -> FloatColumn:
    """Weights of which few are large."""
    return np.asarray(rng.pareto(1.5, count) + 0.3)
