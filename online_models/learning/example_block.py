"""One block of examples as arrays: who predicted what of each row."""

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
        self._firsts = [shape.first_bin(mark) for mark in range(len(shape.landmarks))]

    def is_sound(self, example: Example) -> bool:
        if not 0 <= example.bin < self._bins:
            return False
        firsts, bin_ = self._firsts, example.bin
        for one in example.snapshots:
            if not 0 <= one.landmark < len(firsts) or firsts[one.landmark] > bin_:
                return False
        return True


def origin_of(example: Example) -> InstallOrigin:
    return InstallOrigin(
        example.app_id, example.media_source, example.country_code, example.platform
    )


def groups_of(examples: Sequence[Example]) -> list[PackedGroup]:
    return [PackedGroup(one.bin, one.label, one.platform, whole(one.snapshots)) for one in examples]


def prequential_block(
    examples: Sequence[Example],
    told: tuple[Numbers, list[Numbers]],
    by_rates: Sequence[float],
    base: Numbers,
    by_champion: Mapping[int, float],
) -> PrequentialBlock:
    """`told`: each row by the leader, and by every contestant; a row is a snapshot of an example,
    in order. `by_champion` is by number of the example, of its last snapshot. Rows that the leader
    could not use are left out."""
    own, contestants = told
    sizes = np.array([len(one.snapshots) for one in examples], np.int64)
    bins = np.repeat(np.array([one.bin for one in examples], np.int64), sizes)
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rates = np.repeat(np.array(by_rates, np.float64), sizes)
    champion = np.full(len(own), math.nan)
    lasts = np.cumsum(sizes) - 1
    for number, chance in by_champion.items():
        champion[lasts[number]] = chance
    install_only = own[firsts]
    install_only = np.where(np.isnan(install_only), rates, install_only)
    usable = ~np.isnan(own)
    labels = np.repeat(np.array([one.label for one in examples], np.bool_), sizes)
    landmarks = np.array([own.landmark for one in examples for own in one.snapshots], np.int64)
    return PrequentialBlock(
        labels[usable],
        landmarks[usable],
        (own[usable], install_only[usable], rates[usable], base[bins][usable]),
        tuple(said[usable] for said in contestants),
        champion[usable],
    )


def score_examples(
    scorer: HazardScorer, examples: Sequence[Example], numbers: Sequence[int]
) -> dict[int, float]:
    """What a scorer says of the bin of these examples, by their last snapshot; by number."""
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
    said = hazards[np.arange(len(asked)), bins]
    return dict(zip(asked, said.tolist(), strict=True))


def last_of(example: Example) -> Frozen:
    """The last snapshot, with all of its features."""
    return whole_of(example.snapshots[0], example.snapshots[-1])


def _is_well_formed(scorer: HazardScorer, example: Example) -> bool:
    """The compiled kernel would read elsewhere."""
    if not example.snapshots:
        return False
    last = last_of(example)
    if len(last.slots) != len(last.values) or len(last.slots) % 4:
        return False
    slots = np.frombuffer(last.slots, "<u4")
    return not len(slots) or int(slots.max()) < scorer.rules.slots
