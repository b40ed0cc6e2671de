"""What workers would have served over a history, judged: the figures and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.time import DAY_MS
from streams.lab.evaluation.payer.history import PayerHistory
from streams.lab.evaluation.payer.payer_log import JUDGED_HORIZONS
from streams.lab.evaluation.payer.payer_replay import PayerPredictions
from streams.lab.evaluation.rounded import rounded
from streams.lab.evaluation.served.baselines import baseline_tables
from streams.lab.evaluation.served.intervals import Interval, JudgedNames, judge_names
from streams.lab.evaluation.served.judged_rows import ServedRows, served_rows
from streams.lab.evaluation.served.known_counts import (
    activity_cells,
    counted_bins,
    counted_horizon,
)
from streams.lab.evaluation.served.verdict import ServedBesideBest, nobody_paid, served_verdict
from streams.lab.simulator.draws import FloatColumn

_SERVED = "served"
_RATES = "rates"


def served_figures(own: PayerHistory, rates: PayerPredictions, seed: int) -> dict[str, Any]:
    """Of day 7, and of day 30 under `d30`. `rates` has what rates that learn by the hour say."""
    cells = activity_cells(own)
    days = int((max(own.until_ms, int(own.log.asks.time[-1])) - own.begin_ms) // DAY_MS) + 2
    bins = counted_bins(own, cells, days)
    found: dict[str, Any] = {}
    for number, horizon in enumerate(JUDGED_HORIZONS):
        rows = served_rows(own, horizon)
        tables = baseline_tables(bins, counted_horizon(own, cells, days, horizon), horizon)
        cell = cells[rows.install, rows.landmark]
        predicted = {_SERVED: rows.chance} | {
            name: tables.answer(name, rows.day, rows.landmark, cell) for name in tables.chances
        }
        predicted[_RATES] = _of_rates(rates, number, rows, predicted["kaplan_meier"])
        found[horizon] = horizon_figures(rows, predicted, horizon, seed)
    return {**found["d7"], "d30": found["d30"]}


def horizon_figures(
    rows: ServedRows, predicted: Mapping[str, FloatColumn], horizon: str, seed: int
) -> dict[str, Any]:
    """Figures of one horizon. Where nobody has paid, figures are None."""
    day = JUDGED_HORIZONS[horizon] // DAY_MS
    baselines = [name for name in predicted if name != _SERVED]
    counts = _counts(rows)
    if not rows.payers:
        return {
            "served": {"ne": None, "ratio": None, **counts},
            "baselines": dict.fromkeys(baselines),
            "intervals": {},
            "verdict": nobody_paid(rows.people, day),
        }
    judged = judge_names(rows, predicted, seed)
    best = min(baselines, key=judged.entropy.__getitem__)
    beside = ServedBesideBest(
        best=best,
        difference=judged.entropy[_SERVED] - judged.entropy[best],
        interval=judged.difference(_SERVED, best),
        payers=rows.payers,
        people=rows.people,
        full_share=float(rows.is_full.mean()),
        day=day,
    )
    figures = {
        "served": {
            "ne": judged.entropy[_SERVED],
            "ratio": judged.ratio[_SERVED],
            **counts,
            **_at_install(rows),
        },
        "baselines": {name: judged.entropy[name] for name in baselines},
        "best_baseline": best,
        "intervals": _intervals(judged, best),
        "verdict": served_verdict(beside),
    }
    found: dict[str, Any] = rounded(figures)
    return found


def _counts(rows: ServedRows) -> dict[str, Any]:
    return {
        "people": rows.people,
        "payers": rows.payers,
        "predictions": len(rows),
        "full_share": float(rows.is_full.mean()) if len(rows) else 0.0,
    }


def _at_install(rows: ServedRows) -> dict[str, Any]:
    """Everybody counted once: what was said at the install."""
    first = rows.landmark == 0
    paid = int(rows.label[first].sum())
    expected = float(rows.chance[first].sum())
    return {
        "people_at_install": int(first.sum()),
        "payers_at_install": paid,
        "expected_payers_at_install": expected,
        "ratio_at_install": expected / paid if paid else None,
    }


def _intervals(judged: JudgedNames, best: str) -> dict[str, list[float | None]]:
    named: dict[str, Interval] = {name: judged.interval(name) for name in judged.entropy}
    named["ratio"] = judged.ratio_interval(_SERVED)
    named["served_minus_best"] = judged.difference(_SERVED, best)
    return {name: [rounded(low), rounded(high)] for name, (low, high) in named.items()}


def _of_rates(
    rates: PayerPredictions, horizon: int, rows: ServedRows, otherwise: FloatColumn
) -> FloatColumn:
    """For the same rows; where rates were not asked, what follows from age alone."""
    size = int(max(rates.install.max(initial=0), rows.install.max(initial=0))) + 1
    marks = 1 + int(max(rates.landmark.max(initial=0), rows.landmark.max(initial=0)))
    table = np.full((size, marks), np.nan)
    if _RATES in rates.predicted:
        table[rates.install, rates.landmark] = rates.predicted[_RATES][:, horizon]
    found = table[rows.install, rows.landmark]
    return np.where(np.isnan(found), otherwise, found)
