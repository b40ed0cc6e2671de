"""How soon a change is noticed, and how often there is an alarm without a change.

Labels are drawn with a known chance, and the watch sees residuals of a model that knows the chance:
an alarm while nothing changes is false. Then the log odds rise by `_SHIFT`, and labels are counted
until the alarm.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from online_models.drift.watch import DriftRules, DriftStream, DriftWatch
from streams.lab.evaluation.chart import Chart, Line, write_chart
from streams.lab.evaluation.drift.response import evaluate_response
from streams.progress import Progress

STATIONARY = 20_000
_SHIFT = 0.7
"""In log odds: a chance of 5 % becomes 9.6 %."""

BASE_RATES = (0.05, 0.1, 0.3)
RARE = 0.02
"""Reported apart: positives show a change, and at this rate few labels are positive."""

RESPONSE_SEEDS = 3

FLEET = 16
"""Media sources watched beside each other; each alarm has to be surer than of a single one."""

LABELS_MAX = 20_000
"""A change without an alarm by then is missed."""

LABEL_MS = 60_000
PLOT_POINTS = 60


class Watched(NamedTuple):
    """One run: alarms before the change, labels after it until the alarm."""

    false_alarms: int
    labels_to_detect: int


def evaluate_drift(
    seed: int, seeds: int, advance: Progress, plots: Path | None = None
) -> dict[str, Any]:
    """Figures for one JSON object: `seeds` runs at every base rate, alone and in a fleet."""
    runs: dict[str, list[Watched]] = {}
    rates = (*BASE_RATES, RARE)
    for rate in rates:
        alone = []
        for number in range(seeds):
            advance(f"one source, base rate {rate}", number, seeds)
            alone.append(watch_one(seed + number, rate))
        runs[str(rate)] = alone
    beside = []
    for number in range(seeds):
        advance(f"{FLEET} sources beside each other", number, seeds)
        rate = BASE_RATES[number % len(BASE_RATES)]
        beside.append(watch_fleet(seed + number, rate))
    if plots is not None:
        _draw(runs, plots)
    judged = [run for rate in BASE_RATES for run in runs[str(rate)]]
    labels = [run.labels_to_detect for run in judged]
    watched = {name: _figures(of, 1) for name, of in runs.items()}
    return {
        "false_alarms_per_20k": fmean(run.false_alarms for one in runs.values() for run in one),
        "labels_to_detect": round(fmean(labels), 1),
        "labels_to_detect_worst": max(labels),
        "by_base_rate": watched | {f"{FLEET} sources": _figures(beside, FLEET)},
        "response": evaluate_response(seed, min(seeds, RESPONSE_SEEDS), advance),
        "base_rates": ", ".join(map(str, BASE_RATES)),
        "shift": _SHIFT,
        "seed": seed,
        "seeds": seeds,
    }


def watch_one(seed: int, rate: float) -> Watched:
    """One stream: 20,000 labels of an unchanged world, then a changed one."""
    watch, chance, stream = DriftWatch(DriftRules()), random.Random(seed), _stream(0)
    for number in range(STATIONARY):
        watch.feed(stream, float(chance.random() < rate) - rate, number * LABEL_MS)
    false_alarms = watch.counts.alarms
    after = shifted_rate(rate)
    for number in range(LABELS_MAX):
        residual = float(chance.random() < after) - rate
        if watch.feed(stream, residual, (STATIONARY + number) * LABEL_MS):
            return Watched(false_alarms, number + 1)
    return Watched(false_alarms, LABELS_MAX)


def watch_fleet(seed: int, rate: float) -> Watched:
    """Streams in turn, each with as many labels as one alone; then the first of them changes."""
    watch, chance = DriftWatch(DriftRules()), random.Random(seed)
    streams = [_stream(number) for number in range(FLEET)]
    for number, stream in _in_turn(streams, STATIONARY):
        watch.feed(stream, float(chance.random() < rate) - rate, number * LABEL_MS)
    false_alarms = watch.counts.alarms
    after = shifted_rate(rate)
    for number, stream in _in_turn(streams, LABELS_MAX):
        shifted = after if stream is streams[0] else rate
        residual = float(chance.random() < shifted) - rate
        alarm = watch.feed(stream, residual, (STATIONARY + number) * LABEL_MS)
        if alarm is not None and stream is streams[0]:
            return Watched(false_alarms, number + 1)
        false_alarms += alarm is not None
    return Watched(false_alarms, LABELS_MAX)


def shifted_rate(rate: float) -> float:
    """The chance whose log odds are `_SHIFT` higher."""
    return 1.0 / (1.0 + math.exp(-_SHIFT) * (1.0 - rate) / rate)


def _in_turn(streams: Sequence[DriftStream], labels: int) -> Iterator[tuple[int, DriftStream]]:
    return ((number, stream) for number in range(labels) for stream in streams)


def _stream(number: int) -> DriftStream:
    return DriftStream("residual", "payer", "", "app.one", f"source-{number}")


def _figures(runs: Sequence[Watched], streams: int) -> dict[str, float]:
    labels = [run.labels_to_detect for run in runs]
    return {
        "false_alarms_per_20k": fmean(run.false_alarms for run in runs) / streams,
        "labels_to_detect": round(fmean(labels), 1),
        "labels_to_detect_worst": max(labels),
        "stationary_labels": STATIONARY * streams * len(runs),
    }


def _draw(runs: dict[str, list[Watched]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    last = max(run.labels_to_detect for one in runs.values() for run in one)
    steps = [last * number / PLOT_POINTS for number in range(PLOT_POINTS + 1)]
    lines = [
        Line(
            f"base rate {rate}",
            [(step, fmean(run.labels_to_detect <= step for run in of)) for step in steps],
        )
        for rate, of in runs.items()
    ]
    chart = Chart(
        f"Alarm after the log odds moved by {_SHIFT}",
        "labels since the change",
        "share of runs with an alarm",
        lines,
    )
    write_chart(chart, folder / "drift.svg")
