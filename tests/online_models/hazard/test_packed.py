"""Packed features give the numbers that the features themselves give."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import Encoder, Packed
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import Ask, HazardModel, HazardRow
from online_models.hazard.packed import PackedAsk, PackedGroup, PackedSnapshot
from online_models.hazard.persistence import dump_hazard_model
from schemas.time import DAY_MS
from tests.worlds import hazard_world
from tests.worlds.hazard_world import SMALL

every_kernel = pytest.mark.parametrize("kernel", hazard_world.kernels(), ids=lambda one: one.name)
ENCODER = Encoder(SMALL.slots, SMALL.seed)
INSTALL, DAY_1 = 0, 3

MALFORMED = [
    Packed(bytes(4), bytes(8)),
    Packed(bytes(8), b""),
    Packed(bytes(3), bytes(3)),
    Packed(struct.pack("<I", SMALL.slots), struct.pack("<f", 1.0)),
    Packed(struct.pack("<2I", 1, 2**32 - 1), struct.pack("<2f", 1.0, 1.0)),
    ENCODER.pack({"a": 1.0, "b": math.nan}),
    ENCODER.pack({"a": -math.inf}),
    ENCODER.pack({"a": 1e300}),
    ENCODER.pack({"a": 100.5}),
]


def rounded(row: HazardRow) -> HazardRow:
    with np.errstate(over="ignore"):
        features = {name: float(np.float32(value)) for name, value in row.features.items()}
    return row._replace(features=features)


def identity_of(row: HazardRow) -> tuple[str, int, bool, str]:
    """What all rows of a packed group have in common."""
    return row.group, row.bin, row.label, row.platform


def numbered(rows: Iterable[HazardRow]) -> list[HazardRow]:
    """In groups that can be packed."""
    runs = groupby(rows, key=identity_of)
    return [
        row._replace(group=f"{number}" if row.group else "")
        for number, (_, run) in enumerate(runs)
        for row in run
    ]


def grouped(rows: Iterable[HazardRow]) -> list[PackedGroup]:
    groups: list[PackedGroup] = []
    for (name, bin_, label, platform), run in groupby(rows, key=identity_of):
        packed = [PackedSnapshot(row.landmark, *ENCODER.pack(row.features)) for row in run]
        parts = [packed] if name else [[one] for one in packed]
        groups += [PackedGroup(bin_, label, platform, part) for part in parts]
    return groups


def traffic(count: int) -> list[HazardRow]:
    """Without rows of which two names share a place: their sum would have to be rounded too."""
    rows = [rounded(row) for row in hazard_world.rows(count)]
    return numbered(
        [row for row in rows if len(ENCODER.encode([row.features]).slots) == len(row.features)]
    )


def test_features_are_packed_as_little_endian_places_and_values() -> None:
    slots, values = ENCODER.pack({"a": 1.0, "b": -0.5, "c": 3})

    encoded = ENCODER.encode([{"a": 1.0, "b": -0.5, "c": 3}])
    assert slots == struct.pack("<3I", *encoded.slots.tolist())
    assert values == struct.pack("<3f", 1.0, -0.5, 3.0)


def test_names_that_share_a_place_are_added_up() -> None:
    slots, values = Encoder(1, 0).pack({"a": 1.5, "b": 2.0, "c": -0.25})

    assert slots == bytes(4)
    assert values == struct.pack("<f", 3.25)


def test_a_value_that_is_no_number_is_still_one_after_packing() -> None:
    _, values = ENCODER.pack({"a": math.nan, "b": math.inf, "c": -1e300})

    assert math.isnan(struct.unpack("<3f", values)[0])
    assert struct.unpack("<3f", values)[1:] == (math.inf, -math.inf)


def test_no_features_are_no_bytes() -> None:
    assert ENCODER.pack({}) == (b"", b"")


@every_kernel
def test_learning_from_packed_rows_gives_the_same_hazards_and_model(kernel: Kernel) -> None:
    rows = traffic(1500)
    plain, packed = HazardModel(SMALL, kernel), HazardModel(SMALL, kernel)

    reported = plain.learn(rows)

    assert packed.learn_packed(grouped(rows)).tobytes() == reported.tobytes()
    assert dump_hazard_model(packed) == dump_hazard_model(plain)
    assert len(grouped(rows)) < len(rows)


@every_kernel
def test_scoring_packed_rows_gives_the_same_chances(kernel: Kernel) -> None:
    model = HazardModel(SMALL, kernel)
    rows = traffic(1500)
    model.learn(rows[:1000])
    ages = [None, *(DAY_MS * day for day in (7, 9, 40))]
    asks = [
        Ask(row.features, row.landmark, row.platform, ages[number % 4])
        for number, row in enumerate(rows[1000:])
    ]
    asks.append(Ask({}, INSTALL))

    answer = model.scorer.score_packed(
        [
            PackedAsk(*ENCODER.pack(features), landmark, platform, elapsed)
            for features, landmark, platform, elapsed in asks
        ]
    )

    assert answer == model.score_many(asks)
    assert model.scorer.score_packed([PackedAsk(b"", b"", INSTALL)]) == answer[-1:]
    assert model.scorer.score_packed([]) == []


@settings(deadline=None)
@given(st.lists(hazard_world.any_row(), max_size=12), st.integers(0, 31 * DAY_MS))
def test_packed_rows_say_the_same_whatever_they_are(rows: list[HazardRow], since: int) -> None:
    rows = numbered([rounded(row) for row in rows])
    for kernel in hazard_world.kernels():
        plain, packed = HazardModel(SMALL, kernel), HazardModel(SMALL, kernel)
        reported = plain.learn(rows)
        assert packed.learn_packed(grouped(rows)).tobytes() == reported.tobytes()
        assert packed.counts == plain.counts
        for row in rows:
            elapsed = max(since, PAYER.landmarks[row.landmark].after_ms)
            bytes_of = ENCODER.pack(row.features)
            ask = PackedAsk(*bytes_of, row.landmark, row.platform, elapsed)
            answer = plain.score(row.features, row.landmark, row.platform, elapsed)
            assert packed.scorer.score_packed([ask]) == [answer]


@every_kernel
@pytest.mark.parametrize("bad", MALFORMED)
def test_bytes_that_are_no_usable_features_are_not_scored(kernel: Kernel, bad: Packed) -> None:
    scorer = hazard_world.learned(500, kernel=kernel).scorer
    good = PackedAsk(*ENCODER.pack({"a": 1.0}), DAY_1)

    answer = scorer.score_packed([good, PackedAsk(*bad, DAY_1), good])

    assert answer == [*scorer.score_packed([good]), None, *scorer.score_packed([good])]
    assert (scorer.counts.scored, scorer.counts.unusable) == (5, 1)


@every_kernel
@pytest.mark.parametrize("bad", MALFORMED)
def test_bytes_that_are_no_usable_features_are_not_learned(kernel: Kernel, bad: Packed) -> None:
    with_bad, without = HazardModel(SMALL, kernel), HazardModel(SMALL, kernel)
    good = [
        PackedSnapshot(INSTALL, *ENCODER.pack({"a": 1.0})),
        PackedSnapshot(DAY_1, *ENCODER.pack({"a": 1.0, "b": 2.0})),
    ]
    group = PackedGroup(4, True, "ios", good)

    reported = with_bad.learn_packed(
        [group._replace(snapshots=[good[0], PackedSnapshot(1, *bad), good[1]])]
    )
    expected = without.learn_packed([group])

    assert math.isnan(reported[1])
    assert reported[[0, 2]].tolist() == expected.tolist()
    assert (with_bad.counts.rows, with_bad.counts.skipped) == (2, 1)
    with_bad.counts = without.counts
    assert dump_hazard_model(with_bad) == dump_hazard_model(without)


def test_all_snapshots_of_a_group_are_predicted_before_any_is_learned() -> None:
    snapshot = PackedSnapshot(INSTALL, *ENCODER.pack({"a": 1.0}))
    group = PackedGroup(0, True, "ios", [snapshot, snapshot])

    together = HazardModel(SMALL).learn_packed([group])
    apart = HazardModel(SMALL).learn_packed([group._replace(snapshots=[snapshot])] * 2)

    assert together[0] == together[1] == apart[0] < apart[1]


def test_a_bin_that_the_landmark_has_behind_it_is_refused() -> None:
    group = PackedGroup(0, True, "ios", [PackedSnapshot(DAY_1, b"", b"")])

    with pytest.raises(ValueError, match="was over at its landmark"):
        HazardModel(SMALL).learn_packed([group])


def test_an_age_before_the_landmark_is_refused() -> None:
    with pytest.raises(ValueError, match="before landmark"):
        HazardModel(SMALL).scorer.score_packed([PackedAsk(b"", b"", DAY_1, "", DAY_MS - 1)])
