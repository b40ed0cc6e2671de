"""Worlds in which fondness drives both activity and paying, and only paying ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds import activity
from streams.lab.simulator.paying_worlds.chances import (
    Futures,
    answers,
    log_sum,
    normal_grid,
    paid_at,
)
from streams.lab.simulator.paying_worlds.lives import NEVER_PAYS, Lives, Season
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import ACTIVITY_BUCKETS, AT_LANDMARK

FONDNESS = normal_grid(21)
"""Each is as likely as the others, so that the truth is a finite sum."""

Survival = Callable[[PayingPeople, Season], FloatColumn]
"""Install × fondness × edge: the chance not to have paid by then."""


@dataclass(frozen=True, slots=True)
class FondnessWorld:
    survival: Survival

    def live(self, people: PayingPeople, season: Season, rng: np.random.Generator) -> Lives:
        size = len(people)
        kind = (rng.random(size) * len(FONDNESS)).astype(np.int64)
        shares = rng.random((size, ACTIVITY_BUCKETS, activity.QUANTITIES))
        counts = activity.act(shares, people.app, FONDNESS[kind])
        counts[people.is_bot] = 0
        survival = self.survival(people, season)
        weight = activity.log_likelihood(counts, people.app, FONDNESS) - np.log(len(FONDNESS))
        weight += np.log(np.maximum(survival[:, :, AT_LANDMARK], 1e-300))
        known = answers(weight, log_sum(weight), Futures.of_survival(survival))
        sessions: IntColumn = counts[:, :, 0]
        paid_ms = paid_at(rng.random(size), survival[np.arange(size), kind])
        return Lives(
            sessions=sessions,
            names=counts[:, :, 1:],
            last_ms=activity.last_activity(rng.random((size, ACTIVITY_BUCKETS)), sessions),
            paid_ms=np.where(people.is_bot, NEVER_PAYS, paid_ms),
            evidence=known.evidence,
            chance=known.chance,
            left_d=known.left_d,
        )
