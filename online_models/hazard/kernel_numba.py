"""The kernel in loops, compiled by numba. `kernel.py` says what it computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numba
import numpy as np

from online_models.hazard.kernel import (
    ASKED_PLATFORM,
    BIN,
    ELAPSED,
    GROUP,
    LABEL,
    LANDMARK,
    PLATFORM,
    Kernel,
    Memory,
    Rows,
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

Compiled = TypeVar("Compiled", bound=Callable[..., object])
Arrays = tuple[Numbers, ...]


def _compiled(function: Compiled) -> Compiled:
    """Compiled at the first call, and kept on disk so that the next process need not."""
    try:
        compiled: Compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # Nowhere to keep it: nothing here can be written to.
        compiled = numba.njit(function)
    return compiled


def learn(rows: Rows, weights: Weights, memory: Memory, frame: Frame, rates: Numbers) -> Numbers:
    told = np.empty(len(rows.about))
    # Numba takes plain tuples faster than named ones.
    _learn((*rows,), (*weights, *memory), (frame.base, frame.columns), rates, told)
    return told


def score(rows: Rows, weights: Weights, frame: Frame) -> tuple[Numbers, Numbers]:
    asked = len(rows.about)
    hazards = np.zeros((asked, len(frame.edges) - 1))
    chances = np.zeros((asked, len(frame.horizons)))
    _score((*rows,), (*weights,), (*frame,), hazards, chances)
    return hazards, chances


@_compiled
def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@_compiled
def _sigmoid(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


@_compiled
def _calibrated(log_odds: float, centre: float, map_: Numbers) -> float:
    if math.isnan(log_odds):
        return math.nan
    moved = log_odds + (map_[0] * (log_odds - centre) + map_[1])
    return _sigmoid(_bounded(moved, -LOGIT_MAX, LOGIT_MAX))


@_compiled
def _log_odds(slots: Places, values: Numbers, w: Numbers, columns: Places, bias: float) -> float:
    total = bias
    for place in range(len(slots)):
        if not abs(values[place]) <= VALUE_MAX:
            return math.nan
        weight = 0.0
        for column in columns:
            weight += w[slots[place], column]
        total += values[place] * weight
    return _bounded(total, -LOGIT_MAX, LOGIT_MAX)


@_compiled
def _learn(
    rows: tuple[Places, Places, Numbers, Places],
    state: Arrays,
    frame: tuple[Numbers, Places],
    rates: Numbers,
    told: Numbers,
) -> None:
    starts, slots, values, about = rows
    w, bias, centres, maps, z, n, bias_z, bias_n, seen_rows, seen = state
    base, columns = frame
    log_odds = np.empty(len(about))
    first = 0
    while first < len(about):
        end = first + 1
        while end < len(about) and 0 < about[first, GROUP] == about[end, GROUP]:
            end += 1
        for row in range(first, end):
            at = (about[row, LANDMARK], about[row, BIN])
            own = slice(starts[row], starts[row + 1])
            log_odds[row] = _log_odds(slots[own], values[own], w, columns[at], base[at] + bias[at])
            map_ = maps[about[row, LANDMARK], about[row, PLATFORM]]
            told[row] = _calibrated(log_odds[row], centres[at], map_)
        for row in range(first, end):
            if math.isnan(log_odds[row]):
                continue
            at = (about[row, LANDMARK], about[row, BIN])
            cell = (about[row, LANDMARK], about[row, PLATFORM])
            own = slice(starts[row], starts[row + 1])
            label = float(about[row, LABEL])
            _calibrate((log_odds[row], centres[at]), label, rates, maps[cell], seen[cell])
            seen_rows[at] = min(seen_rows[at] + 1.0, CENTRE_ROWS)
            centres[at] += (log_odds[row] - centres[at]) / seen_rows[at]
            error = _sigmoid(log_odds[row]) - label
            _step(slots[own], error * values[own], columns[at], (w, z, n), rates)
            _step_bias(error, at, (bias, bias_z, bias_n), rates)
        first = end


@_compiled
def _step(slots: Places, slopes: Numbers, columns: Places, state: Arrays, rates: Numbers) -> None:
    w, z, n = state
    alpha, beta, l1, l2 = rates[0], rates[1], rates[2], rates[3]
    for place in range(len(slots)):
        slope = slopes[place]
        for column in columns:
            at = (slots[place], column)
            root_before = math.sqrt(n[at])
            n[at] += slope * slope
            root = math.sqrt(n[at])
            z[at] += slope - (root - root_before) / alpha * w[at]
            if abs(z[at]) <= l1:
                w[at] = 0.0
            else:
                w[at] = -(z[at] - math.copysign(l1, z[at])) / ((beta + root) / alpha + l2)


@_compiled
def _step_bias(error: float, at: tuple[int, int], state: Arrays, rates: Numbers) -> None:
    """Neither λ₁ nor λ₂: what holds for everybody need not be kept small."""
    bias, z, n = state
    beta, alpha = rates[1], rates[4]
    root_before = math.sqrt(n[at])
    n[at] += error * error
    root = math.sqrt(n[at])
    z[at] += error - (root - root_before) / alpha * bias[at]
    bias[at] = -z[at] / ((beta + root) / alpha)


@_compiled
def _calibrate(
    said: tuple[float, float], label: float, rates: Numbers, map_: Numbers, seen: Numbers
) -> None:
    """One step of recursive weighted least squares for slope and shift, as deviations from 1
    and 0. `said`: log odds of the bin, and the log odds around which the slope turns."""
    prior, memory = rates[5], rates[6]
    if memory <= 0.0:
        return
    hazard = _calibrated(said[0], said[1], map_)
    leaning = said[0] - said[1]
    weight = hazard * (1.0 - hazard)
    target = weight * (map_[0] * leaning + map_[1]) + (label - hazard)
    kept = 1.0 - weight / memory
    seen[0] = kept * seen[0] + weight * leaning * leaning
    seen[1] = kept * seen[1] + weight * leaning
    seen[2] = kept * seen[2] + weight
    seen[3] = kept * seen[3] + target * leaning
    seen[4] = kept * seen[4] + target
    of_slope, of_shift = seen[0] + prior, seen[2] + prior
    divisor = of_slope * of_shift - seen[1] * seen[1]
    slope = (of_shift * seen[3] - seen[1] * seen[4]) / divisor
    shift = (of_slope * seen[4] - seen[1] * seen[3]) / divisor
    map_[0] = _bounded(slope, SLOPE_MIN - 1.0, SLOPE_MAX - 1.0)
    map_[1] = _bounded(shift, -SHIFT_MAX, SHIFT_MAX)


@_compiled
def _score(
    rows: tuple[Places, Places, Numbers, Places],
    state: Arrays,
    frame: tuple[Numbers, Places, Numbers, Places],
    hazards: Numbers,
    chances: Numbers,
) -> None:
    starts, slots, values, about = rows
    w, bias, centres, maps = state
    base, columns, edges, horizons = frame
    for row in range(len(about)):
        mark, elapsed = about[row, LANDMARK], about[row, ELAPSED]
        own = slice(starts[row], starts[row + 1])
        map_ = maps[mark, about[row, ASKED_PLATFORM]]
        for number in range(len(edges) - 1):
            if edges[number + 1] <= elapsed:
                continue
            at = (mark, number)
            log_odds = _log_odds(slots[own], values[own], w, columns[at], base[at] + bias[at])
            hazards[row, number] = _calibrated(log_odds, centres[at], map_)
        _multiply(hazards[row], elapsed, edges, horizons, chances[row])


@_compiled
def _multiply(
    hazards: Numbers, elapsed: int, edges: Numbers, horizons: Places, chances: Numbers
) -> None:
    """A bin that has begun counts for the part that is left of it."""
    survival = 1.0
    until = 0
    for number in range(len(hazards)):
        left = edges[number + 1] - elapsed
        width = edges[number + 1] - edges[number]
        if left >= width:
            survival *= 1.0 - hazards[number]
        elif left > 0.0:
            survival *= math.pow(1.0 - hazards[number], left / width)
        while until < len(horizons) and horizons[until] == number + 1:
            chances[until] = _bounded(1.0 - survival, CHANCE_MIN, 1.0 - CHANCE_MIN)
            until += 1


KERNEL = Kernel("numba", learn, score)
