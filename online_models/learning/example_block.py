"""One block of examples as arrays: what every tier and model predicted of each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from online_models.features.frozen import whole, whole_of
from online_models.hazard.bins import Shape
from online_models.hazard.kernel import EncodedRows
from online_models.hazard.packed import PackedGroup
from online_models.hazard.rules import Numbers
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import PrequentialBlock
from online_models.scoring.shrunk_rates import InstallOrigin
from schemas.records import Example, Frozen


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
    by_rates: Sequence[float],
    base: Numbers,
    by_published: Mapping[int, float],
) -> PrequentialBlock:
    """Line up all predictions by row; a row is a snapshot of an example, in order.

    `predicted`: hazards by the champion, and by every model. `by_rates`: one hazard per example.
    `base`: one rate per bin. `by_published`: hazard of an example's last snapshot, by the number of
    the example. Rows that the champion could not use are left out.
    """
    own, by_model = predicted
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    bins = np.repeat(np.array([one.bin for one in examples], np.int64), sizes)
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rates = np.repeat(np.array(by_rates, np.float64), sizes)
    published = np.full(len(own), math.nan)
    lasts = np.cumsum(sizes) - 1
    for number, chance in by_published.items():
        published[lasts[number]] = chance
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
    )


def score_examples(
    scorer: HazardScorer, examples: Sequence[Example], numbers: Sequence[int]
) -> dict[int, float]:
    """The hazard of the bin of these examples, given their last snapshot; by number of the
    example. Examples whose bytes are malformed are left out."""
    asked = [number for number in numbers if _is_well_formed(scorer, examples[number])]
    if not asked:
        return {}
    frozen = [last_of(examples[number]) for number in asked]
    starts = np.cumsum([0, *(len(one.slots) // 4 for one in frozen)], dtype=np.int64)
    slots = np.frombuffer(b"".join(one.slots for one in frozen), "<u4").astype(np.int64)
    values = np.frombuffer(b"".join(one.values for one in frozen), "<f4").astype(np.float64)
    landmarks = scorer.rules.shape.landmarks
    about = np.array(
        [
            (one.landmark, landmarks[one.landmark].after_ms, scorer.place_of(example.platform))
            for one, example in zip(frozen, (examples[n] for n in asked), strict=True)
        ],
        np.int64,
    )
    rows = EncodedRows(starts, slots, values, about)
    hazards, _ = scorer.kernel.score(rows, scorer.weights, scorer.frame)
    bins = [examples[number].bin for number in asked]
    return dict(zip(asked, hazards[np.arange(len(asked)), bins].tolist(), strict=True))


def last_of(example: Example) -> Frozen:
    """The last snapshot, with all of its features."""
    return whole_of(example.snapshots[0], example.snapshots[-1])


def _is_well_formed(scorer: HazardScorer, example: Example) -> bool:
    """The compiled kernel does not check: it would read beyond its arrays."""
    if not example.snapshots:
        return False
    last = last_of(example)
    if len(last.slots) != len(last.values) or len(last.slots) % 4:
        return False
    slots = np.frombuffer(last.slots, "<u4")
    return not len(slots) or int(slots.max()) < scorer.rules.slots
