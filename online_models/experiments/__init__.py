"""Experiments: what a variant does to a metric, in figures that may be read at any time.

Pure functions of counts, means and covariances. Start at `effect` (the estimate), then
`confidence_sequence` (how sure it is) and `sample_ratio` (whether it may be believed at all).
"""

from online_models.experiments.analysis import (
    Conclusion,
    ExperimentAnswer,
    ExperimentQuestion,
    ExperimentUnits,
    TreatmentComparison,
    UnitColumn,
    analyze_units,
)
from online_models.experiments.arm_moments import ArmMoments, moments_of_rows, moments_of_sums
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.confidence_sequence import (
    always_valid_p,
    half_width,
    one_sided_width,
)
from online_models.experiments.effect import Effect, MetricColumns, compare, stratified
from online_models.experiments.fixed_horizon import FixedHorizon, welch
from online_models.experiments.looks import MetricLooks, looks_of_units
from online_models.experiments.multiple_tests import benjamini_yekutieli, holm
from online_models.experiments.relative_interval import relative_half_width
from online_models.experiments.sample_ratio import sample_ratio_bayes_factor
from online_models.experiments.sample_size import Baseline, SampleSize, rate_baseline, sample_size
from online_models.experiments.shrunk_lift import shrunk_lift

__all__ = [
    "ArmMoments",
    "Baseline",
    "Conclusion",
    "Effect",
    "ExperimentAnswer",
    "ExperimentQuestion",
    "ExperimentUnits",
    "FixedHorizon",
    "MetricColumns",
    "MetricLooks",
    "SampleSize",
    "TreatmentComparison",
    "UnitColumn",
    "always_valid_p",
    "analyze_units",
    "benjamini_yekutieli",
    "compare",
    "half_width",
    "holm",
    "is_past_burn_in",
    "looks_of_units",
    "moments_of_rows",
    "moments_of_sums",
    "one_sided_width",
    "rate_baseline",
    "relative_half_width",
    "sample_ratio_bayes_factor",
    "sample_size",
    "shrunk_lift",
    "stratified",
    "welch",
]
