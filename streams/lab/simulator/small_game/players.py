"""Who installs a small game, what they do and when they first pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, SECOND_MS
from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn, generator, pick
from streams.lab.simulator.scenario import START_MS

APPS = ("com.small.first", "com.small.second")
CAMPAIGN_EFFECTS = {
    "": 1.0,  # organic
    "placebo-1": 1.0,
    "placebo-2": 1.0,
    "placebo-3": 1.0,
    "placebo-4": 1.0,
    "good": 1.8,
    "poor": 0.4,
}
"""Factors on the chance to pay. Placebo campaigns bring people as they come by themselves."""
PLACEBOS = tuple(name for name in CAMPAIGN_EFFECTS if name.startswith("placebo"))
_SHARES = np.array([0.4, 0.12, 0.12, 0.12, 0.08, 0.08, 0.08])
COUNTRY_CODES = ("US", "DE", "BR", "IN", "JP", "FR")
_COUNTRY_SHARES = np.array([0.3, 0.15, 0.2, 0.2, 0.05, 0.1])
_COUNTRY_EFFECTS = np.array([1.5, 1.1, 0.7, 0.4, 1.6, 1.0])
SECOND_APP_DAY = 30
_SECOND_APP_SHARE = 0.25
_SECOND_APP_EFFECT = 0.7
LIFE_DAYS = 14
"""Days on which somebody may play; later activity is of no landmark."""
NEVER_MS = -1
_LATER_SHARE = 0.6
"""Who pays between day 7 and day 30, for each who pays before."""


@dataclass(frozen=True, slots=True)
class SmallGameRules:
    """How large a game, how many pay, and how well its log is kept."""

    installs: int
    rate: float  # share that pays by day 7
    seed: int = 1
    days: int = 60
    is_by_day: bool = False
    """Whether events are known to the day only."""
    censored_share: float = 0.1
    """People who play and pay and whose installs are from before the log, beside the installs."""


@dataclass(frozen=True, slots=True)
class Players:
    """One element or row per install, in order of time. Those before the log began come first."""

    time: IntColumn
    app: IntColumn
    campaign: IntColumn
    country: IntColumn
    is_ios: BoolColumn
    chance: FloatColumn
    """To pay by day 7, given everything about the person."""
    paid_ms: IntColumn  # since the install; NEVER_MS
    sessions: IntColumn  # install × day of life
    is_logged: BoolColumn  # whether the install is in the log


def make_players(rules: SmallGameRules) -> Players:
    """Equal rules give equal players. The mean chance is the rate."""
    rng = generator(rules.seed, "small game")
    censored = int(rules.installs * rules.censored_share)
    begin = START_MS + np.sort(rng.random(rules.installs)) * rules.days * DAY_MS
    before = START_MS - np.sort(rng.random(censored))[::-1] * LIFE_DAYS * DAY_MS
    time = np.concatenate([before, begin]).astype(np.int64) // SECOND_MS * SECOND_MS
    size = len(time)
    is_late = time >= START_MS + SECOND_APP_DAY * DAY_MS
    app = (is_late & (rng.random(size) < _SECOND_APP_SHARE)).astype(np.int64)
    campaign = pick(rng, _SHARES, size)
    country = pick(rng, _COUNTRY_SHARES, size)
    is_ios = rng.random(size) < 0.4
    keenness = rng.normal(size=size)
    weight = np.array([*CAMPAIGN_EFFECTS.values()])[campaign] * _COUNTRY_EFFECTS[country]
    weight = weight * np.where(is_ios, 1.4, 0.8) * np.where(app == 1, _SECOND_APP_EFFECT, 1.0)
    weight = weight * np.exp(0.9 * keenness)
    chance = np.minimum(rules.rate * weight / weight.mean(), 0.5)
    return Players(
        time=time,
        app=app,
        campaign=campaign,
        country=country,
        is_ios=is_ios,
        chance=chance,
        paid_ms=_first_payments(rng, chance),
        sessions=_sessions(rng, keenness),
        is_logged=time >= START_MS,
    )


def _first_payments(rng: np.random.Generator, chance: FloatColumn) -> IntColumn:
    """Soon after the install, or seldom; a third of the early ones in the first six hours."""
    share, when = rng.random((2, len(chance)))
    early = (when**2.2 * 7 * DAY_MS).astype(np.int64)
    later = (7 * DAY_MS + when * 23 * DAY_MS).astype(np.int64)
    is_early, is_later = share < chance, share < chance * (1.0 + _LATER_SHARE)
    return np.where(is_early, early, np.where(is_later, later, NEVER_MS))


def _sessions(rng: np.random.Generator, keenness: FloatColumn) -> IntColumn:
    """Play falls off with the square root of age, and less so for the keen."""
    age = np.arange(LIFE_DAYS)
    usual = 0.9 / np.sqrt(1.0 + age) * np.where(age == 0, 1.4, 1.0)
    mean = np.multiply.outer(np.exp(0.5 * keenness - 0.3), usual)
    return np.asarray(rng.poisson(np.minimum(mean, 8.0)), np.int64)


def session_times(rng: np.random.Generator, players: Players) -> tuple[IntColumn, IntColumn]:
    """Player and moment of every session."""
    counts = players.sessions.ravel()
    which = np.repeat(np.arange(len(counts)), counts)
    player, day = which // LIFE_DAYS, which % LIFE_DAYS
    since = day * DAY_MS + (rng.random(len(which)) * 16 * HOUR_MS).astype(np.int64)
    return player, players.time[player] + since
