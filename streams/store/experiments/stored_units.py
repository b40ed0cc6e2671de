"""The units of an experiment, added up in the store: assigned, exposed, and followed for its
window.

What a unit is followed for begins with its first exposure and ends with the window. Money counts
when it moved, whenever it was told: refunds and late payments change what was believed before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from online_models.experiments.design import ExperimentDefinition
from online_models.experiments.running import UNIT_COLUMNS, UnitSums
from streams.store.base import SqlValue, Store

_SUMS = """
WITH
    exposed AS
    (
        SELECT install_id AS id, min(event_time) AS met_at
        FROM experiment_exposures
        WHERE app_id = {app} AND experiment_id = {experiment}
            AND experiment_version = {experiment_version}
            AND environment = 'production' AND status = 'first'
        GROUP BY id
    ),
    units AS
    (
        SELECT a.id AS id, code, phase, chance, amount, paid_before,
            greatest(e.met_at, a.assigned_at) AS begin, begin + toIntervalHour({window_h}) AS end,
            end < fromUnixTimestamp64Milli(toInt64({moment}), 'UTC') AS is_mature
        FROM
        (
            SELECT install_id AS id, variant_index AS code, ramp_step AS phase, assigned_at,
                greatest(chance, 0) AS chance, greatest(amount, 0) AS amount,
                paid_micros / 1e6 AS paid_before
            FROM assignments
            WHERE app_id = {app} AND experiment_id = {experiment}
                AND experiment_version = {experiment_version} AND environment = 'production'
                AND variant_index >= 0
            ORDER BY assigned_at, log_epoch, log_offset
            LIMIT 1 BY install_id
        ) AS a
        INNER JOIN exposed AS e ON e.id = a.id
    ),
    money AS
    (
        SELECT u.id AS id, sum(ifNull(b.usd_micros, 0)) / 1e6 AS revenue,
            sumIf(ifNull(b.usd_micros, 0), b.kind != 'ad_revenue') / 1e6 AS paid,
            sum(ifNull(b.net_usd_micros, ifNull(b.usd_micros, 0))) / 1e6 AS net,
            sumIf(ifNull(b.usd_micros, 0), b.kind = 'refund') < 0 AS refunded,
            countIf(b.usd_micros IS NULL) AS without_rate
        FROM v_bookings AS b
        INNER JOIN units AS u ON u.id = b.install_id
        WHERE b.app_id = {app} AND b.event_time >= u.begin AND b.event_time < u.end
        GROUP BY id
    ),
    activity AS
    (
        SELECT DISTINCT u.id AS id
        FROM active_days AS d
        INNER JOIN units AS u ON u.id = d.install_id
        WHERE d.app_id = {app} AND d.environment = 'production'
            AND d.event_time >= u.begin + toIntervalSecond(dateDiff('second', u.begin, u.end) / 2)
            AND d.event_time < u.end
    ),
    rows AS
    (
        SELECT u.code AS code, u.phase AS phase, u.is_mature AS is_mature,
            m.without_rate AS without_rate,
            arrayMap(v -> toFloat64(v), [
                toFloat64(m.paid > 0), m.revenue, least(m.revenue, {cap_micros} / 1e6), m.paid,
                least(m.paid, {cap_micros} / 1e6),
                m.net, toFloat64(a.id != ''), toFloat64(m.refunded), u.chance, u.amount,
                u.paid_before
            ]) AS x
        FROM units AS u
        LEFT JOIN money AS m ON m.id = u.id
        LEFT JOIN activity AS a ON a.id = u.id
    )
SELECT code, phase, count(), countIf(is_mature), sumIf(without_rate, is_mature),
    sumForEachIf(x, is_mature), sumForEachIf(arrayMap(v -> toFloat64(v != 0), x), is_mature),
    sumForEachIf(arrayFlatten(arrayMap(a -> arrayMap(b -> a * b, x), x)), is_mature)
FROM rows
GROUP BY code, phase
"""
"""Units by variant and phase: `x` has the columns of `UNIT_COLUMNS`, in US dollars."""


def sums_of_store(
    store: Store, definition: ExperimentDefinition, log_time_ms: int
) -> tuple[UnitSums, int]:
    """The units as of a log time, and how many of their bookings have no exchange rate and are
    missing in every amount."""
    rows = store.query(_SUMS, unit_values(definition, log_time_ms)).rows
    variants, wide = len(definition.variants), len(UNIT_COLUMNS)
    found = UnitSums.empty(variants, 1 + max((int(row[1]) for row in rows), default=0))
    without_rate = 0
    for code, phase, exposed, mature, missing, sums, active, products in rows:
        at = int(code), int(phase)
        found.exposed[at[0]] += int(exposed)
        found.units[at] = int(mature)
        without_rate += int(missing)
        if mature:
            found.sums[at] = sums
            found.active[at] = active
            found.products[at] = np.reshape(np.asarray(products, np.float64), (wide, wide))
    return found, without_rate


def unit_values(definition: ExperimentDefinition, log_time_ms: int) -> dict[str, SqlValue]:
    """What the statement asks for."""
    values: dict[str, Any] = {
        "app": definition.app_id,
        "experiment": definition.id,
        "experiment_version": definition.version,
        "window_h": definition.window_ms // 3_600_000,
        "moment": log_time_ms,
        # An amount without a cap is below any that the contract allows.
        "cap_micros": 10**18 if definition.cap is None else round(definition.cap * 1e6),
    }
    return values
