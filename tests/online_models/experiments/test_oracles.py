"""The statistics of experiments equal what others publish, compute, or derive by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from online_models.experiments import (
    ArmMoments,
    MetricColumns,
    always_valid_p,
    benjamini_yekutieli,
    compare,
    half_width,
    holm,
    moments_of_rows,
    moments_of_sums,
    one_sided_width,
    sample_ratio_bayes_factor,
    shrunk_lift,
    stratified,
    welch,
)

GBSTATS = {
    "absolute": (-0.21496094793151566, 0.8149609479315157),
    "relative": (-0.2290625758, 0.7290625758),
}
"""What `SequentialTwoSidedTTest` of gbstats 0.8.0 (MIT) answers for two arms of 20,000 with means
of 1.2 and 1.5 and standard deviations of 15 and 17, tuned for 5,000. It takes sums of squares, so
these deviations divide by n; those of samples are √(20000 / 19999) of them."""


_FIRST = MetricColumns(0)
_FIELDS = ("lift", "variance", "relative", "relative_variance", "degrees")


def _arm(units: int, mean: float, population_sd: float) -> ArmMoments:
    variance = population_sd**2 * units / (units - 1)
    return ArmMoments(np.asarray(float(units)), np.array([mean]), np.array([[variance]]))


def test_a_sequence_equals_that_of_gbstats() -> None:
    effect = compare(_arm(20_000, 1.2, 15), _arm(20_000, 1.5, 17), MetricColumns(0))
    reach = float(half_width(effect.variance, effect.units, 0.05, 5_000))
    assert float(effect.lift) - reach == pytest.approx(GBSTATS["absolute"][0], abs=1e-9)
    assert float(effect.lift) + reach == pytest.approx(GBSTATS["absolute"][1], abs=1e-9)
    reach = float(half_width(effect.relative_variance, effect.units, 0.05, 5_000))
    assert float(effect.relative) - reach == pytest.approx(GBSTATS["relative"][0], abs=1e-9)
    assert float(effect.relative) + reach == pytest.approx(GBSTATS["relative"][1], abs=1e-9)


def test_a_sequence_is_narrowest_where_it_is_tuned_for() -> None:
    """Beside an ordinary interval: the same units, so only the boundary differs."""
    units = np.arange(100, 200_000, 100)
    boundary = half_width(1.0 / units, units, 0.05, 20_000) * np.sqrt(units)
    best = int(units[np.argmin(boundary)])
    assert 18_000 < best < 22_000
    assert float(boundary.min()) / stats.norm.ppf(0.975) == pytest.approx(1.55, abs=0.01)


def test_a_p_value_is_the_level_whose_interval_ends_at_none() -> None:
    variance, units = 0.01, 30_000
    edge = float(half_width(variance, units, 0.05, 5_000))
    assert float(always_valid_p(edge, variance, units)) == pytest.approx(0.05, abs=1e-12)
    assert float(always_valid_p(edge * 1.01, variance, units)) < 0.05
    assert float(always_valid_p(0.0, variance, units)) == 1.0


def test_a_guardrail_is_narrower_than_an_interval_that_watches_both_sides() -> None:
    for units in (200, 5_000, 100_000):
        assert one_sided_width(1.0, units) < half_width(1.0, units)
        assert one_sided_width(1.0, units) > half_width(1.0, units, alpha=0.1) * 0.9


def test_welch_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    left, right = rng.lognormal(0.0, 1.0, 400), rng.lognormal(0.2, 1.5, 90)
    effect = compare(moments_of_rows(left[:, None]), moments_of_rows(right[:, None]), _FIRST)
    found = welch(effect)
    expected = stats.ttest_ind(right, left, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert float(found.p) == pytest.approx(expected.pvalue, rel=1e-9)
    assert float(found.low) == pytest.approx(interval.low, rel=1e-9)
    assert float(found.high) == pytest.approx(interval.high, rel=1e-9)


def test_cuped_removes_exactly_what_the_regression_explains() -> None:
    """On Gaussian units whose variants have equal spread: 1 − R², to 1e-9."""
    rng = np.random.default_rng(5)
    units = 3_000
    prediction, paid = rng.normal(size=(2, units))
    value = 2.0 + 0.5 * prediction - 0.8 * paid + rng.normal(size=units)
    rows = np.stack([value, prediction, paid], axis=1)
    # Twice the same units: the regression within variants is then that of either.
    arm = moments_of_rows(rows)
    adjusted = compare(arm, arm, MetricColumns(0, covariates=(1, 2)))
    centred = rows - rows.mean(axis=0)
    _, residual, _, _ = np.linalg.lstsq(centred[:, 1:], centred[:, 0], rcond=None)
    unexplained = float(residual[0]) / float(centred[:, 0] @ centred[:, 0])
    assert 1.0 - float(adjusted.variance_removed) == pytest.approx(unexplained, abs=1e-9)


def test_cuped_equals_the_regression_on_a_variant_and_centred_covariates() -> None:
    """Of two unlike variants: the lift is close to that of least squares with a dummy, and exactly
    the plain difference minus the covariates' difference times their slopes within variants."""
    rng = np.random.default_rng(6)
    known = rng.gamma(2.0, size=(5_000, 2))
    treated = rng.random(5_000) < 0.4
    value = known @ [1.0, 3.0] + 0.3 * treated + rng.normal(size=5_000)
    rows = np.column_stack([value, known])
    arms = [moments_of_rows(rows[treated == side]) for side in (False, True)]
    effect = compare(arms[0], arms[1], MetricColumns(0, covariates=(1, 2)))
    design = np.column_stack([np.ones(5_000), treated, known])
    fitted, *_ = np.linalg.lstsq(design, value, rcond=None)
    assert float(effect.lift) == pytest.approx(fitted[1], abs=1e-9)
    assert float(effect.variance_removed) > 0.9


