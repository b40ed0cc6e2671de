"""Players with a purse: they play, rise, save up, are shown offers, and leave without notice.

What somebody is (purse and eagerness: 25 kinds) follows from traits only by chance. Players buy
when an offer is shown, they can afford it and feel like it: the further they have come, the more.
What is affordable grows with the weeks, so hazards jump; a price change moves the jumps. Truth
is exact: a hidden Markov model forwards through what is known, and dynamic programming
backwards from the horizon (Rabiner 1989; Bellman 1957).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.paying_worlds.activity import buckets_of
from streams.lab.simulator.paying_worlds.chances import picked, poisson
from streams.lab.simulator.paying_worlds.lives import IN_APP_NAMES, NEVER_PAYS, Lives, Season
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import (
    ACTIVITY_BUCKETS,
    AT_HORIZON,
    AT_LANDMARK,
    EDGES_MS,
    HORIZON_MS,
    LENGTHS_D,
    LIFE_STEPS,
    MIDDLES_MS,
)
from streams.lab.simulator.scenario import START_MS

_PURSE = np.repeat([0.0, 2.5, 6.0, 15.0, 60.0], 5)  # USD a week
_PER_DAY = np.tile([0.15, 0.5, 1.2, 2.4, 4.5], 5)  # sessions
_LEAVES_PER_DAY = np.tile([0.9, 0.45, 0.22, 0.10, 0.05], 5)
_KINDS = len(_PURSE)
_RANK_PURSE, _RANK_EAGER = np.repeat(np.arange(5) - 2.0, 5), np.tile(np.arange(5) - 2.0, 5)
_USUAL = np.repeat([2.2, 1.2, 0.4, -0.8, -2.0], 5) + np.tile([0.8, 0.6, 0.2, -0.3, -1.0], 5)
_LEVELS = 11
_PRICE_USD = 6.0
_STARTER_PACK = 0.45  # factor on the first day
_WEEKEND_OFFER = 0.75
_TIER = np.array([1.0 if one.code in ("US", "JP") else 0.9 if one.currency in ("EUR", "GBP")
                  else 0.6 for one in COUNTRIES])  # fmt: skip
_BUSY = np.ones(LIFE_STEPS)
_BUSY[:4] = (14.0, 3.0, 1.5, 1.5)  # newcomers play more


class _Group(NamedTuple):
    """Those who see the same prices: installed on the same day, on the same kind of device."""

    of_install: IntColumn
    buys: FloatColumn  # group × kind × level × step: chance to buy in a step with a session


class Agents:
    def live(self, people: PayingPeople, season: Season, rng: np.random.Generator) -> Lives:
        size = len(people)
        chance_of_kind = _kinds(people)
        kind = picked(rng.random(size), chance_of_kind)
        shares = rng.random((4, size, LIFE_STEPS))
        groups = _groups(people, season)
        played = _play(people, kind, groups, shares)
        known = _known(chance_of_kind, played, groups)
        names = np.zeros((size, ACTIVITY_BUCKETS, len(IN_APP_NAMES)), np.int64)
        names[:, :, 0] = _in_buckets(np.diff(played.level, axis=1))
        names[:, :, 1] = poisson(
            rng.random((size, ACTIVITY_BUCKETS)), np.multiply(1.5, _in_buckets(played.sessions))
        )
        names[:, :, 2] = _in_buckets((played.sessions > 0).astype(np.int64))
        evidence, chance, left_d = known
        return Lives(
            sessions=_in_buckets(played.sessions),
            names=names,
            last_ms=_last(played, shares[3]),
            paid_ms=played.paid_ms,
            evidence=evidence,
            chance=chance,
            left_d=left_d,
        )


def _kinds(people: PayingPeople) -> FloatColumn:
    """Install × kind."""
    logit = _USUAL + 0.1 * _RANK_PURSE * _RANK_EAGER
    logit = logit + 0.45 * people.quality[:, None] * _RANK_PURSE
    logit = np.exp(logit + 0.35 * people.tempo[:, None] * _RANK_EAGER)
    return np.asarray(logit / logit.sum(axis=1, keepdims=True))


def _groups(people: PayingPeople, season: Season) -> _Group:
    day = (people.time - START_MS) // DAY_MS
    keys = np.stack([day, people.is_ios, (_TIER[people.country] * 10).astype(np.int64)], axis=1)
    _, first, of_install = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    # As at the first install of the day, so that a change has no effect before it happens.
    price = _PRICE_USD * _TIER[people.country[first]] * np.where(people.is_ios[first], 1.15, 1.0)
    offer = np.where(season.weekday[first] >= 5, _WEEKEND_OFFER, 1.0)
    offer[:, EDGES_MS[:-1] < DAY_MS] = _STARTER_PACK
    price = (price[:, None] * offer * season.price[first])[:, None, None, :]
    saved = _PURSE[:, None] * np.minimum(0.5 + EDGES_MS[:-1] / (7 * DAY_MS), 3.0)
    ease = (saved[None, :, None, :] / price).clip(0.0, 6.0)
    wish = 0.05 * (1 + 0.35 * np.arange(_LEVELS))[None, None, :, None]
    wish = wish * np.sqrt(ease) * season.mood[first][:, None, None, :]
    return _Group(of_install.reshape(-1), np.where(ease >= 1.0, -np.expm1(-wish), 0.0))


class _Played(NamedTuple):
    sessions: IntColumn  # install × step
    level: IntColumn  # install × edge
    paid_ms: IntColumn


def _play(people: PayingPeople, kind: IntColumn, groups: _Group, shares: FloatColumn) -> _Played:
    size = len(people)
    sessions = np.zeros((size, LIFE_STEPS), np.int64)
    level = np.zeros((size, LIFE_STEPS + 1), np.int64)
    paid_ms = np.full(size, NEVER_PAYS)
    is_here = ~people.is_bot
    for step in range(LIFE_STEPS):
        mean = _PER_DAY[kind] * LENGTHS_D[step] * _BUSY[step]
        sessions[:, step] = poisson(shares[0, :, step], mean) * is_here
        buys = groups.buys[groups.of_install, kind, level[:, step], step]
        bought = (sessions[:, step] > 0) & (shares[1, :, step] < buys)
        length = EDGES_MS[step + 1] - EDGES_MS[step]
        into = shares[1, bought, step] / buys[bought] * length
        paid_ms[bought] = EDGES_MS[step] + into.astype(np.int64)
        level[:, step + 1] = _risen(level[:, step], sessions[:, step])
        stays = shares[2, :, step] < np.exp(-_LEAVES_PER_DAY[kind] * LENGTHS_D[step])
        is_here = is_here & ~bought & stays
    return _Played(sessions, level, paid_ms)


def _risen(level: IntColumn, sessions: IntColumn) -> IntColumn:
    return np.minimum(level + np.minimum(sessions, 2), _LEVELS - 1)


def _known(
    chance_of_kind: FloatColumn, played: _Played, groups: _Group
) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """Evidence, chances and days left at the landmarks, of those who have not paid by then."""
    size = len(chance_of_kind)
    future = _futures(groups)
    here, gone = chance_of_kind, np.zeros_like(chance_of_kind)
    shape = (size, len(AT_LANDMARK), len(AT_HORIZON))
    found = np.full((2, *shape), np.nan)
    evidence = np.zeros(shape[:2])
    for step in range(int(AT_LANDMARK[-1]) + 1):
        if step in AT_LANDMARK:
            at = int(np.searchsorted(AT_LANDMARK, step))
            total = (here + gone).sum(axis=1)
            evidence[:, at] = np.log(np.maximum(total, 1e-300))
            then = future[at][:, :, groups.of_install, :, played.level[:, step]]
            found[:, :, at] = np.einsum("nfhk,nk->fnh", then, here / total[:, None])
        mean = _PER_DAY * LENGTHS_D[step] * _BUSY[step]
        count = played.sessions[:, step, None]
        buys = groups.buys[groups.of_install, :, played.level[:, step], step]
        here = here * mean**count * np.exp(-mean) * np.where(count > 0, 1.0 - buys, 1.0)
        stays = np.exp(-_LEAVES_PER_DAY * LENGTHS_D[step])
        gone = gone * (count == 0) + here * (1.0 - stays)
        here = here * stays
    return evidence, found[0], found[1]


def _futures(groups: _Group) -> FloatColumn:
    """Landmark × (paying, days left) × horizon × group × kind × level, of those still playing."""
    shape = (len(AT_HORIZON), *groups.buys.shape[:3])
    future = np.full((len(AT_LANDMARK), 2, *shape), np.nan)
    for horizon, end in enumerate(AT_HORIZON):
        value = np.zeros((2, *shape[1:]))
        for step in reversed(range(int(end))):
            left = (HORIZON_MS[horizon] - MIDDLES_MS[step]) / DAY_MS
            value = _before(value, groups.buys[:, :, :, step], step, np.array([1.0, left]))
            if step in AT_LANDMARK:
                future[int(np.searchsorted(AT_LANDMARK, step)), :, horizon] = value
    return future


def _before(value: FloatColumn, buys: FloatColumn, step: int, payoff: FloatColumn) -> FloatColumn:
    """One step back: what each player can expect before it."""
    mean = _PER_DAY * LENGTHS_D[step] * _BUSY[step]
    none = np.exp(-mean)[:, None]
    single = mean[:, None] * none
    stays = np.exp(-_LEAVES_PER_DAY * LENGTHS_D[step])[:, None]
    up = np.minimum(np.arange(_LEVELS)[:, None] + np.arange(3), _LEVELS - 1)
    goes_on = single * value[..., up[:, 1]] + (1.0 - none - single) * value[..., up[:, 2]]
    waits = stays * (none * value + (1.0 - buys) * goes_on)
    return np.asarray(waits + (1.0 - none) * buys * payoff[:, None, None, None])


def _in_buckets(counts: IntColumn) -> IntColumn:
    found = np.zeros((len(counts), ACTIVITY_BUCKETS), np.int64)
    bucket = buckets_of(EDGES_MS[:-1])
    for number in range(ACTIVITY_BUCKETS):
        found[:, number] = counts[:, bucket == number].sum(axis=1)
    return found


def _last(played: _Played, shares: FloatColumn) -> IntColumn:
    """Install × landmark: of the last session before it; 0: none."""
    length = EDGES_MS[1:] - EDGES_MS[:-1]
    time = np.where(played.sessions > 0, EDGES_MS[:-1] + (shares * length).astype(np.int64), 0)
    last = np.concatenate([np.zeros((len(time), 1)), np.maximum.accumulate(time, axis=1)], axis=1)
    return np.asarray(last[:, AT_LANDMARK], np.int64)
