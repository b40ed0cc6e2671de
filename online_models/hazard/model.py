"""The hazard model of one target: it learns rows as their bins mature, and scores at any time."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.encoding import Encoder
from online_models.hazard.kernel import (
    BIN,
    GROUP,
    LABEL,
    LANDMARK,
    PLATFORM,
    EncodedRows,
    Kernel,
    Memory,
    new_memory,
    new_weights,
)
from online_models.hazard.packed import PackedGroup, unpacked
from online_models.hazard.rules import (
    HAZARD_COLUMNS,
    HazardRules,
    Numbers,
    Places,
    add_platform,
    hazard_frame,
    rates_of,
)
from online_models.hazard.scorer import Ask, Chances, HazardScorer

__all__ = ["Ask", "Chances", "HazardModel", "HazardRow", "HazardRules"]


class HazardRow(NamedTuple):
    """The outcome of a bin (`bins.bin_outcomes`), with the install's features at a landmark.

    Rows of one install that mature together, one per landmark, carry its id as `group` and follow
    each other: all are predicted before any is learned, since they share their label.
    """

    features: Mapping[str, float]
    landmark: int
    bin: int
    label: bool
    platform: str = ""
    group: str = ""


class HazardLearnCounts(Struct):
    """Rows since the beginning of the log. `skipped`: a value was not finite, or above VALUE_MAX,
    or bytes were not packed features."""

    rows: int = 0
    positives: int = 0
    skipped: int = 0


class Correction(NamedTuple):
    """What calibration does to the log odds of a bin: slope × (log odds − centre) + shift."""

    landmark: str
    platform: str
    slope: float
    shift: float
    positives: float
    """Weight of the positives that this rests on, about their number."""


class HazardModel:
    """`learn` is the only way forward; what it does depends on the rows and their order alone.
    Batch boundaries change nothing, as long as they do not cut a group."""

    def __init__(self, rules: HazardRules | None = None, kernel: Kernel | None = None) -> None:
        self.rules = rules or HazardRules()
        slots, base = self.rules.slots, hazard_frame(self.rules).base
        self.memory: Memory = new_memory(slots, HAZARD_COLUMNS, base.shape)
        weights = new_weights(slots, HAZARD_COLUMNS, base)
        self.scorer = HazardScorer(self.rules, weights, (), kernel)
        self.counts = HazardLearnCounts()
        self._rates = rates_of(self.rules)
        self._encoder = Encoder(self.rules.slots, self.rules.seed)
        shape = self.rules.shape
        self._first_bins = np.array(
            [shape.first_bin(mark) for mark, _ in enumerate(shape.landmarks)]
        )

    def learn(self, rows: Sequence[HazardRow]) -> Numbers:
        """Learn rows in order. Returns the calibrated hazard of each before it was learned; NaN:
        skipped. ValueError: a landmark or bin does not exist."""
        about = self._about(rows)
        return self._learn(EncodedRows(*self._encoder.encode([row[0] for row in rows]), about))

    def learn_packed(self, groups: Sequence[PackedGroup]) -> Numbers:
        """The same from packed features: a hazard for each snapshot, group after group.

        Bytes that are not packed features are skipped, like values that are not finite.
        """
        snapshots = [one for group in groups for one in group[3]]
        sizes = [len(group[3]) for group in groups]
        of_groups = np.array(
            [
                (group[0], group[1], add_platform(self.scorer.platforms, group[2]))
                for group in groups
            ],
            np.int64,
        ).reshape(-1, 3)
        about = np.empty((len(snapshots), 5), np.int64)
        about[:, LANDMARK] = [one.landmark for one in snapshots]
        about[:, (BIN, LABEL, PLATFORM)] = np.repeat(of_groups, sizes, axis=0)
        about[:, GROUP] = np.repeat(np.arange(1, len(groups) + 1), sizes)
        rows = [(one.slots, one.values) for one in snapshots]
        return self._learn(EncodedRows(*unpacked(rows), self._placed(about)))

    def learn_one(self, row: HazardRow) -> float:
        """`learn` of one row."""
        return float(self.learn([row])[0])

    def score(
        self,
        features: Mapping[str, float],
        landmark: int,
        platform: str = "",
        elapsed_ms: int | None = None,
    ) -> Chances | None:
        """P(outcome by the horizon | none by `elapsed_ms`); None when features are unusable."""
        return self.scorer.score(features, landmark, platform, elapsed_ms)

    def score_many(self, asks: Sequence[Ask]) -> list[Chances | None]:
        """`score` of each question."""
        return self.scorer.score_many(asks)

    def hazards(
        self, features: Mapping[str, float], landmark: int, platform: str = ""
    ) -> list[float] | None:
        """Calibrated hazards of each bin from the landmark on; None when features are unusable."""
        return self.scorer.hazards(features, landmark, platform)

    def corrections(self) -> list[Correction]:
        """The corrections that calibration has learned, by landmark and platform."""
        maps, seen = self.scorer.weights.maps, self.memory.seen
        return [
            Correction(
                landmark=landmark.name,
                platform=platform,
                slope=1.0 + float(maps[number, column, 0]),
                shift=float(maps[number, column, 1]),
                positives=float(seen[number, column, 2]),
            )
            for number, landmark in enumerate(self.rules.shape.landmarks)
            for column, platform in enumerate([*self.scorer.platforms, "other"])
            if seen[number, column, 2] > 0.0
        ]

    def _learn(self, rows: EncodedRows) -> Numbers:
        scorer = self.scorer
        predicted = scorer.kernel.learn(
            rows, scorer.weights, self.memory, scorer.frame, self._rates
        )
        used = ~np.isnan(predicted)
        learned = int(np.count_nonzero(used))
        self.counts.rows += learned
        self.counts.skipped += len(predicted) - learned
        self.counts.positives += int(rows.about[used, LABEL].sum())
        return predicted

    def _about(self, rows: Sequence[HazardRow]) -> Places:
        about = array("q")
        number, group_before = 0, ""
        for _, landmark, bin_, label, platform, group in rows:
            number += group != group_before
            group_before = group
            column = add_platform(self.scorer.platforms, platform)
            about.extend((landmark, bin_, label, column, number if group else 0))
        return self._placed(np.frombuffer(about, np.int64).reshape(-1, 5))

    def _placed(self, placed: Places) -> Places:
        """The rows unchanged. ValueError: a landmark or bin would make the compiled kernel fail."""
        landmarks, bins = placed[:, LANDMARK], placed[:, BIN]
        shape = self.rules.shape
        if not len(bins):
            return placed
        if landmarks.min() < 0 or landmarks.max() >= len(shape.landmarks):
            raise ValueError("a row has a landmark that the shape does not have")
        if (bins < self._first_bins[landmarks]).any() or bins.max() >= shape.bins:
            raise ValueError("a row has a bin that was over at its landmark, or does not exist")
        return placed
