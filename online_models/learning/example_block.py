"""One block of examples as arrays: what every tier and model predicted of each row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

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


class ExampleCheck:
    """Whether an example belongs to a shape. A log may hold those of an earlier declaration."""

    def __init__(self, shape: Shape) -> None:
        self._bins = shape.bins
        self._first_bins = [shape.first_bin(mark) for mark in range(len(shape.landmarks))]

    def is_valid(self, example: Example) -> bool:
        """Whether its bin exists, and was still ahead at every landmark of its snapshots."""
        if not 0 <= example.bin < self._bins:
            return False
        first_bins, bin_ = self._first_bins, example.bin
        for frozen in example.snapshots:
            mark = frozen.landmark
            if not 0 <= mark < len(first_bins) or first_bins[mark] > bin_:
                return False
        return True


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
        self, rates: ActivityRates, examples: Sequence[Example], by_origin: Sequence[float]
    ) -> Numbers:
        """Of every row, the hazard by rates before it was learned. `by_origin`: the hazard of each
        example by everything but activity."""
        snapshots = [one for example in examples for one in example.snapshots]
        of_examples = np.array([(one.bin, one.label) for one in examples], np.int64).reshape(-1, 2)
        sizes = [len(one.snapshots) for one in examples]
        number, label = np.repeat(of_examples, sizes, axis=0).T
        expected = np.repeat(np.array(by_origin, np.float64), sizes)
        landmark = np.array([one.landmark for one in snapshots], np.int64)
        at = landmark, self._reader.cells(snapshots), number
        factors = rates.learn(at, expected, label.astype(np.float64))
        hazards: Numbers = np.minimum(expected * factors, HAZARD_MAX)
        return hazards


def origin_of(example: Example) -> InstallOrigin:
    """Where its install belongs, for shrunk rates."""
    return InstallOrigin(
        app=example.app_id,
        source=example.media_source,
        country=example.country_code,
        platform=example.platform,
    )


def groups_of(examples: Sequence[Example]) -> list[PackedGroup]:
    """The examples as a hazard model learns them, with all features of each snapshot."""
    return [PackedGroup(one.bin, one.label, one.platform, whole(one.snapshots)) for one in examples]


def prequential_block(
    examples: Sequence[Example],
    predicted: tuple[Numbers, list[Numbers]],
    rates: Numbers,
    base: Numbers,
    published: Numbers | None,
    stretches: Places,
) -> PrequentialBlock:
    """Line up all predictions by row; a row is a snapshot of an example, in order.

    `predicted`: hazards by the champion, and by every model. `rates`: hazards by shrunk rates.
    `base`: one rate per bin. `published`: hazards by the version published last; None: there is
    none. `stretches`: which horizon a bin counts for first. Rows that the champion could not use
    are left out.
    """
    own, by_model = predicted
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    bins = np.repeat(np.array([one.bin for one in examples], np.int64), sizes)
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    published = np.full(len(own), math.nan) if published is None else published
    install_only = own[firsts]
    install_only = np.where(np.isnan(install_only), rates, install_only)
    usable = ~np.isnan(own)
    labels = np.repeat(np.array([one.label for one in examples], np.bool_), sizes)
    landmarks = np.array([own.landmark for one in examples for own in one.snapshots], np.int64)
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
