"""`headwater bench --models`: what the payer model costs, beside River and Vowpal Wabbit.

All learn the same rows in the same order, and predict before they learn. Rates are per second of
this process's CPU, from a feature dict; the models take turns, so that other load on the machine
hits all of them. `score` asks for the chance by every horizon, `bin_score` for the probability of
a single bin.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from online_models.estimators.reference_pipeline import log_loss
from online_models.hazard.encoding import Encoder
from online_models.hazard.model import Ask, HazardModel, HazardRow
from online_models.hazard.packed import PackedAsk, PackedGroup, PackedSnapshot
from online_models.hazard.persistence import (
    dump_hazard_model,
    dump_hazard_scorer,
    load_hazard_scorer,
)
from online_models.quality.calibration import Reliability
from streams.lab.bench.hazard_rows import hazard_rows
from streams.lab.bench.model_competitors import (
    OTHER_PREFIXES,
    ModelCompetitor,
    hazard_competitor,
    other_competitors,
)
from streams.progress import Progress

ROUNDS, ROWS_OF_ROUND = 8, 2_000
"""Each round times so many rows with every competitor."""

CHECKPOINTS = 5
PROBABILITY_MIN = 1e-6

_Given = TypeVar("_Given")
_Figures = dict[str, Any]


def run_model_bench(rows: int, seed: int, advance: Progress) -> _Figures:
    """Quality over `rows` rows, then speed on further rows; figures for one JSON object."""
    advance("making installs up", 0, rows)
    made = hazard_rows(rows + ROUNDS * ROWS_OF_ROUND, seed)
    model = HazardModel()
    beside = [*other_competitors()]
    losses = {one.name: _loss_of(one, made[:rows], advance) for one in beside}
    figures = _quality(model, made[:rows], losses)
    rates = _rates([hazard_competitor(model), *beside], made[rows:], advance)
    return _speed(model, rates, made[rows:]) | _checkpoint(model) | figures


def _groups(rows: Sequence[HazardRow]) -> Iterator[list[HazardRow]]:
    for _, group in groupby(rows, key=lambda row: row.group):
        yield list(group)


def _loss_of(competitor: ModelCompetitor, rows: Sequence[HazardRow], advance: Progress) -> float:
    """Log loss over the second half of the rows, each predicted before its group was learned."""
    losses: list[float] = []
    done = 0
    for group in _groups(rows):
        for row, predicted in zip(group, competitor.expect(group), strict=True):
            bounded = min(max(predicted, PROBABILITY_MIN), 1 - PROBABILITY_MIN)
            losses.append(log_loss(row.label, bounded))
        competitor.learn(group)
        if len(losses) - done >= ROWS_OF_ROUND:
            done = len(losses)
            advance(f"{competitor.name.rstrip('_')} learning", done, len(rows))
    late = losses[len(losses) // 2 :]
    return math.fsum(late) / len(late)


def _quality(model: HazardModel, rows: list[HazardRow], losses: dict[str, float]) -> _Figures:
    """Of predictions before each bin was learned, over the second half of the rows."""
    predicted = model.learn(rows)[len(rows) // 2 :]
    labels = np.array([row.label for row in rows[len(rows) // 2 :]], float)
    own = -np.mean(np.log(np.where(labels > 0, predicted, 1.0 - predicted)))
    reliability = Reliability()
    reliability.add_many(predicted, labels)
    return {
        "log_loss": round(float(own), 6),
        **{f"{name}log_loss": _rounded(losses.get(name), 6) for name in OTHER_PREFIXES},
        "calibration_ratio": round(reliability.ratio, 4),
        "ece": round(reliability.ece(), 6),
        "auc": round(reliability.auc(), 4),
    }


def _rates(
    competitors: Sequence[ModelCompetitor], rows: Sequence[HazardRow], advance: Progress
) -> dict[str, float]:
    seconds: dict[str, float] = {}
    rounds = [rows[at : at + ROWS_OF_ROUND] for at in range(0, len(rows), ROWS_OF_ROUND)]
    for number, part in enumerate(rounds):
        advance("timing", number, len(rounds))
        for competitor in competitors:
            work_of = {
                "score": competitor.answer,
                "bin_score": competitor.expect,
                "learn_rows": competitor.learn,
            }
            for kind, work in work_of.items():
                key = f"{competitor.name}{kind}_per_second"
                seconds[key] = seconds.get(key, 0.0) + _seconds(work, part)
    return {key: len(rows) / spent for key, spent in seconds.items()}


def _speed(model: HazardModel, rates: dict[str, float], rows: Sequence[HazardRow]) -> _Figures:
    asks = [Ask(row.features, row.landmark, row.platform) for row in rows]
    keys = [
        f"{name}{kind}_per_second"
        for kind in ("score", "bin_score", "learn_rows")
        for name in ("", *OTHER_PREFIXES)
    ]
    return {
        **{key: _rounded(rates.get(key)) for key in keys},
        "score_many_per_second": _rounded(len(asks) / _seconds(model.score_many, asks)),
        **_packed_speed(model, rows),
        "kernel": model.scorer.kernel.name,
        "features": round(sum(len(row.features) for row in rows) / len(rows), 1),
    }


def _packed_speed(model: HazardModel, rows: Sequence[HazardRow]) -> _Figures:
    """Rates of workers, which hash features once and keep them packed."""
    encoder = Encoder(model.rules.slots, model.rules.seed)
    packed = [encoder.pack(row.features) for row in rows]
    asks = [
        PackedAsk(*one, row.landmark, row.platform) for one, row in zip(packed, rows, strict=True)
    ]
    groups = [
        PackedGroup(
            group[0].bin,
            group[0].label,
            group[0].platform,
            [PackedSnapshot(row.landmark, *encoder.pack(row.features)) for row in group],
        )
        for group in _groups(rows)
    ]

    def pack_each(rows: Sequence[HazardRow]) -> None:
        for row in rows:
            encoder.pack(row.features)

    def score_each(asks: Sequence[PackedAsk]) -> None:
        for ask in asks:
            model.scorer.score_packed([ask])

    return {
        "pack_per_second": _rounded(len(rows) / _seconds(pack_each, rows)),
        "packed_score_per_second": _rounded(len(asks) / _seconds(score_each, asks)),
        "packed_learn_rows_per_second": _rounded(len(rows) / _seconds(model.learn_packed, groups)),
    }


def _rounded(figure: float | None, digits: int | None = None) -> float | None:
    return None if figure is None else round(figure, digits)


def _checkpoint(model: HazardModel) -> _Figures:
    """Of this model, and of one with so many names that it cannot grow further."""
    full = HazardModel(model.rules)
    full.memory.n.fill(1.0)
    full.memory.z.fill(0.1)
    figures: _Figures = {}
    for name, measured in (("checkpoint", full), ("young_checkpoint", model)):
        spent = min(_seconds(dump_hazard_model, measured) for _ in range(CHECKPOINTS))
        figures[f"{name}_ms"] = round(spent * 1000, 2)
        figures[f"{name}_mb"] = round(len(dump_hazard_model(measured)) / 1e6, 3)
    content = dump_hazard_scorer(model).content
    loading = _seconds(partial(load_hazard_scorer, content), model.rules)
    return figures | {
        "snapshot_mb": round(len(content) / 1e6, 3),
        "snapshot_load_ms": round(loading * 1000, 2),
    }


def _seconds(work: Callable[[_Given], object], given: _Given) -> float:
    """CPU time of this process."""
    started = time.process_time()
    work(given)
    return time.process_time() - started