def test_a_covariate_that_repeats_another_or_never_varies_changes_nothing() -> None:
    rng = np.random.default_rng(7)
    known = rng.normal(size=2_000)
    rows = np.column_stack([known + rng.normal(size=2_000), known, 7.0 * known, np.ones(2_000)])
    left, right = moments_of_rows(rows[:900]), moments_of_rows(rows[900:])
    single = compare(left, right, MetricColumns(0, covariates=(1,)))
    triple = compare(left, right, MetricColumns(0, covariates=(1, 2, 3)))
    assert float(triple.lift) == pytest.approx(float(single.lift), abs=1e-9)
    assert float(triple.variance) == pytest.approx(float(single.variance), rel=1e-9)


def test_the_variance_of_a_ratio_is_that_of_resampled_units() -> None:
    """Revenue per order by the delta method, beside 2,000 bootstrap samples."""
    rng = np.random.default_rng(8)
    orders = rng.poisson(1.5, 1_000).astype(float)
    revenue = orders * rng.lognormal(1.0, 0.6, 1_000)
    arm = moments_of_rows(np.column_stack([revenue, orders]))
    effect = compare(arm, arm, MetricColumns(0, denominator=1))
    assert float(effect.control) == pytest.approx(revenue.sum() / orders.sum())
    weights = rng.multinomial(1_000, np.full(1_000, 0.001), size=2_000)
    resampled = (weights @ revenue) / (weights @ orders)
    assert float(effect.variance) == pytest.approx(2.0 * resampled.var(), rel=0.1)


def test_moments_by_sums_are_those_of_rows() -> None:
    rows = np.random.default_rng(9).normal(3.0, 2.0, size=(500, 3))
    summed = moments_of_sums(500, rows.sum(axis=0), rows.T @ rows)
    direct = moments_of_rows(rows)
    np.testing.assert_allclose(summed.mean, direct.mean, rtol=1e-12)
    np.testing.assert_allclose(summed.covariance, np.cov(rows.T), rtol=1e-9)
    np.testing.assert_allclose(direct.covariance, np.cov(rows.T), rtol=1e-12)


def test_phases_of_a_ramp_are_compared_within_themselves() -> None:
    """Early users pay more and few of them are treated: pooled, a variant that does nothing would
    seem to cost half of all money."""
    rng = np.random.default_rng(10)
    early = rng.normal(10.0, 1.0, 10_000), rng.normal(10.0, 1.0, 500)
    late = rng.normal(2.0, 1.0, 5_000), rng.normal(2.0, 1.0, 5_000)

    phases = [
        compare(moments_of_rows(control[:, None]), moments_of_rows(treated[:, None]), _FIRST)
        for control, treated in (early, late)
    ]
    both = stratified(phases)
    assert abs(float(both.lift)) < float(half_width(both.variance, both.units))
    mixed = [np.concatenate(parts)[:, None] for parts in zip(early, late, strict=True)]
    pooled = compare(moments_of_rows(mixed[0]), moments_of_rows(mixed[1]), _FIRST)
    assert float(pooled.lift) < -3.0
    single = stratified([phases[0]])
    for name in _FIELDS:
        assert float(getattr(single, name)) == pytest.approx(float(getattr(phases[0], name)))


def test_the_sample_ratio_factor_is_a_ratio_of_likelihoods() -> None:
    """Of 3 and 5 units: by the integral over the share, in steps."""
    share = (np.arange(200_000) + 0.5) / 200_000
    prior = stats.beta(500.0, 500.0).pdf(share)
    evidence = float(np.mean(prior * share**3 * (1 - share) ** 5))
    found = float(sample_ratio_bayes_factor([3, 5], [1, 1]))
    assert found == pytest.approx(evidence / 0.5**8, rel=1e-6)


def test_a_broken_split_is_found_and_a_declared_uneven_one_is_not() -> None:
    assert float(sample_ratio_bayes_factor([50_300, 49_700], [1, 1])) < 1.0
    assert float(sample_ratio_bayes_factor([51_500, 48_500], [1, 1])) > 1_000.0
    assert float(sample_ratio_bayes_factor([85_000, 15_000], [85, 15])) < 1.0
    assert float(sample_ratio_bayes_factor([85_000, 15_000], [1, 1])) > 1_000.0
    assert math.isfinite(float(sample_ratio_bayes_factor([10**9, 1], [1, 1])))


def test_adjusted_p_values_are_those_of_scipy_and_of_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.9]
    np.testing.assert_allclose(
        benjamini_yekutieli(p), stats.false_discovery_control(p, method="by"), rtol=1e-12
    )
    np.testing.assert_allclose(holm(p), [0.04, 0.09, 0.09, 0.025, 0.9], rtol=1e-12)
    assert holm([]) == []


def test_a_noisy_lift_shrinks_and_a_sure_one_stays() -> None:
    kept = [float(shrunk_lift(0.4, noise, 0.05)) for noise in (0.0, 0.0025, 1.0)]
    assert kept[0] == 0.4
    assert kept[1] == pytest.approx(0.2)
    assert all(left > right for left, right in pairwise(kept))
