"""Held out for final figures: nobody may use this world to choose or tune a model.

Interest wanders as Brownian motion with a drift of one's own, and who reaches a barrier pays: the
time to pay is inverse Gaussian in a time that runs with use, not with the clock, and defective
for those whose interest fades (first hitting times: Lee and Whitmore 2006). Prices and holidays
slow that time down or speed it up.
"""

from __future__ import annotations

import numpy as np

from schemas.time import DAY_MS
from streams.lab.simulator.draws import FloatColumn
from streams.lab.simulator.paying_worlds.chances import normal_cdf
from streams.lab.simulator.paying_worlds.kinds.fondness import FONDNESS
from streams.lab.simulator.paying_worlds.lives import Season
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.steps import EDGES_MS

_DRIFT_SPREAD = 0.32
_BARRIER = 2.9
_USE_EXPONENT = 0.45
_PRICE_ELASTICITY = 1.5


def diffusion_survival(people: PayingPeople, season: Season) -> FloatColumn:
    """Closed form in the time of use (Chhikara and Folks 1989)."""
    factor = season.mood * season.price**-_PRICE_ELASTICITY
    use = np.diff((EDGES_MS / DAY_MS) ** _USE_EXPONENT) * factor
    use = np.cumsum(use * np.exp(0.5 * people.tempo[:, None]), axis=1)[:, None, :]
    drift = (_DRIFT_SPREAD * (FONDNESS - 1.0))[None, :, None]
    barrier = (_BARRIER * np.exp(-0.22 * people.quality))[:, None, None]
    root = np.sqrt(use)
    reached = normal_cdf((drift * use - barrier) / root)
    reached += np.exp(2 * drift * barrier) * normal_cdf(-(drift * use + barrier) / root)
    nothing = np.zeros((len(people), len(FONDNESS), 1))
    return 1.0 - np.concatenate([nothing, reached.clip(0.0, 1.0)], axis=2)
