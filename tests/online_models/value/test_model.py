"""The value model: expected revenue is right, never falls with the horizon, and says what it owes
to cohorts."""

from __future__ import annotations

import math
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow
from online_models.value.persistence import dump_value_model
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, first_bucket, rows_of
from tests.online_models.value.value_world import (
    CHANCE,
    MEAN,
    POOR,
    RICH,
    SMALL,
    history,
    install,
    learned,
    teach,
)

INSTALL, DAY_7 = 0, len(LANDMARKS) - 1


def test_expected_revenue_is_that_of_the_kind_of_install() -> None:
    model = learned(3_000)
    for kind in (RICH, POOR):
        expected = model.scorer.score_packed(*install(kind), INSTALL, platform="ios")
        assert expected is not None
        truth = CHANCE[kind] * MEAN[kind]
        assert expected.extrapolated == ()
        assert expected.d7 == pytest.approx(2 * truth, rel=0.3)
        assert expected.d30 == pytest.approx(3 * truth, rel=0.3)
        assert expected.d90 == pytest.approx(4 * truth, rel=0.3)


def test_what_was_paid_is_part_of_the_worth() -> None:
    model = learned(500)
    expected = model.scorer.score_packed(*install(RICH), DAY_7, spent=123.0)
    assert expected is not None
    assert expected.d7 == 123.0
    assert expected.d30 > 123.0


amounts = st.one_of(st.floats(-10, 1e6), st.sampled_from([0.0, math.nan, math.inf, 1e12, 5e-324]))
kinds = st.sampled_from([install(RICH), install(POOR), (b"", b""), (b"1234", b"12345678")])


@st.composite
def wild_rows(draw: st.DrawFn) -> ValueRow:
    landmark = draw(st.integers(0, DAY_7))
    bucket = draw(st.integers(first_bucket(landmark), len(VALUE_BUCKETS) - 1))
    platform, group = draw(st.sampled_from(["ios", ""])), draw(st.sampled_from(["", "a", "b"]))
    return ValueRow(*draw(kinds), landmark, bucket, draw(amounts), draw(amounts), platform, group)


steps = st.builds(StepRow, st.integers(0, len(VALUE_STEPS) - 1), amounts, amounts)
asks = st.builds(
    lambda packed, *rest: ValueAsk(*packed, *rest), kinds, st.integers(0, DAY_7), amounts
)


@settings(max_examples=60, deadline=None)
@given(st.lists(wild_rows(), max_size=30), st.lists(steps, max_size=30), st.lists(asks, max_size=9))
def test_worth_never_falls_with_the_horizon_whatever_was_learned(
    rows: list[ValueRow], grown: list[StepRow], asked: list[ValueAsk]
) -> None:
    model = ValueModel(msgspec.structs.replace(SMALL, matured_rows=2))
    model.learn(rows)
    model.develop(grown)
    for ask, expected in zip(asked, model.scorer.score_packed_many(asked), strict=True):
        if expected is not None:
            assert max(ask.spent, 0.0) <= expected.d7 <= expected.d30 <= expected.d90 < math.inf


def test_until_a_bucket_has_matured_the_growth_of_cohorts_answers_and_says_so() -> None:
    model = ValueModel(SMALL)
    reported = [one for one in history(3_000) if one[1].step <= 1]
    teach(model, tuple(reported))
    expected = model.scorer.score_packed(*install(RICH), INSTALL, platform="ios")
    assert expected is not None
    assert expected.extrapolated == ("d30", "d90")
    assert expected.d90 > expected.d30 > expected.d7


def test_before_anything_is_known_all_is_extrapolated_and_nothing_expected() -> None:
    expected = ValueModel(SMALL).scorer.score_packed(*install(RICH), INSTALL)
    assert expected == (0.0, 0.0, 0.0, ("d7", "d30", "d90"))


def test_one_whale_moves_others_little_but_counts_in_the_total() -> None:
    calm, shaken = learned(3_000), learned(3_000)
    whale = ValueRow(*install(POOR), INSTALL, 0, 50_000.0, platform="ios")
    shaken.learn_one(whale)
    before, after = (
        one.scorer.score_packed(*install(POOR), INSTALL, platform="ios") for one in (calm, shaken)
    )
    assert before is not None
    assert after is not None
    assert after.d7 < 2.5 * before.d7
    usual, whole = shaken.scorer.amounts.tails[0, 2:4]
    assert whole - usual > 0.9 * 50_000 / shaken.scorer.amounts.tails[0, 1]


