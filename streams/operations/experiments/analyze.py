"""Analyzes the experiment in a file: reads its units, and asks what they say."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from online_models.experiments import ExperimentQuestion, analyze_units, looks_of_units
from streams.errors import Stop
from streams.operations.experiments.experiment_report import ExperimentReport, ReportedLooks
from streams.operations.experiments.unit_periods import read_periods
from streams.operations.experiments.units_of_file import FilePlan, read_units
from streams.progress import Progress


def analyze_file(
    path: Path,
    plan: FilePlan,
    weights: Mapping[str, float],
    tuned_for: float,
    advance: Progress,
) -> ExperimentReport:
    """`weights` by variant, in any unit; empty: all alike. Stop: the file or a weight is wrong."""
    begun = time.perf_counter()
    file = read_units(path, plan, advance)
    names = file.units.variants
    if weights and set(weights) != set(names):
        odd = ", ".join(sorted(set(weights) ^ set(names)))
        raise Stop(f"--weights has to name every variant of {path.name}, once: look at {odd}")
    read = time.perf_counter()
    question = ExperimentQuestion(
        metrics=file.metrics,
        covariates=file.covariates,
        weights=tuple(weights[name] for name in names) if weights else (),
        tuned_for=tuned_for,
    )
    answer = analyze_units(file.units, question)
    analyzed = time.perf_counter()
    report = ExperimentReport(file, question, answer, read - begun, analyzed - read)
    return report._replace(looks=_looks(path, plan, report)) if plan.time else report


def _looks(path: Path, plan: FilePlan, report: ExperimentReport) -> ReportedLooks:
    """Without the covariates that the answer left out."""
    periods = read_periods(path, plan.time or "")
    used = tuple(c for c in report.question.covariates if c.name not in report.answer.unbalanced)
    question = report.question._replace(covariates=used)
    return ReportedLooks(
        tuple(periods.names), tuple(looks_of_units(report.file.units, question, periods.numbers))
    )
