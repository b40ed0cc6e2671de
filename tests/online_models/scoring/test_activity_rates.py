"""Use is read alike where it is scored and where it is learned, and counts for what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.features.features import ActivityBucket, activity_until
from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import MALFORMED
from online_models.hazard.rules import HazardRules, Numbers
from online_models.persistence.envelope import Unusable
from online_models.scoring.activity_cells import (
    ACTIVITY_CELLS,
    BUSY_STEPS,
    CellReader,
    activity_cell,
)
from online_models.scoring.activity_rates import NO_FACTORS, ActivityRates
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates, dump_rates, load_rates
from schemas.records import Frozen
from schemas.time import DAY_MS

RULES = HazardRules()
ENCODER, READER = Encoder(RULES.slots, RULES.seed), CellReader(RULES.slots, RULES.seed)
PLACE = InstallOrigin("app", "north", "DE", "ios")
DAY_1 = 3
"""The landmark; `OFTEN` and `SELDOM` are cells at it."""
OFTEN = activity_cell([ActivityBucket(), ActivityBucket(), ActivityBucket(9)], DAY_1)
SELDOM = activity_cell([ActivityBucket(), ActivityBucket(), ActivityBucket(1)], DAY_1)

buckets = st.builds(
    ActivityBucket,
    sessions=st.integers(0, 999),
    events=st.integers(0, 999),
    names=st.dictionaries(st.sampled_from(["a", "level"]), st.integers(1, 999), max_size=2),
)


@given(counted=st.lists(buckets, min_size=1, max_size=len(LANDMARKS) - 1))
def test_frozen_features_are_in_the_cell_that_the_counts_were_in(
    counted: list[ActivityBucket],
) -> None:
    landmark = len(counted)
    features = activity_until(LANDMARKS[landmark].name, counted)
    frozen = Frozen(landmark, *ENCODER.pack({"app=one": 2.0, **features}))

    assert READER.cells([frozen]).tolist() == [activity_cell(counted, landmark)]
    assert 0 <= activity_cell(counted, landmark) < ACTIVITY_CELLS


@pytest.mark.parametrize("values", [MALFORMED.values, MALFORMED.values * 2])
def test_bytes_that_are_no_features_are_in_some_cell_and_harm_nobody_else(values: bytes) -> None:
    usual = Frozen(1, *ENCODER.pack(activity_until("1h", [ActivityBucket(3, 5)])))
    broken = Frozen(1, MALFORMED.slots, values)

    found = READER.cells([usual, broken, usual])

    assert found[0] == found[2] == activity_cell([ActivityBucket(3, 5)], 1)
    assert 0 <= found[1] < ACTIVITY_CELLS


def test_names_of_another_landmark_do_not_leave_the_cells() -> None:
    """As where slots are few, and names share them."""
    names = {f"active@{one.name}={number}": 1.0 for number, one in enumerate(LANDMARKS)}
    frozen = [Frozen(one, *ENCODER.pack(names)) for one in range(len(LANDMARKS))]
    assert all(0 <= one < ACTIVITY_CELLS for one in READER.cells(frozen).tolist())


def test_more_snapshots_than_are_kept_have_the_cells_of_a_reader_that_keeps_none() -> None:
    packed = [
        Frozen(1, *ENCODER.pack(activity_until("1h", [ActivityBucket(number % 9, number)])))
        for number in range(5_000)
    ]
    reader = CellReader(RULES.slots, RULES.seed)

    expected = [activity_cell([ActivityBucket(number % 9, number)], 1) for number in range(5_000)]

    assert reader.cells([*packed, *packed]).tolist() == expected * 2


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    """Rates keep what they summed until they learn again, of use or of anything else."""
    often = ActivityBucket(9)
    kept, rng = ShrunkRates(), np.random.default_rng(5)
    for number in range(300):
        place = PLACE._replace(source=f"s{number % 3}")
        hazard = kept.learn(place, number % PAYER.bins, number % 7 == 0)
        if number % 5 == 0:
            at = (np.array([DAY_1]), np.array([OFTEN]), np.array([PAYER.bins - 1]))
            kept.activity.learn(at, np.array([hazard]), np.array([float(number % 2)]))
        loaded = load_rates(dump_rates(kept), kept.rules)
        assert isinstance(loaded, ShrunkRates)
        cell = activity_cell([often], DAY_1) if rng.random() < 0.5 else SELDOM
        for used in (None, (DAY_1, cell)):
            assert kept.score(place, DAY_MS, used) == loaded.score(place, DAY_MS, used)


def lived(effect: float, rows: int, seed: int = 1) -> ActivityRates:
    """Half of the installs are used often and pay `effect` times as often as the others."""
    rates, rng = ActivityRates(PAYER), np.random.default_rng(seed)
    number = np.full(100, PAYER.first_bin(DAY_1))
    for _ in range(rows // 100):
        is_often = rng.random(100) < 0.5
        chance = 0.01 * np.where(is_often, effect, 1.0)
        labels = (rng.random(100) < chance).astype(float)
        cells = np.where(is_often, OFTEN, SELDOM)
        rates.learn((np.full(100, DAY_1), cells, number), np.full(100, 0.01), labels)
    return rates


def test_before_anything_is_learned_use_says_nothing() -> None:
    rates = ActivityRates(PAYER)
    assert {rates.factors(DAY_1, cell) for cell in range(ACTIVITY_CELLS)} == {NO_FACTORS}


def test_use_that_makes_a_difference_is_believed() -> None:
    rates = lived(4.0, 40_000)
    often, seldom = (rates.factors(DAY_1, cell)[0] for cell in (OFTEN, SELDOM))
    assert often / seldom == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("rows", [2_000, 40_000])
def test_use_that_makes_none_is_not(rows: int) -> None:
    """Twenty payers or four hundred: the variance of factors is learned, and it is none."""
    spreads = []
    for seed in range(20):
        often, seldom = (lived(1.0, rows, seed).factors(DAY_1, one)[0] for one in (OFTEN, SELDOM))
        spreads.append(max(often / seldom, seldom / often))
    assert np.median(spreads) < 1.25
    assert max(spreads) < 2.0


def test_at_the_install_itself_nothing_is_known_of_use() -> None:
    rates = ActivityRates(PAYER)
    zeros = np.zeros(500, np.int64)
    rates.learn((zeros, zeros, zeros), np.full(500, 0.01), np.ones(500))
    assert rates.factors(0, 0) == NO_FACTORS


def test_a_block_is_predicted_before_it_is_learned() -> None:
    rates = ActivityRates(PAYER)
    at = (np.full(50, DAY_1), np.full(50, OFTEN), np.full(50, 5))
    first = rates.learn(at, np.full(50, 0.01), np.ones(50))
    assert set(first.tolist()) == {1.0}


def naive_factor(seen: float, usual: float, strength: float) -> float:
    return (seen + strength) / (usual + strength)


def test_one_cell_is_shrunk_as_by_hand() -> None:
    """Where two cells had 30 and 10 outcomes and expected 20 each, the variance is
    ((10² - 20) × 2 + 0.1 × 100) / (2 × 20² + 100), less what the scale of 41 in 41 changes."""
    rates = ActivityRates(PAYER)
    labels: Numbers = np.concatenate([np.ones(30), np.zeros(170), np.ones(10), np.zeros(190)])
    cells = np.repeat([OFTEN, SELDOM], 200)
    rates.learn((np.full(400, DAY_1), cells, np.full(400, 3)), np.full(400, 0.1), labels)

    variance = ((30 - 20) ** 2 - 20 + (10 - 20) ** 2 - 20 + 10.0) / (20**2 * 2 + 100.0)
    busy = rates.factors(DAY_1, OFTEN)[0] / naive_factor(30, 20, 1 / variance)
    assert busy == pytest.approx(1.0, abs=1e-9)
    assert rates.factors(DAY_1, SELDOM)[0] == pytest.approx(naive_factor(10, 20, 1 / variance))
    assert OFTEN % BUSY_STEPS == 0


def used(rates: ShrunkRates, cell: int) -> dict[str, float]:
    return rates.score(PLACE, DAY_MS, (DAY_1, cell))


def test_what_use_says_reaches_chances_and_survives_being_stored() -> None:
    rates = ShrunkRates()
    rates.activity = lived(4.0, 40_000)
    rates.answers = frozenset({"d30"})
    copy = load_rates(dump_rates(rates), rates.rules)

    assert isinstance(copy, ShrunkRates)
    assert copy.answers == {"d30"}
    assert used(copy, OFTEN) == used(rates, OFTEN)
    assert used(rates, OFTEN)["d7"] > 2.0 * used(rates, SELDOM)["d7"]
    assert used(rates, OFTEN)["d7"] < used(rates, OFTEN)["d30"]
    # Of the weeks after the first nothing was learned.
    often, seldom = (used(rates, one) for one in (OFTEN, SELDOM))
    left = [(1.0 - one["d30"]) / (1.0 - one["d7"]) for one in (often, seldom)]
    assert left[0] == pytest.approx(left[1])


def test_columns_that_are_not_those_of_use_are_unusable() -> None:
    columns = lived(2.0, 1_000).dump()
    for broken in (columns[:2], (b"", *columns[1:]), (columns[0][:-8], *columns[1:])):
        assert isinstance(ActivityRates(PAYER).fill(broken), Unusable)
    assert ActivityRates(PAYER).fill(()) is None
    assert ActivityRates(PAYER).fill(columns) is None