def test_totals_stay_right_where_amounts_are_cut() -> None:
    """Whales bring a third of the revenue."""
    rng = np.random.default_rng(3)
    model = ValueModel(SMALL)
    amounts = np.where(rng.random(20_000) < 0.005, 500.0, 5.0)
    reported = model.learn([ValueRow(*install(RICH), INSTALL, 0, one) for one in amounts.tolist()])
    assert np.nansum(reported[10_000:]) / amounts[10_000:].sum() == pytest.approx(1.0, abs=0.1)


def test_rows_of_one_install_are_predicted_before_any_is_learned() -> None:
    model = learned(200)
    one = ValueRow(*install(RICH), INSTALL, 0, 40.0, group="x")
    twin = one._replace(landmark=1)
    alone = learned(200).learn_one(twin)
    assert model.learn([one, twin])[1] == alone
    assert learned(200).learn([one._replace(group=""), twin._replace(group="")])[1] != alone


def test_batch_boundaries_change_nothing() -> None:
    reported = history(300)
    rows = [row for rows, _ in reported for row in rows]
    whole, cut = ValueModel(SMALL), ValueModel(SMALL)
    whole.learn(rows)
    first = 0
    while first < len(rows):
        end = first + 1 + first % 7
        while end < len(rows) and rows[end].group == rows[end - 1].group:
            end += 1
        cut.learn(rows[first:end])
        first = end
    assert dump_value_model(cut) == dump_value_model(whole)


@pytest.mark.parametrize(
    "bad",
    [
        ValueRow(*install(RICH), INSTALL, 0, math.nan),
        ValueRow(*install(RICH), INSTALL, 0, math.inf),
        ValueRow(*install(RICH), INSTALL, 0, 1.0, math.nan),
        ValueRow(b"\0\0\0", b"\0\0\0", INSTALL, 0, 1.0),
        ValueRow(b"\xff\xff\xff\xff", b"\0\0\0\0", INSTALL, 0, 1.0),
        ValueRow(install(RICH)[0], install(RICH)[1][:4], INSTALL, 0, 1.0),
        ValueRow(install(RICH)[0], np.full(2, np.nan, "<f4").tobytes(), INSTALL, 0, 1.0),
    ],
)
def test_what_cannot_be_used_is_counted_and_changes_nothing(bad: ValueRow) -> None:
    model, clean = learned(100), learned(100)
    assert math.isnan(model.learn_one(bad._replace(platform="ios")))
    assert model.counts.skipped == 1
    model.counts.skipped = 0
    assert dump_value_model(model) == dump_value_model(clean)
    if abs(bad.amount) < 9:
        assert model.scorer.score_packed(bad.slots, bad.values, INSTALL, bad.spent) is None
        assert model.scorer.counts.unusable == 1


def test_a_refunded_amount_is_no_revenue() -> None:
    model = ValueModel(SMALL)
    model.learn([ValueRow(*install(RICH), INSTALL, 0, -5.0)])
    assert (model.counts.rows, model.counts.with_revenue) == (1, 0)


@pytest.mark.parametrize(
    ("landmark", "bucket"), [(DAY_7, 1), (0, len(VALUE_BUCKETS)), (99, 0), (-1, 0)]
)
def test_a_bucket_that_is_over_at_the_landmark_is_a_bug(landmark: int, bucket: int) -> None:
    with pytest.raises(ValueError, match=str(landmark)):
        ValueModel(SMALL).learn([ValueRow(*install(RICH), landmark, bucket, 1.0)])


def test_rows_are_due_where_their_bucket_ends() -> None:
    assert [rows_of(step) for step in range(len(VALUE_STEPS))] == [
        (0, 1, 2), (0, 1, 2, 3, 4), (), (0, 1, 2, 3, 4, 5), (), (), (0, 1, 2, 3, 4, 5)
    ]  # fmt: skip


_WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from online_models.hazard.kernel import fastest
from online_models.value.persistence import dump_value_model
from tests.online_models.value.value_world import learned
assert fastest().name == "numpy"
sys.stdout.buffer.write(dump_value_model(learned(150)))
"""


def test_without_numba_the_numbers_are_the_same_bit_for_bit() -> None:
    pytest.importorskip("numba")
    run = subprocess.run([sys.executable, "-c", _WITHOUT_NUMBA], capture_output=True, check=True)
    assert run.stdout == dump_value_model(learned(150))
