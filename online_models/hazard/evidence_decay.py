"""Forgets evidence after a change of the world, so that a model learns faster again.

The longer FTRL has learned, the less a row moves its weights. `forget_evidence` leaves every weight
as it is, so that no prediction jumps, but from then on the weights of features learn as if they
rested on a tenth of their evidence. Intercepts and calibration follow a change by themselves:
forgetting their evidence as well, or instead, was worse where one source of several had changed.
"""

from __future__ import annotations

import numpy as np

from online_models.hazard.kernel import weights_of
from online_models.hazard.model import HazardModel

KEPT = 0.1
"""Share of the evidence behind weights that is kept."""


def forget_evidence(model: HazardModel, kept: float = KEPT) -> None:
    """Raise the learning rate of feature weights: `kept` is the share of their evidence that stays.
    Call it at an offset that the log determines, or a replay will differ."""
    rules, memory = model.rules, model.memory
    used = np.flatnonzero(memory.n.any(axis=1))
    z, before = memory.z[used], memory.n[used]
    after = before * kept
    steepness = [(rules.beta + np.sqrt(n)) / rules.alpha + rules.l2 for n in (before, after)]
    # w = −(z − sgn(z)·λ₁) / steepness stays what it was.
    beyond = np.maximum(np.abs(z) - rules.l1, 0.0) * (steepness[1] / steepness[0])
    z = np.where(np.abs(z) <= rules.l1, z, np.copysign(rules.l1 + beyond, z))
    memory.z[used], memory.n[used] = z, after
    # Equal to the last bit to the weights of a model that is read back.
    model.scorer.weights.w[used] = weights_of(z, after, rules)
