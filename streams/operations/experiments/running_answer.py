"""What a running experiment says, as the JSON that others rely on, as a table, and in sentences."""

from __future__ import annotations

import datetime
import math
from typing import Any, NamedTuple

import numpy as np

from online_models.experiments import TreatmentComparison
from online_models.experiments.burn_in import PAYERS_JUDGED_FROM, UNITS_JUDGED_FROM
from online_models.experiments.running import GuardrailCheck
from online_models.experiments.sample_ratio import BLOCKED_FROM, WARNED_FROM
from schemas.time import format_duration
from streams.store.base import SqlValue, Store
from streams.store.experiments import ExperimentLook, look_at, stored_experiment

_ORDERED = """
SELECT kind, verdict, refusal, ordered_by, reason, evidence, toString(ordered_at), ramp_share,
    variant
FROM experiment_orders
WHERE app_id = {app} AND experiment_id = {experiment}
    AND experiment_version IN (0, {experiment_version})
ORDER BY ordered_at, order_id
LIMIT 1 BY order_id
"""
_ORDER_FIELDS = (
    "kind", "verdict", "refusal", "ordered_by", "reason", "evidence", "ordered_at", "ramp_share",
    "variant",
)  # fmt: skip


class RunningAnswer(NamedTuple):
    """A look at an experiment. `orders`: what was ordered, refused or not, in the order of the
    log."""

    look: ExperimentLook
    orders: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Figures that do not exist (yet) are null; lifts are those beside the control, which has
        none."""
        definition = self.look.experiment.definition
        by_pair = {(c.variant, c.metric): c for c in self.look.report.comparisons}
        variants = []
        for count in self.look.report.variants:
            metrics = {
                metric: _figures(mean, by_pair.get((count.name, metric)))
                for metric, mean in count.means.items()
            }
            variants.append(
                {
                    "name": count.name,
                    "units": count.units,
                    "mature_units": count.mature_units,
                    "metrics": metrics,
                }
            )
        return {
            "experiment": definition.id,
            "version": definition.version,
            "fingerprint": self.look.experiment.fingerprint,
            "state": self.look.experiment.state,
            "as_of": _iso(self.look.reached.log_time_ms),
            "incomplete": self.look.reached.incomplete,
            "primary": definition.primary,
            "currency": "USD",
            "variants": variants,
            "planned_units": self.look.report.planned_units,
            "phases": self.look.report.strata,
            "covariates_not_used": list(self.look.report.unbalanced),
            "bookings_without_rate": self.look.without_rate,
            "sample_ratio_bayes_factor": self.look.report.sample_ratio_bayes_factor,
            "guardrails": [_guardrail(check) for check in self.look.report.guardrails],
            "advice": self.look.advice._asdict(),
            "decisions": self.orders,
        }

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """A row for each metric and treatment."""
        columns = ["metric", "variant", "control", "treated", "lift", "low", "high"]
        columns += ["relative low", "relative high", "plan with", "conclusion"]
        means = {count.name: count.means for count in self.look.report.variants}
        control = self.look.report.variants[0].name
        rows = []
        for c in self.look.report.comparisons:
            figures = _figures(means[c.variant][c.metric], c)
            named = ("lift", "low", "high", "relative_low", "relative_high", "shrunk")
            rows.append(
                [
                    c.metric,
                    c.variant,
                    _cell(_finite(means[control][c.metric])),
                    *(_cell(figures[name]) for name in ("mean", *named)),
                    c.conclusion,
                ]
            )
        return columns, rows

    def sentences(self) -> list[str]:
        """The split first: where it is broken, nothing after it counts."""
        look, definition = self.look, self.look.experiment.definition
        counts = ", ".join(
            f"{count.name} {count.units:,} ({count.mature_units:,} mature)"
            for count in self.look.report.variants
        )
        lines = [
            f"{definition.id}, version {definition.version}, {look.experiment.state}: {counts}, "
            f"as of {_iso(self.look.reached.log_time_ms)}.",
            self._split(),
        ]
        if self.look.reached.incomplete:
            lines.append(f"NOT COMPLETE: {self.look.reached.incomplete}. Nothing is decided.")
        if self.look.without_rate:
            lines.append(
                f"{look.without_rate:,} bookings have no exchange rate and are missing in amounts."
            )
        window = format_duration(definition.window_ms)
        lines += [
            f"{c.metric}: too early to say anything of {c.variant}. Each variant needs "
            f"{UNITS_JUDGED_FROM} units that are followed for {window}, {PAYERS_JUDGED_FROM} of "
            "them with a value that is not 0."
            for c in self.look.report.comparisons
            if c.conclusion == "early"
        ]
        lines += [
            f"Guardrail {check.metric}, {check.variant}: {check.state}."
            for check in self.look.report.guardrails
        ]
        return [*lines, f"{self.look.advice.action.capitalize()}: {self.look.advice.reason}."]

    def _split(self) -> str:
        factor = self.look.report.sample_ratio_bayes_factor
        if factor > BLOCKED_FROM:
            return (
                f"THE SPLIT IS BROKEN (Bayes factor {factor:.4g}): believe no figure below, and "
                "find the exposures that are missing."
            )
        if factor > WARNED_FROM:
            return f"The split is suspicious (Bayes factor {factor:.4g})."
        return f"The split is as declared (Bayes factor {factor:.2g})."


def answer_of_store(store: Store, id_: str, version: int | None = None) -> RunningAnswer:
    """The answer as of the log time that is stored. Stop: there is no such experiment."""
    experiment = stored_experiment(store, id_, version)
    definition = experiment.definition
    named: dict[str, SqlValue] = {
        "app": definition.app_id,
        "experiment": definition.id,
        "experiment_version": definition.version,
    }
    orders = [
        dict(zip(_ORDER_FIELDS, row, strict=True)) for row in store.query(_ORDERED, named).rows
    ]
    return RunningAnswer(look_at(store, experiment), orders)


def _figures(mean: float, comparison: TreatmentComparison | None) -> dict[str, Any]:
    """Of a metric and variant; `decision` is the conclusion about it, none of the control."""
    figures: dict[str, Any] = {"mean": _finite(mean)}
    if comparison is None:
        names = ("lift", "low", "high", "relative_low", "relative_high", "shrunk")
        return {**figures, **dict.fromkeys(names), "decision": None}
    return {
        **figures,
        "lift": _finite(comparison.effect.lift),
        "low": _finite(comparison.low),
        "high": _finite(comparison.high),
        "relative_low": _finite(comparison.relative_low),
        "relative_high": _finite(comparison.relative_high),
        "shrunk": _finite(comparison.shrunk),
        "decision": comparison.conclusion,
    }


def _guardrail(check: GuardrailCheck) -> dict[str, Any]:
    return {
        name: _finite(value) if isinstance(value, float) else value
        for name, value in check._asdict().items()
    }


def _finite(value: float | np.ndarray[Any, Any]) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _cell(value: float | None) -> float | str:
    return "-" if value is None else value


def _iso(moment_ms: int) -> str:
    """A log time as text, in UTC; empty: none yet."""
    if not moment_ms:
        return ""
    moment = datetime.datetime.fromtimestamp(moment_ms / 1_000, datetime.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
