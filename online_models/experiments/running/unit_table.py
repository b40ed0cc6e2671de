"""The units of a running experiment, a row each or added up, and what each metric is made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import UnitColumn
from online_models.experiments.design.definition import Metric

UNIT_COLUMNS = (
    "pays", "revenue", "revenue_capped", "paid", "paid_capped", "net", "retained", "refunded",
    "chance", "amount", "paid_before",
)  # fmt: skip
"""What is known of a unit, in this order: whether it paid within the window (0 or 1); its revenue,
net of refunds and with advertising; the same up to the cap; what it paid itself; the same up to the
cap; revenue after the fee and tax of the store; whether it came back; whether it took money back.
And what was known when it was assigned: the predicted chance and amount (0: unknown), and past
money."""

_PLACE = {name: place for place, name in enumerate(UNIT_COLUMNS)}

METRIC_COLUMNS: dict[Metric, UnitColumn] = {
    "payer_rate": UnitColumn("payer_rate", _PLACE["pays"], None, True),
    "arpu": UnitColumn("arpu", _PLACE["revenue"]),
    "arpu_capped": UnitColumn("arpu_capped", _PLACE["revenue_capped"]),
    "arppu": UnitColumn("arppu", _PLACE["paid"], _PLACE["pays"]),
    "arppu_capped": UnitColumn("arppu_capped", _PLACE["paid_capped"], _PLACE["pays"]),
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
    assigned, from 0. `is_mature`: whether its whole window has passed. `values`: units ×
    `UNIT_COLUMNS`, in the currency of the metrics.
    """

    codes: NDArray[np.int64]
    phases: NDArray[np.int64]
    is_mature: NDArray[np.bool_]
    values: NDArray[np.float64]


class UnitSums(NamedTuple):
    """The same added up, as a store does it: all that a report needs.

    `exposed`: units by variant, mature or not. Of mature units, by variant and phase: `units`
    `(variants, phases)`, `sums` and `active` (values that are not 0) with `UNIT_COLUMNS` behind,
    and `products` of all pairs of columns.
    """

    exposed: NDArray[np.float64]
    units: NDArray[np.float64]
    sums: NDArray[np.float64]
    active: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def empty(cls, variants: int, phases: int) -> UnitSums:
        """Of no unit."""
        wide, shape = len(UNIT_COLUMNS), (variants, phases)
        return cls(
            np.zeros(variants),
            np.zeros(shape),
            np.zeros((*shape, wide)),
            np.zeros((*shape, wide)),
            np.zeros((*shape, wide, wide)),
        )


def sums_of_units(table: UnitTable, variants: int) -> UnitSums:
    """Adds up a table."""
    found = UnitSums.empty(variants, int(table.phases.max(initial=0)) + 1)
    found.exposed[:] = np.bincount(table.codes, minlength=variants)
    groups = table.codes * found.units.shape[1] + table.phases
    groups = np.where(table.is_mature, groups, -1)
    for group in np.unique(groups[groups >= 0]):
        at = divmod(int(group), found.units.shape[1])
        rows = table.values[groups == group]
        found.units[at] = len(rows)
        found.sums[at] = rows.sum(axis=0)
        found.active[at] = np.count_nonzero(rows, axis=0)
        found.products[at] = rows.T @ rows
    return found
