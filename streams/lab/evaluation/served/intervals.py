"""Normalised entropy and calibration of several predictions, with intervals over installs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from streams.lab.evaluation.served.judged_rows import ServedRows
from streams.lab.simulator.draws import FloatColumn, generator

REPLICATES = 400
_AT_ONCE = 25
_SMALLEST = 1e-6
_LOW, _HIGH = 2.5, 97.5

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class JudgedNames:
    """Figures by name of what predicted. `replicates`: entropy when installs are drawn anew."""

    entropy: dict[str, float]
    ratio: dict[str, float]
    entropy_replicates: dict[str, FloatColumn]
    ratio_replicates: dict[str, FloatColumn]

    def interval(self, name: str) -> Interval:
        return _middle(self.entropy_replicates[name])

    def ratio_interval(self, name: str) -> Interval:
        return _middle(self.ratio_replicates[name])

    def difference(self, name: str, other: str) -> Interval:
        """Of the entropy of one above that of another, on the same installs."""
        return _middle(self.entropy_replicates[name] - self.entropy_replicates[other])


def judge_names(rows: ServedRows, predicted: Mapping[str, FloatColumn], seed: int) -> JudgedNames:
    """Entropy is log loss over that of knowing each landmark's share of payers in hindsight.

    Somebody has to have paid, or there is no entropy to compare with.
    """
    sums = _of_installs(rows, predicted)
    whole = np.ones((1, len(sums)))
    entropy, ratio = _figures(whole @ sums, len(predicted))
    drawn = [_figures(part @ sums, len(predicted)) for part in _draws(len(sums), seed)]
    entropies = np.concatenate([one for one, _ in drawn])
    ratios = np.concatenate([one for _, one in drawn])
    names = list(predicted)
    return JudgedNames(
        entropy=dict(zip(names, entropy[0].tolist(), strict=True)),
        ratio=dict(zip(names, ratio[0].tolist(), strict=True)),
        entropy_replicates=dict(zip(names, entropies.T, strict=True)),
        ratio_replicates=dict(zip(names, ratios.T, strict=True)),
    )


def row_losses(chance: FloatColumn, rows: ServedRows) -> FloatColumn:
    """Log loss of each row, in nats."""
    bounded = np.clip(chance, _SMALLEST, 1.0 - _SMALLEST)
    return np.asarray(-np.where(rows.label, np.log(bounded), np.log1p(-bounded)))


def _of_installs(rows: ServedRows, predicted: Mapping[str, FloatColumn]) -> FloatColumn:
    """Install × sums: rows and payers of each landmark, then losses, then chances."""
    _, who = np.unique(rows.install, return_inverse=True)
    size = int(who.max()) + 1
    marks = [rows.landmark == one for one in np.unique(rows.landmark)]
    columns = [
        *(one.astype(float) for one in marks),
        *((one & rows.label).astype(float) for one in marks),
        *(row_losses(chance, rows) for chance in predicted.values()),
        *predicted.values(),
    ]
    return np.stack([np.bincount(who, one, size) for one in columns], axis=1)


def _draws(installs: int, seed: int) -> Iterator[FloatColumn]:
    """How often each install is drawn, some replicates at a time."""
    rng = generator(seed, "installs drawn anew")
    for _ in range(REPLICATES // _AT_ONCE):
        drawn = rng.integers(0, installs, (_AT_ONCE, installs))
        place = drawn + np.arange(_AT_ONCE)[:, None] * installs
        counts = np.bincount(place.ravel(), minlength=_AT_ONCE * installs)
        yield counts.reshape(_AT_ONCE, installs).astype(float)


def _figures(sums: FloatColumn, names: int) -> tuple[FloatColumn, FloatColumn]:
    """Replicate × name: entropy and ratio. NaN where nobody was drawn who paid."""
    marks = (sums.shape[1] - 2 * names) // 2
    rows, payers, losses, chances = np.split(sums, [marks, 2 * marks, 2 * marks + names], axis=1)
    share = np.clip(payers / np.maximum(rows, 1.0), _SMALLEST, 1.0 - _SMALLEST)
    base = -(payers * np.log(share) + (rows - payers) * np.log1p(-share)).sum(axis=1)
    paid = payers.sum(axis=1)
    somebody = np.where(paid > 0, 1.0, np.nan)[:, None]
    return losses / base[:, None] * somebody, chances / np.maximum(paid, 1.0)[:, None] * somebody


def _middle(replicates: FloatColumn) -> Interval:
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [_LOW, _HIGH]).tolist()
    return low, high
