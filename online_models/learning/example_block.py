"""One block of examples as arrays: what every tier and model predicted of each row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.features.frozen import whole, whole_of
from online_models.hazard.bins import Shape
from online_models.hazard.packed import PackedGroup
from online_models.hazard.rules import HazardRules, Numbers, Places
from online_models.learning.evidence import PrequentialBlock
from online_models.scoring.activity_cells import CellReader
from online_models.scoring.activity_rates import ActivityRates
from online_models.scoring.shrunk_rates import HAZARD_MAX, InstallOrigin
from schemas.records import Example, Frozen

BASE_PRIOR_ROWS = 20.0
"""The rate of a bin starts as if this many rows had shown the prior."""


class BlockColumns(NamedTuple):
    """A block by example, and row by row: one row per snapshot of each example, in order."""

    bin_of: Places  # of each example
    label_of: NDArray[np.bool_]
    sizes: Places  # rows of each example
    bins: Places  # of each row, and so the others
    labels: NDArray[np.bool_]
    landmarks: Places


def columns_of(examples: Sequence[Example]) -> BlockColumns:
    """The examples as arrays."""
    bins = np.array([one.bin for one in examples], np.int64)
    labels = np.array([one.label for one in examples], np.bool_)
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    landmarks = np.array([own.landmark for one in examples for own in one.snapshots], np.int64)
    return BlockColumns(
        bins, labels, sizes, np.repeat(bins, sizes), np.repeat(labels, sizes), landmarks
    )


class ExampleCheck:
    """Whether an example belongs to a shape. A log may hold those of an earlier declaration."""

    def __init__(self, shape: Shape) -> None:
        self._bins = shape.bins
        self._first_bins = np.array([shape.first_bin(one) for one in range(len(shape.landmarks))])

    def valid_of(self, examples: list[Example]) -> tuple[list[Example], BlockColumns]:
        """Those whose bin exists, and was still ahead at every landmark of their snapshots."""
        columns = columns_of(examples)
        first_bins = self._first_bins
        marks, last = columns.landmarks, len(first_bins) - 1
        is_known = (marks >= 0) & (marks <= last)
        is_ahead = first_bins[np.clip(marks, 0, last)] <= columns.bins
        is_bin = (columns.bin_of >= 0) & (columns.bin_of < self._bins)
        is_usable = is_known & is_ahead
        if is_usable.all() and is_bin.all():
            return examples, columns
        number = np.repeat(np.arange(len(examples)), columns.sizes)
        is_bin[number[~is_usable]] = False
        valid = [one for one, is_valid in zip(examples, is_bin.tolist(), strict=True) if is_valid]
        return valid, columns_of(valid)


def bin_prior(rules: HazardRules) -> Numbers:
    """Rows and positives of each bin before anything is learned, bins × 2."""
    bins = rules.shape.bins
    hazard = 1.0 - (1.0 - rules.prior) ** (1.0 / bins)
    return np.full((bins, 2), (BASE_PRIOR_ROWS, BASE_PRIOR_ROWS * hazard))


class ActivityRows:
    """Teaches rates what activity until each landmark says of the bins after it."""

    def __init__(self, slots: int, seed: int) -> None:
        self._reader = CellReader(slots, seed)

    def learn(
        self,
        rates: ActivityRates,
        examples: Sequence[Example],
        columns: BlockColumns,
        by_origin: Sequence[float],
    ) -> Numbers:
        """Of every row, the hazard by rates before it was learned. `by_origin`: the hazard of each
        example by everything but activity."""
        snapshots = [one for example in examples for one in example.snapshots]
        cells = self._reader.cells(snapshots)
        expected = np.repeat(np.array(by_origin, np.float64), columns.sizes)
        at = columns.landmarks, cells, columns.bins
        factors = rates.learn(at, expected, columns.labels.astype(np.float64))
        hazards: Numbers = np.minimum(expected * factors, HAZARD_MAX)
        return hazards


def origin_of(example: Example) -> InstallOrigin:
    """Where its install belongs, for shrunk rates."""
    return InstallOrigin(
        example.app_id, example.media_source, example.country_code, example.platform
    )


def groups_of(examples: Sequence[Example]) -> list[PackedGroup]:
    """The examples as a hazard model learns them, with all features of each snapshot."""
    return [PackedGroup(one.bin, one.label, one.platform, whole(one.snapshots)) for one in examples]


def prequential_block(
    columns: BlockColumns,
    predicted: tuple[Numbers, list[Numbers]],
    rates: Numbers,
    base: Numbers,
    published: Numbers | None,
    stretches: Places,
) -> PrequentialBlock:
    """Line up all predictions by row.

    `predicted`: hazards by the champion, and by every model. `rates`: hazards by shrunk rates.
    `base`: one rate per bin. `published`: hazards by the version published last; None: there is
    none. `stretches`: which horizon a bin counts for first. Rows that the champion could not use
    are left out.
    """
    own, by_model = predicted
    _, _, sizes, bins, labels, landmarks = columns
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    published = np.full(len(own), math.nan) if published is None else published
    install_only = own[firsts]
    install_only = np.where(np.isnan(install_only), rates, install_only)
    usable = ~np.isnan(own)
    return PrequentialBlock(
        labels=labels[usable],
        landmarks=landmarks[usable],
        tiers=(own[usable], install_only[usable], rates[usable], base[bins][usable]),
        models=tuple(hazards[usable] for hazards in by_model),
        published=published[usable],
        stretches=stretches[bins][usable] if stretches[-1] else None,
        horizons=int(stretches[-1]) + 1,
    )


def last_of(example: Example) -> Frozen:
    """The last snapshot, with all of its features."""
    return whole_of(example.snapshots[0], example.snapshots[-1])
