"""What an experiment says: as JSON, as a table, and in sentences that need no statistics."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from online_models.experiments import (
    ExperimentAnswer,
    ExperimentQuestion,
    MetricLooks,
    TreatmentComparison,
)
from online_models.experiments.burn_in import PAYERS_JUDGED_FROM, UNITS_JUDGED_FROM
from online_models.experiments.sample_ratio import BLOCKED_FROM, WARNED_FROM
from streams.operations.experiments.units_of_file import FileUnits

_CONCLUSIONS = {
    "higher": "higher",
    "lower": "lower",
    "open": "not shown",
    "early": "too early",
    "blocked": "blocked by the split",
}


class ReportedLooks(NamedTuple):
    """The periods of the file, and each metric and treatment at their ends."""

    periods: tuple[str, ...]
    looks: tuple[MetricLooks, ...]

    def sentences(self) -> list[str]:
        """When each difference was first shown to somebody who looked at the end of every
        period."""
        lines = []
        for looks in self.looks:
            first, count = looks.first_shown(), len(self.periods)
            naive = np.flatnonzero((looks.fixed_low > 0.0) | (looks.fixed_high < 0.0))
            if first is None:
                seen = f"none of {count} looks showed a difference"
            else:
                seen = f"of {count} looks, that of {self.periods[first]} first showed a difference"
            ordinary = f"; by ordinary intervals, {len(naive)} looks did" if len(naive) else ""
            lines.append(f"{looks.metric}, {looks.variant}: {seen}{ordinary}.")
        return lines


class ExperimentReport(NamedTuple):
    """The answer for the units of a file. Times are in seconds."""

    file: FileUnits
    question: ExperimentQuestion
    answer: ExperimentAnswer
    read_s: float
    analyzed_s: float
    looks: ReportedLooks | None = None

    def as_json(self) -> dict[str, Any]:
        """With one treatment, a metric has its figures; with several, figures by treatment."""
        names = self.file.units.variants
        expected = self._expected()
        variants = [
            {"name": name, "units": count, "expected_share": share, "is_control": index == 0}
            for index, (name, count, share) in enumerate(
                zip(names, self.answer.units, expected, strict=True)
            )
        ]
        metrics: dict[str, Any] = {}
        for comparison in self.answer.comparisons:
            figures = _figures(comparison)
            if len(names) == 2:
                metrics[comparison.metric] = figures
            else:
                metrics.setdefault(comparison.metric, {})[comparison.variant] = figures
        return {
            "variants": variants,
            "metrics": metrics,
            "sample_ratio_bayes_factor": self.answer.sample_ratio_bayes_factor,
        }

    def table(self) -> tuple[list[str], list[list[Any]]]:
        columns = ["metric", "variant", "control", "treated", "lift", "low", "high", "relative"]
        columns += ["relative low", "relative high", "p at one look", "plan with", "conclusion"]
        rows = []
        for comparison in self.answer.comparisons:
            figures = _figures(comparison)
            effect = comparison.effect
            rows.append(
                [
                    comparison.metric,
                    comparison.variant,
                    _cell(effect.control),
                    _cell(effect.treated),
                    *(_cell(figures[name]) for name in ("lift", "low", "high")),
                    _percent(effect.relative),
                    *(_percent(figures[name]) for name in ("relative_low", "relative_high")),
                    _cell(figures["p_fixed"]),
                    _cell(comparison.shrunk),
                    _CONCLUSIONS[comparison.conclusion],
                ]
            )
        return columns, rows

    def sentences(self) -> list[str]:
        """The split first: where it is broken, nothing after it counts."""
        return [
            self._split(),
            *(self._sentence(comparison) for comparison in self.answer.comparisons),
            *self._covariates(),
            *(self.looks.sentences() if self.looks else []),
        ]

    def _expected(self) -> list[float]:
        weights = self.question.weights or (1.0,) * len(self.answer.units)
        return [weight / sum(weights) for weight in weights]

    def _split(self) -> str:
        names = self.file.units.variants
        counts = [f"{n} {count:,}" for n, count in zip(names, self.answer.units, strict=True)]
        guess = " by its name; --control names another" if self.file.control_is_guess else ""
        text = f"{sum(self.answer.units):,} units: {', '.join(counts)}. Control: {names[0]}{guess}."
        factor = self.answer.sample_ratio_bayes_factor
        shares = " : ".join(f"{100 * share:.3g}" for share in self._expected())
        if factor > BLOCKED_FROM:
            return (
                f"{text} THE SPLIT IS BROKEN: these counts are {_times(factor)} likelier under "
                f"other shares than under {shares}. Believe no figure below: find the units that "
                "are missing, or say --weights if other shares were meant."
            )
        if factor > WARNED_FROM:
            return (
                f"{text} The split is suspicious: {_times(factor)} likelier under other shares "
                f"than under {shares}."
            )
        return f"{text} The split is as expected, {shares} (Bayes factor {factor:.2g})."

    def _sentence(self, comparison: TreatmentComparison) -> str:
        metric, variant = comparison.metric, comparison.variant
        control = self.file.units.variants[0]
        if comparison.conclusion == "early":
            return (
                f"{metric}: too early to say anything of {variant}. Each variant needs "
                f"{UNITS_JUDGED_FROM} units, {PAYERS_JUDGED_FROM} of them "
                "with a value that is not 0."
            )
        span = _span(comparison)
        if comparison.conclusion == "blocked":
            return f"{metric}: no conclusion, because of the split."
        if comparison.conclusion == "open":
            one_look = float(comparison.fixed.p)
            looked = (
                f" One look planned beforehand would have shown it (p = {one_look:.2g}); one of "
                "many looks does not."
                if one_look <= self.question.alpha
                else ""
            )
            return (
                f"{metric}: no difference between {variant} and {control} is shown. It may be "
                f"anything {span}.{looked}"
            )
        return f"{metric}: {comparison.conclusion} with {variant} than with {control}, {span}."

    def _covariates(self) -> list[str]:
        if not self.question.covariates:
            return []
        removed = {
            comparison.metric: float(comparison.effect.variance_removed)
            for comparison in self.answer.comparisons
        }
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in removed.items())
        lines = [f"What was known before took out of the variance: {shares}."]
        if self.answer.unbalanced:
            names = ", ".join(self.answer.unbalanced)
            lines.append(
                f"Not used, since it differs between variants: {names}. Was it measured before "
                "the assignment?"
            )
        return lines


def _figures(comparison: TreatmentComparison) -> dict[str, float | None]:
    return {
        "lift": _finite(comparison.effect.lift),
        "low": _finite(comparison.low),
        "high": _finite(comparison.high),
        "relative_low": _finite(comparison.relative_low),
        "relative_high": _finite(comparison.relative_high),
        "fixed_low": _finite(comparison.fixed.low),
        "fixed_high": _finite(comparison.fixed.high),
        "p_fixed": _finite(comparison.fixed.p),
    }


def _span(comparison: TreatmentComparison) -> str:
    """From where to where the truth may lie: relative, where that means something."""
    if math.isfinite(comparison.relative_low):
        ends = [_percent(end) for end in (comparison.relative_low, comparison.relative_high)]
    else:
        ends = [f"{end:+.4g}" for end in (comparison.low, comparison.high)]
    return f"between {ends[0]} and {ends[1]}"


def _finite(value: float | np.ndarray[Any, Any]) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _cell(value: float | np.ndarray[Any, Any] | None) -> float | str:
    return "-" if value is None or not math.isfinite(value) else float(value)


def _percent(value: float | np.ndarray[Any, Any] | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{100 * float(value):+.2f} %"


def _times(factor: float) -> str:
    return f"{factor:,.0f} times" if factor < 1e6 else "over a million times"
