"""JIT warm-up: compiles every kernel, or reads it from disk, before it is needed.

Compiling takes seconds, during which a worker would not score.
"""

from __future__ import annotations

from functools import cache

from online_models.hazard.encoding import Encoder
from online_models.hazard.model import HazardModel
from online_models.hazard.packed import PackedAsk, PackedGroup, PackedSnapshot
from online_models.hazard.rules import HazardRules
from online_models.value.model import StepRow, ValueModel, ValueRow
from online_models.value.rules import ValueRules

SLOTS = 2**8


@cache
def warm_up() -> None:
    """Compile all kernels, once per process. The models it uses for that are thrown away."""
    hazard, value = HazardRules(slots=SLOTS), ValueRules(SLOTS)
    slots, values = Encoder(hazard.slots, hazard.seed).pack({"a": 1.0})
    model = HazardModel(hazard)
    model.learn_packed([PackedGroup(0, True, "", [PackedSnapshot(0, slots, values)])])
    model.scorer.score_packed([PackedAsk(slots, values, 0)])
    amounts = ValueModel(value)
    amounts.learn([ValueRow(slots, values, 0, 0, 1.0)])
    amounts.develop([StepRow(0, 1.0, 0.0)])
    amounts.scorer.score_packed(slots, values, 0)
