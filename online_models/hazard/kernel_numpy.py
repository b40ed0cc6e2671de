"""The kernel without numba, for installations that lack it: slower, with the same numbers.

Sums go through `accumulate` or a loop, never `sum` or `@`, whose order of adding differs; `exp`
is that of the C library, since numpy's own differs in the last bit.
"""

from __future__ import annotations

import math

import numpy as np

from online_models.hazard.kernel import (
    ASKED_PLATFORM,
    BIN,
    ELAPSED,
    FEATURES,
    GROUP,
    LABEL,
    LANDMARK,
    PLATFORM,
    EncodedRows,
    Kernel,
    Memory,
    PackedRows,
    Weights,
)
from online_models.hazard.rules import (
    CENTRE_ROWS,
    CHANCE_MIN,
    LOGIT_MAX,
    SHIFT_MAX,
    SLOPE_MAX,
    SLOPE_MIN,
    VALUE_MAX,
    Frame,
    Numbers,
    Places,
)

Cell = tuple[int, int]


def _learn_rows(
    rows: EncodedRows, weights: Weights, memory: Memory, frame: Frame, rates: Numbers
) -> Numbers:
    predicted = np.empty(len(rows.about))
    first = 0
    while first < len(predicted):
        end = _end_of_group(rows.about, first)
        log_odds = [_log_odds_of(rows, row, weights, frame) for row in range(first, end)]
        for row, known in zip(range(first, end), log_odds, strict=True):
            mark, number, _, platform, _ = rows.about[row].tolist()
            map_ = weights.maps[mark, platform].tolist()
            predicted[row] = _calibrated(known, float(weights.centres[mark, number]), map_)
        for row, known in zip(range(first, end), log_odds, strict=True):
            if not math.isnan(known):
                _learn_row(rows, row, known, (weights, memory, frame), rates)
        first = end
    return predicted


def _score_rows(rows: EncodedRows, weights: Weights, frame: Frame) -> tuple[Numbers, Numbers]:
    asked = len(rows.about)
    hazards = np.zeros((asked, len(frame.edges) - 1))
    chances = np.zeros((asked, len(frame.horizons)))
    for row, about in enumerate(rows.about.tolist()):
        mark, elapsed, platform = about[LANDMARK], about[ELAPSED], about[ASKED_PLATFORM]
        map_ = weights.maps[mark, platform].tolist()
        first = max(int(np.searchsorted(frame.edges, elapsed, "right")) - 1, 0)
        for number, known in enumerate(_log_odds_from(rows, row, first, weights, frame), first):
            hazards[row, number] = _calibrated(known, float(weights.centres[mark, number]), map_)
        chances[row] = _multiplied(hazards[row].tolist(), elapsed, frame)
    return hazards, chances


def _score_packed_rows(rows: PackedRows, weights: Weights, frame: Frame) -> Numbers:
    about = np.frombuffer(rows.about, np.int64).reshape(-1, FEATURES + 1)
    starts = np.concatenate([[0], np.cumsum(about[:, FEATURES])])
    slots = np.frombuffer(rows.slots, "<u4").astype(np.int64)
    values = np.frombuffer(rows.values, "<f4").astype(np.float64)
    return _score_rows(EncodedRows(starts, slots, values, about[:, :FEATURES]), weights, frame)[1]


def _end_of_group(about: Places, first: int) -> int:
    group, end = about[first, GROUP], first + 1
    while end < len(about) and 0 < group == about[end, GROUP]:
        end += 1
    return end


def _used(rows: EncodedRows, row: int) -> slice:
    return slice(int(rows.starts[row]), int(rows.starts[row + 1]))


def _is_usable(slots: Places, values: Numbers, slot_count: int) -> bool:
    return bool((np.abs(values) <= VALUE_MAX).all() and (slots < slot_count).all())


def _log_odds_of(rows: EncodedRows, row: int, weights: Weights, frame: Frame) -> float:
    at = (int(rows.about[row, LANDMARK]), int(rows.about[row, BIN]))
    own = _used(rows, row)
    values = rows.values[own]
    if not _is_usable(rows.slots[own], values, len(weights.w)):
        return math.nan
    of = weights.w[rows.slots[own, None], frame.columns[at]]
    pull = 0.0
    for part in (values * np.add.accumulate(of, axis=1)[:, -1]).tolist():
        pull += part
    total = float(frame.base[at] + weights.bias[at]) + pull
    return _bounded(total, -LOGIT_MAX, LOGIT_MAX)


def _log_odds_from(
    rows: EncodedRows, row: int, first: int, weights: Weights, frame: Frame
) -> list[float]:
    """Of every bin from `first` on."""
    mark = int(rows.about[row, LANDMARK])
    own = _used(rows, row)
    values = rows.values[own]
    if not _is_usable(rows.slots[own], values, len(weights.w)):
        return [math.nan] * (frame.base.shape[1] - first)
    columns = frame.columns[mark, first:]
    of = weights.w[rows.slots[own]][:, columns]
    parts = values[:, None] * np.add.accumulate(of, axis=2)[:, :, -1]
    bias = frame.base[mark, first:] + weights.bias[mark, first:]
    totals = bias + np.add.accumulate(np.vstack([np.zeros_like(bias), parts]), axis=0)[-1]
    return [_bounded(total, -LOGIT_MAX, LOGIT_MAX) for total in totals.tolist()]


