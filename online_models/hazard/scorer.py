"""Scores installs with a hazard model: the chance of the target by each horizon. Read-only."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.encoding import Encoder
from online_models.hazard.kernel import EncodedRows, Kernel, PackedRows, Weights, fastest
from online_models.hazard.packed import MALFORMED, PackedAsk, PackedGroup, unpacked
from online_models.hazard.rules import HazardRules, Numbers, hazard_frame, platform_column

Chances = dict[str, float]
"""Chance of the target by each horizon that has not passed, in order of time, never falling."""


class Ask(NamedTuple):
    """A question: features at a landmark. `elapsed_ms`: age of the install when it is asked, not
    before the landmark; None: at the landmark itself."""

    features: Mapping[str, float]
    landmark: int
    platform: str = ""
    elapsed_ms: int | None = None


class HazardScoreCounts(Struct):
    """Questions so far. `unusable`: with a value that is not finite, or above VALUE_MAX, or with
    bytes that are not packed features."""

    scored: int = 0
    unusable: int = 0


class HazardScorer:
    """Scores with weights that a model may go on training. One thread at a time."""

    def __init__(
        self,
        rules: HazardRules,
        weights: Weights,
        platforms: Sequence[str] = (),
        kernel: Kernel | None = None,
        version: str = "",
    ) -> None:
        self.version = version
        self.rules = rules
        self.weights = weights
        self.platforms = list(platforms)
        self.frame = hazard_frame(rules)
        self.counts = HazardScoreCounts()
        self.kernel = kernel or fastest()
        self.encoder = Encoder(rules.slots, rules.seed)
        self._starts = [landmark.after_ms for landmark in rules.shape.landmarks]
        self._names = [horizon.name for horizon in rules.shape.horizons]
        self._until = [horizon.after_ms for horizon in rules.shape.horizons]

    def score(
        self,
        features: Mapping[str, float],
        landmark: int,
        platform: str = "",
        elapsed_ms: int | None = None,
    ) -> Chances | None:
        """P(outcome by the horizon | none by `elapsed_ms`); None when features are unusable."""
        return self.score_many([Ask(features, landmark, platform, elapsed_ms)])[0]

    def score_many(self, asks: Sequence[Ask]) -> list[Chances | None]:
        """`score` of each question. ValueError: asked before the landmark."""
        elapsed, _, chances = self._kernel_scores(asks)
        return self._by_horizon(elapsed, chances)

    def score_packed(self, asks: Sequence[PackedAsk]) -> list[Chances | None]:
        """The same chances, from packed features. ValueError: asked before the landmark."""
        all_slots, all_values, about, elapsed = [], [], array("q"), []
        for slots, values, landmark, platform, since in asks:
            if len(slots) != len(values) or len(slots) % 4:
                slots, values = MALFORMED
            all_slots.append(slots)
            all_values.append(values)
            when = self._when(landmark, since)
            elapsed.append(when)
            about.extend((landmark, when, self.place_of(platform), len(slots) // 4))
        rows = PackedRows(b"".join(all_slots), b"".join(all_values), about.tobytes())
        return self._by_horizon(elapsed, self.kernel.score_packed(rows, self.weights, self.frame))

    def hazards(
        self, features: Mapping[str, float], landmark: int, platform: str = ""
    ) -> list[float] | None:
        """Calibrated hazards of each bin from the landmark on; None when features are unusable."""
        _, hazards, _ = self._kernel_scores([Ask(features, landmark, platform)])
        answers: list[float] = hazards[0, self.rules.shape.first_bin(landmark) :].tolist()
        return None if math.isnan(answers[0]) else answers

    def hazards_of_bins(self, groups: Sequence[PackedGroup]) -> Numbers:
        """The calibrated hazard of the bin of each group, for each of its snapshots, group after
        group; NaN: unusable. What `HazardModel.learn_packed` returns, without learning."""
        edges, about, packed = self.rules.shape.edges, array("q"), []
        bins = []
        for bin_, _, platform, snapshots in groups:
            place = self.place_of(platform)
            for frozen in snapshots:
                about.extend((frozen.landmark, edges[bin_], place))
                packed.append((frozen.slots, frozen.values))
                bins.append(bin_)
        rows = EncodedRows(*unpacked(packed), np.frombuffer(about, np.int64).reshape(-1, 3))
        hazards, _ = self.kernel.score(rows, self.weights, self.frame)
        found: Numbers = hazards[np.arange(len(bins)), np.array(bins, np.int64)]
        return found

    def place_of(self, platform: str) -> int:
        """The column of a platform's calibration; unknown platforms share the last one."""
        return platform_column(self.platforms, platform)

    def _when(self, landmark: int, since: int | None) -> int:
        start = self._starts[landmark]
        when = start if since is None else since
        if landmark < 0 or when < start:
            raise ValueError(f"scored {when} ms after install, before {landmark=}")
        return when

    def _kernel_scores(self, asks: Sequence[Ask]) -> tuple[list[int], Numbers, Numbers]:
        about, elapsed = array("q"), []
        for _, landmark, platform, since in asks:
            when = self._when(landmark, since)
            elapsed.append(when)
            about.extend((landmark, when, self.place_of(platform)))
        encoded = self.encoder.encode([ask[0] for ask in asks])
        rows = EncodedRows(*encoded, np.frombuffer(about, np.int64).reshape(-1, 3))
        return elapsed, *self.kernel.score(rows, self.weights, self.frame)

    def _by_horizon(self, elapsed: Sequence[int], chances: Numbers) -> list[Chances | None]:
        answers: list[Chances | None] = []
        for since, row in zip(elapsed, chances.tolist(), strict=True):
            if math.isnan(row[-1]):
                self.counts.unusable += 1
                answers.append(None)
            elif since < self._until[0]:
                answers.append(dict(zip(self._names, row, strict=True)))
            else:
                left = bisect_right(self._until, since)
                answers.append(dict(zip(self._names[left:], row[left:], strict=True)))
        self.counts.scored += len(answers)
        return answers
