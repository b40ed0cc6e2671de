"""Some never pay; the others after a lognormal time. Who is fonder pays likelier and sooner.

A mixture cure model with a shared frailty (Farewell 1982; Vaupel et al. 1979): hazards cross, and
fall for everyone as those who pay leave.
"""

from __future__ import annotations

import numpy as np

from schemas.time import HOUR_MS
from streams.lab.simulator.draws import FloatColumn
from streams.lab.simulator.paying_worlds.chances import normal_cdf
from streams.lab.simulator.paying_worlds.kinds.fondness import FONDNESS
from streams.lab.simulator.paying_worlds.lives import Season
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import EDGES_MS

_EVER_PAYS = -1.5  # probit
_MEDIAN_H = 55.0
_SPREAD = 1.9  # of log time
_PRICE_ELASTICITY = 1.3


def frailty_survival(people: PayingPeople, season: Season) -> FloatColumn:
    """Chances not to have paid by each edge. The season speeds hazards up or slows them down."""
    factor = season.mood * season.price**-_PRICE_ELASTICITY
    ever = normal_cdf(_EVER_PAYS + 0.5 * people.quality[:, None] + 0.75 * FONDNESS)
    log_h = np.log(EDGES_MS[1:] / HOUR_MS)
    median = np.log(_MEDIAN_H) - 0.6 * people.tempo[:, None] - 0.35 * FONDNESS
    paid = normal_cdf((log_h - median[:, :, None]) / _SPREAD) * ever[:, :, None]
    nothing = np.zeros((*ever.shape, 1))
    driven = np.diff(np.concatenate([nothing, -np.log1p(-paid)], axis=2), axis=2)
    driven = np.cumsum(driven * factor[:, None, :], axis=2)
    return np.asarray(np.exp(-np.concatenate([nothing, driven], axis=2)))
