"""The units of a running experiment, a row each, and what each metric is made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import UnitColumn
from online_models.experiments.design.definition import Metric

UNIT_COLUMNS = (
    "pays", "revenue", "capped", "net", "retained", "refunded", "chance", "amount", "paid_before",
)  # fmt: skip
"""What is known of a unit, in this order: whether it paid within the window (0 or 1), how much, how
much up to the cap, how much is left after refunds, whether it came back, whether it took money
back; and what was known when it was assigned: the predicted chance and amount, and past money."""

_PLACE = {name: place for place, name in enumerate(UNIT_COLUMNS)}

METRIC_COLUMNS: dict[Metric, UnitColumn] = {
    "payer_rate": UnitColumn("payer_rate", _PLACE["pays"], None, True),
    "arpu": UnitColumn("arpu", _PLACE["revenue"]),
    "arpu_capped": UnitColumn("arpu_capped", _PLACE["capped"]),
    "arppu": UnitColumn("arppu", _PLACE["revenue"], _PLACE["pays"]),
    "arppu_capped": UnitColumn("arppu_capped", _PLACE["capped"], _PLACE["pays"]),
    "net_arpu": UnitColumn("net_arpu", _PLACE["net"]),
    "retention": UnitColumn("retention", _PLACE["retained"], None, True),
    "refund_rate": UnitColumn("refund_rate", _PLACE["refunded"], None, True),
}
"""Columns of the metrics that a definition may name."""

COVARIATES = tuple(UnitColumn(name, _PLACE[name]) for name in ("chance", "amount", "paid_before"))
"""What takes noise out: prediction and past money, both frozen at the assignment."""

LESS_IS_BETTER: frozenset[Metric] = frozenset({"refund_rate"})
"""Metrics of which a rise is harm."""


class UnitTable(NamedTuple):
    """Units by first exposure.

    `codes`: the variant of each unit, 0 the control. `phases`: the step of the ramp in which it was
    exposed. `is_mature`: whether its whole window has passed. `values`: units × `UNIT_COLUMNS`, in
    the currency of the metrics; NaN: unknown, in covariates only.
    """

    codes: NDArray[np.int64]
    phases: NDArray[np.int64]
    is_mature: NDArray[np.bool_]
    values: NDArray[np.float64]
