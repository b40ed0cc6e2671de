"""Buy till you die: people come back at their own rate until, unseen, they no longer do.

Sessions renew at a personal rate that swings with the week, each may be the last one, and each
may bring a payment (after the beta-geometric/NBD model of Fader, Hardie and Lee 2005, with
payment as a thinning of the visits). How often and how recently somebody fits back therefore
tells more than how much. Rates and mortality take a finite number of values, so the truth is a
finite sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from schemas.time import DAY_MS, MINUTE_MS
from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds.activity import buckets_of
from streams.lab.simulator.paying_worlds.chances import (
    Futures,
    answers,
    log_sum,
    normal_grid,
    picked,
    poisson,
)
from streams.lab.simulator.paying_worlds.lives import IN_APP_NAMES, NEVER_PAYS, Lives, Season
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import (
    ACTIVITY_BUCKETS,
    AT_LANDMARK,
    EDGES_MS,
    HORIZON_MS,
    LANDMARK_MS,
    LENGTHS_D,
    LIFE_STEPS,
    MIDDLES_MS,
)

_Z = np.repeat(normal_grid(8), 5)
_PER_DAY = np.exp(np.log(0.45) + 1.1 * _Z)  # returns
_MORTALITY = np.tile([0.03, 0.08, 0.2, 0.4, 0.65], 8)
_RANK = np.tile(np.arange(5) - 2.0, 8)
_WEEK = np.array([0.85, 0.8, 0.85, 0.9, 1.1, 1.35, 1.3])
_PAYS = -3.6  # log of the rate per session
_PRICE_ELASTICITY = 1.4


class Renewal:
    def live(self, people: PayingPeople, season: Season, rng: np.random.Generator) -> Lives:
        size = len(people)
        chances = _kinds(people)
        kind = picked(rng.random(size), chances)
        noise = rng.random((2, size, ACTIVITY_BUCKETS))
        pace = _pace(season)
        pays = _pays(people, season)
        seen = _visits(people, kind, pace, pays, rng)
        names = np.zeros((size, ACTIVITY_BUCKETS, len(IN_APP_NAMES)), np.int64)
        names[:, :, 0] = poisson(noise[0], np.multiply(0.8, seen.sessions))
        names[:, :, 1] = poisson(noise[1], np.multiply(2.0, seen.sessions))
        names[:, :, 2] = seen.sessions
        evidence, chance, left_d = _known(chances, seen, pace, pays)
        return Lives(
            sessions=seen.sessions,
            names=names,
            last_ms=seen.last_ms,
            paid_ms=seen.paid_ms,
            evidence=evidence,
            chance=chance,
            left_d=left_d,
        )


def _kinds(people: PayingPeople) -> FloatColumn:
    """Install × kind."""
    logit = 0.4 * people.tempo[:, None] * _Z + 0.3 * _RANK - 0.45 * people.quality[:, None] * _RANK
    weight = np.exp(logit)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _pace(season: Season) -> FloatColumn:
    """Install × edge: how much of the time in which visits renew has passed by then."""
    hurry = np.where(EDGES_MS[:-1] < DAY_MS, 2.5, 1.0)
    passed = np.cumsum(LENGTHS_D * hurry * _WEEK[season.weekday], axis=1)
    return np.concatenate([np.zeros((len(passed), 1)), passed], axis=1)


def _pays(people: PayingPeople, season: Season) -> FloatColumn:
    """Install × step: the chance that a session brings the payment."""
    rate = _PAYS + 0.75 * people.quality[:, None] + 0.3 * (season.weekday >= 5)
    rate = np.exp(rate - 0.2 * np.log1p(MIDDLES_MS / DAY_MS))
    return -np.expm1(-rate * season.mood * season.price**-_PRICE_ELASTICITY)


class _Seen(NamedTuple):
    sessions: IntColumn  # install × bucket
    last_ms: IntColumn  # install × landmark
    last_pace: FloatColumn  # the same in the time in which visits renew
    unpaid: (
        FloatColumn  # install × landmark: log chance that none of these sessions brought a payment
    )
    paid_ms: IntColumn


def _visits(
    people: PayingPeople,
    kind: IntColumn,
    pace: FloatColumn,
    pays: FloatColumn,
    rng: np.random.Generator,
) -> _Seen:
    size = len(people)
    seen = _Seen(
        np.zeros((size, ACTIVITY_BUCKETS), np.int64),
        np.zeros((size, len(LANDMARK_MS)), np.int64),
        np.zeros((size, len(LANDMARK_MS))),
        np.zeros((size, len(LANDMARK_MS))),
        np.full(size, NEVER_PAYS),
    )
    seen.unpaid[:, 1:] = np.log1p(-pays[:, :1])
    share = rng.random((2, size))
    buys = (share[0] < pays[:, 0]) & ~people.is_bot
    seen.paid_ms[buys] = (share[0] / pays[:, 0] * 20 * MINUTE_MS).astype(np.int64)[buys]
    here = np.flatnonzero(~buys & ~people.is_bot & (share[1] >= _MORTALITY[kind]))
    at = np.zeros(size)
    while len(here):
        waited, share_pays, share_dies = rng.random((3, size))[:, here]
        at[here] -= np.log1p(-waited) / _PER_DAY[kind[here]]
        step = (pace[here] <= at[here, None]).sum(axis=1) - 1
        is_in = step < LIFE_STEPS
        here, step = here[is_in], step[is_in]
        time = _time(pace[here], at[here], step)
        buys = share_pays[is_in] < pays[here, step]
        seen.paid_ms[here[buys]] = time[buys]
        _note(seen, here[~buys], time[~buys], at[here[~buys]])
        seen.unpaid[here] += np.log1p(-pays[here, step])[:, None] * (time[:, None] < LANDMARK_MS)
        here = here[~buys & (share_dies[is_in] >= _MORTALITY[kind[here]])]
    return seen


def _time(pace: FloatColumn, at: FloatColumn, step: IntColumn) -> IntColumn:
    row = np.arange(len(at))
    begin, end = pace[row, step], pace[row, step + 1]
    length = EDGES_MS[step + 1] - EDGES_MS[step]
    inside = ((at - begin) / (end - begin) * length).astype(np.int64)
    return np.asarray(EDGES_MS[step] + np.minimum(inside, length - 1), np.int64)


def _note(seen: _Seen, who: IntColumn, time: IntColumn, at: FloatColumn) -> None:
    bucket = buckets_of(time)
    counts = bucket < ACTIVITY_BUCKETS
    seen.sessions[who[counts], bucket[counts]] += 1
    is_before = time[:, None] < LANDMARK_MS
    seen.last_ms[who] = np.where(is_before, time[:, None], seen.last_ms[who])
    seen.last_pace[who] = np.where(is_before, at[:, None], seen.last_pace[who])


def _known(
    chances: FloatColumn, seen: _Seen, pace: FloatColumn, pays: FloatColumn
) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """Evidence, chances and days left at the landmarks, of those who have not paid by then."""
    count = np.concatenate([np.zeros((len(chances), 1)), np.cumsum(seen.sessions, axis=1)], axis=1)[
        :, None, :
    ]
    log_rate = (np.log(_PER_DAY) + np.log1p(-_MORTALITY))[None, :, None]
    fits = np.log(chances)[:, :, None] + count * log_rate + seen.unpaid[:, None, :]
    passed = pace[:, None, AT_LANDMARK] * _PER_DAY[:, None]
    lives_on = fits + np.log1p(-_MORTALITY)[:, None] - passed
    has_died = fits + np.log(_MORTALITY)[:, None] - seen.last_pace[:, None, :] * _PER_DAY[:, None]
    evidence = log_sum(np.concatenate([lives_on, has_died], axis=1))
    evidence[:, 0] = 0.0
    lives_on[:, :, 0] = np.log(chances * (1.0 - _MORTALITY) * (1.0 - pays[:, :1]))
    ends = pays[:, None, :] + (1.0 - pays[:, None, :]) * _MORTALITY[:, None]
    visits = np.diff(pace)[:, None, :] * _PER_DAY[:, None]
    gone = np.cumsum(visits * ends, axis=2)
    survival = np.exp(-np.concatenate([np.zeros((*gone.shape[:2], 1)), gone], axis=2))
    paid = (survival[:, :, :-1] - survival[:, :, 1:]) * pays[:, None, :] / ends
    known = answers(lives_on, evidence, Futures(paid, survival))
    # At the install the first session is still to come.
    known.chance[:, 0] += pays[:, :1]
    known.left_d[:, 0] += pays[:, :1] * HORIZON_MS / DAY_MS
    return known