def _learn_row(
    rows: EncodedRows,
    row: int,
    log_odds: float,
    state: tuple[Weights, Memory, Frame],
    rates: Numbers,
) -> None:
    weights, memory, frame = state
    about = rows.about[row].tolist()
    mark, number, platform = about[LANDMARK], about[BIN], about[PLATFORM]
    label = float(about[LABEL])
    centre = float(weights.centres[mark, number])
    known = (log_odds, centre)
    _calibrate(known, label, rates, weights.maps[mark, platform], memory.seen[mark, platform])
    seen_rows = min(float(memory.rows[mark, number]) + 1.0, CENTRE_ROWS)
    memory.rows[mark, number] = seen_rows
    weights.centres[mark, number] = centre + (log_odds - centre) / seen_rows
    error = _sigmoid(log_odds) - label
    own = _used(rows, row)
    at = (rows.slots[own, None], frame.columns[mark, number])
    _step(at, (error * rows.values[own])[:, None], weights.w, memory, rates)
    _step_bias(error, (mark, number), weights.bias, memory, rates)


def _step(
    at: tuple[Places, Places], slopes: Numbers, w: Numbers, memory: Memory, rates: Numbers
) -> None:
    alpha, beta, l1, l2 = rates[:4].tolist()
    before = memory.n[at]
    n = before + slopes * slopes
    root = np.sqrt(n)
    z = memory.z[at] + (slopes - (root - np.sqrt(before)) / alpha * w[at])
    small = np.abs(z) <= l1
    w[at] = np.where(small, 0.0, -(z - np.copysign(l1, z)) / ((beta + root) / alpha + l2))
    memory.z[at], memory.n[at] = z, n


def _step_bias(error: float, at: Cell, bias: Numbers, memory: Memory, rates: Numbers) -> None:
    beta, alpha = float(rates[1]), float(rates[4])
    before = float(memory.bias_n[at])
    n = before + error * error
    root = math.sqrt(n)
    moved = error - (root - math.sqrt(before)) / alpha * float(bias[at])
    z = float(memory.bias_z[at]) + moved
    bias[at] = -z / ((beta + root) / alpha)
    memory.bias_z[at], memory.bias_n[at] = z, n


def _calibrate(
    known: tuple[float, float], label: float, rates: Numbers, map_: Numbers, seen: Numbers
) -> None:
    prior, memory = float(rates[5]), float(rates[6])
    if memory <= 0.0:
        return
    map_before = map_.tolist()
    hazard = _calibrated(known[0], known[1], map_before)
    leaning = known[0] - known[1]
    weight = hazard * (1.0 - hazard)
    target = weight * (map_before[0] * leaning + map_before[1]) + (label - hazard)
    kept = 1.0 - weight / memory
    new = (weight * leaning * leaning, weight * leaning, weight, target * leaning, target)
    moments = [kept * old + more for old, more in zip(seen.tolist(), new, strict=True)]
    s11, s12, s22, t1, t2 = moments
    of_slope, of_shift = s11 + prior, s22 + prior
    divisor = of_slope * of_shift - s12 * s12
    slope = (of_shift * t1 - s12 * t2) / divisor
    shift = (of_slope * t2 - s12 * t1) / divisor
    seen[:] = moments
    map_[:] = (
        _bounded(slope, SLOPE_MIN - 1.0, SLOPE_MAX - 1.0),
        _bounded(shift, -SHIFT_MAX, SHIFT_MAX),
    )


def _multiplied(hazards: list[float], elapsed: int, frame: Frame) -> list[float]:
    edges = frame.edges.tolist()
    survival, chances = 1.0, []
    until = frame.horizons.tolist()
    for number, hazard in enumerate(hazards):
        left, width = edges[number + 1] - elapsed, edges[number + 1] - edges[number]
        if left >= width:
            survival *= 1.0 - hazard
        elif left > 0.0:
            survival *= math.pow(1.0 - hazard, left / width)
        if number + 1 in until:
            chances.append(_bounded(1.0 - survival, CHANCE_MIN, 1.0 - CHANCE_MIN))
    return chances


def _calibrated(log_odds: float, centre: float, map_: list[float]) -> float:
    if math.isnan(log_odds):
        return math.nan
    moved = log_odds + (map_[0] * (log_odds - centre) + map_[1])
    return _sigmoid(_bounded(moved, -LOGIT_MAX, LOGIT_MAX))


def _sigmoid(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


NUMPY_KERNEL = Kernel("numpy", _learn_rows, _score_rows, _score_packed_rows)
