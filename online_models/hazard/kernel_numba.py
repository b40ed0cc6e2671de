"""The kernel in loops, compiled by numba. `kernel.py` documents what it computes."""

from __future__ import annotations

import math

import numba  # noqa: F401  # Where it is missing, `kernel.fastest` takes the other kernel.
import numpy as np
from numpy.typing import NDArray

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
    compiled,
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

Arrays = tuple[Numbers, ...]
AnyPlaces = Places | NDArray[np.uint32]
AnyNumbers = Numbers | NDArray[np.float32]


def _learn_rows(
    rows: EncodedRows, weights: Weights, memory: Memory, frame: Frame, rates: Numbers
) -> Numbers:
    predicted = np.empty(len(rows.about))
    # Numba takes plain tuples faster than named ones.
    _learn((*rows,), (*weights, *memory), (frame.base, frame.columns), rates, predicted)
    return predicted


def _score_rows(rows: EncodedRows, weights: Weights, frame: Frame) -> tuple[Numbers, Numbers]:
    asked = len(rows.about)
    hazards = np.zeros((asked, len(frame.edges) - 1))
    chances = np.zeros((asked, len(frame.horizons)))
    _score((*rows,), (*weights,), (*frame,), hazards, chances)
    return hazards, chances


def _score_packed_rows(rows: PackedRows, weights: Weights, frame: Frame) -> Numbers:
    slots, values, about = rows
    chances = np.zeros((len(about) // (8 * (FEATURES + 1)), len(frame.horizons)))
    _score_packed(slots, values, about, (*weights,), (*frame,), chances)
    return chances


@compiled
def _bounded(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@compiled
def _sigmoid(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


@compiled
def _calibrated(log_odds: float, centre: float, map_: Numbers) -> float:
    if math.isnan(log_odds):
        return math.nan
    moved = log_odds + (map_[0] * (log_odds - centre) + map_[1])
    return _sigmoid(_bounded(moved, -LOGIT_MAX, LOGIT_MAX))


@compiled
def _is_usable(slots: AnyPlaces, values: AnyNumbers, slot_count: int) -> bool:
    for index in range(len(slots)):
        if not abs(values[index]) <= VALUE_MAX or slots[index] >= slot_count:
            return False
    return True


@compiled
def _pull(slots: AnyPlaces, values: AnyNumbers, w: Numbers, columns: Places) -> float:
    """What the features add to the log odds: Σ value × (sum of its weights)."""
    total = 0.0
    for index in range(len(slots)):
        weight = 0.0
        for column in columns:
            weight += w[slots[index], column]
        total += values[index] * weight
    return total


@compiled
def _learn(
    rows: tuple[Places, Places, Numbers, Places],
    state: Arrays,
    frame: tuple[Numbers, Places],
    rates: Numbers,
    predicted: Numbers,
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
            if not _is_usable(slots[own], values[own], len(w)):
                log_odds[row] = predicted[row] = math.nan
                continue
            total = base[at] + bias[at] + _pull(slots[own], values[own], w, columns[at])
            log_odds[row] = _bounded(total, -LOGIT_MAX, LOGIT_MAX)
            map_ = maps[about[row, LANDMARK], about[row, PLATFORM]]
            predicted[row] = _calibrated(log_odds[row], centres[at], map_)
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


@compiled
def _step(slots: Places, slopes: Numbers, columns: Places, state: Arrays, rates: Numbers) -> None:
    w, z, n = state
    alpha, beta, l1, l2 = rates[0], rates[1], rates[2], rates[3]
    for index in range(len(slots)):
        slope = slopes[index]
        for column in columns:
            at = (slots[index], column)
            root_before = math.sqrt(n[at])
            n[at] += slope * slope
            root = math.sqrt(n[at])
            z[at] += slope - (root - root_before) / alpha * w[at]
            if abs(z[at]) <= l1:
                w[at] = 0.0
            else:
                w[at] = -(z[at] - math.copysign(l1, z[at])) / ((beta + root) / alpha + l2)


@compiled
def _step_bias(error: float, at: tuple[int, int], state: Arrays, rates: Numbers) -> None:
    """FTRL-Proximal without λ₁ and λ₂: intercepts of all installs need not be kept small."""
    bias, z, n = state
    beta, alpha = rates[1], rates[4]
    root_before = math.sqrt(n[at])
    n[at] += error * error
    root = math.sqrt(n[at])
    z[at] += error - (root - root_before) / alpha * bias[at]
    bias[at] = -z[at] / ((beta + root) / alpha)


@compiled
def _calibrate(
    known: tuple[float, float], label: float, rates: Numbers, map_: Numbers, seen: Numbers
) -> None:
    """One step of recursive weighted least squares for slope and shift, as deviations from 1
    and 0. `known`: log odds of the bin, and the log odds around which the slope turns."""
    prior, memory = rates[5], rates[6]
    if memory <= 0.0:
        return
    hazard = _calibrated(known[0], known[1], map_)
    leaning = known[0] - known[1]
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


@compiled
def _score(
    rows: tuple[Places, Places, Numbers, Places],
    state: Arrays,
    frame: tuple[Numbers, Places, Numbers, Places],
    hazards: Numbers,
    chances: Numbers,
) -> None:
    starts, slots, values, about = rows
    for row in range(len(about)):
        own = slice(starts[row], starts[row + 1])
        _hazards(slots[own], values[own], about[row], state, frame, hazards[row])
        _multiply(hazards[row], about[row, ELAPSED], frame[2], frame[3], chances[row])


@compiled
def _score_packed(
    slots: bytes,
    values: bytes,
    about: bytes,
    state: Arrays,
    frame: tuple[Numbers, Places, Numbers, Places],
    chances: Numbers,
) -> None:
    all_slots, all_values = np.frombuffer(slots, np.uint32), np.frombuffer(values, np.float32)
    asked = np.frombuffer(about, np.int64).reshape(len(chances), FEATURES + 1)
    hazards = np.zeros(len(frame[2]) - 1)
    first = 0
    for row in range(len(chances)):
        own = slice(first, first + asked[row, FEATURES])
        first = own.stop
        hazards[:] = 0.0
        _hazards(all_slots[own], all_values[own], asked[row], state, frame, hazards)
        _multiply(hazards, asked[row, ELAPSED], frame[2], frame[3], chances[row])


@compiled
def _hazards(
    slots: AnyPlaces,
    values: AnyNumbers,
    asked: Places,
    state: Arrays,
    frame: tuple[Numbers, Places, Numbers, Places],
    hazards: Numbers,
) -> None:
    """Fill in the hazards of the bins that are not over."""
    w, bias, centres, maps = state
    base, columns, edges, _ = frame
    mark, is_usable = asked[LANDMARK], _is_usable(slots, values, len(w))
    map_ = maps[mark, asked[ASKED_PLATFORM]]
    pull, pulled = math.nan, -1  # The bin that `pull` was computed for, or one of its group.
    for number in range(len(hazards)):
        if edges[number + 1] <= asked[ELAPSED]:
            continue
        if is_usable and not (pulled >= 0 and _same(columns[mark, number], columns[mark, pulled])):
            pull, pulled = _pull(slots, values, w, columns[mark, number]), number
        at = (mark, number)
        log_odds = base[at] + bias[at] + pull
        if is_usable:
            log_odds = _bounded(log_odds, -LOGIT_MAX, LOGIT_MAX)
        hazards[number] = _calibrated(log_odds, centres[at], map_)


@compiled
def _same(columns: Places, other: Places) -> bool:
    differing = 0
    for index in range(len(columns)):
        differing += columns[index] != other[index]
    return differing == 0


@compiled
def _multiply(
    hazards: Numbers, elapsed: int, edges: Numbers, horizons: Places, chances: Numbers
) -> None:
    """Fill in the chances by each horizon. A bin that has begun counts for what is left of it."""
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


NUMBA_KERNEL = Kernel("numba", _learn_rows, _score_rows, _score_packed_rows)
