"""What a running experiment says today: every metric, guardrail and the split, of one table of
units.

Metrics are judged on mature units alone: a unit counts once its whole window has passed. The split
is judged on all exposed units, since losing units in one variant shows there first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.analysis import (
    ExperimentQuestion,
    TreatmentComparison,
    UnitColumn,
    concluded,
    differs,
    unjudged,
    with_intervals,
)
from online_models.experiments.arm_moments import ArmMoments
from online_models.experiments.burn_in import is_past_burn_in
from online_models.experiments.confidence_sequence import DEFAULT_ALPHA, TUNED_FOR
from online_models.experiments.design.definition import ExperimentDefinition, Guardrail, Metric
from online_models.experiments.design.plan import plan_of
from online_models.experiments.running.guardrail_check import (
    GuardrailCheck,
    check_guardrail,
    early_guardrail,
)
from online_models.experiments.running.strata import Strata, strata_of
from online_models.experiments.running.unit_table import (
    COVARIATES,
    LESS_IS_BETTER,
    METRIC_COLUMNS,
    UNIT_COLUMNS,
    UnitSums,
    UnitTable,
    sums_of_units,
)
from online_models.experiments.sample_ratio import sample_ratio_bayes_factor


class VariantCount(NamedTuple):
    """Exposed units of a variant, those that are mature, and its plain means by metric (NaN: no
    unit)."""

    name: str
    units: int
    mature_units: int
    means: dict[str, float]


class RunningReport(NamedTuple):
    """`harm`: whether the primary metric itself is shown to suffer, by treatment. `planned_units`:
    mature units of all variants at which the experiment ends; None: it does not say. `strata`:
    phases that were compared within themselves."""

    variants: tuple[VariantCount, ...]
    comparisons: tuple[TreatmentComparison, ...]
    guardrails: tuple[GuardrailCheck, ...]
    harm: tuple[GuardrailCheck, ...]
    sample_ratio_bayes_factor: float
    unbalanced: tuple[str, ...]
    strata: int
    planned_units: int | None

    def mature_units(self) -> int:
        """Units of all variants that metrics are made of."""
        return sum(variant.mature_units for variant in self.variants)


def report_units(table: UnitTable, definition: ExperimentDefinition) -> RunningReport:
    """The report of a table of units."""
    return report_sums(sums_of_units(table, len(definition.variants)), definition)


def report_sums(found: UnitSums, definition: ExperimentDefinition) -> RunningReport:
    """The report of the units exposed so far, of none, too."""
    names = tuple(variant.name for variant in definition.variants)
    strata = strata_of(found, UNIT_COLUMNS.index("pays"))
    active = list(found.active.sum(axis=1))
    question = question_of(definition)
    unbalanced = tuple(
        column.name for column in COVARIATES if differs(strata.pooled, column, question)
    )
    used = tuple(column.value for column in COVARIATES if column.name not in unbalanced)
    judge = _Judge(names, strata, active, used, question)
    factor = float(sample_ratio_bayes_factor(found.exposed, question.weights))
    compared = [
        with_intervals(judge.compared(code, metric), question, len(names) - 1)
        for metric in question.metrics
        for code in range(1, len(names))
    ]
    plan = plan_of(definition)
    return RunningReport(
        variants=_variants(names, found.exposed, strata.pooled, question),
        comparisons=tuple(concluded(compared, question, factor)),
        guardrails=judge.guardrails(definition.guardrails),
        harm=judge.guardrails((Guardrail(metric=definition.primary, margin=0.0),)),
        sample_ratio_bayes_factor=factor,
        unbalanced=unbalanced,
        strata=len(strata.parts),
        planned_units=plan.units if plan else None,
    )


def question_of(definition: ExperimentDefinition) -> ExperimentQuestion:
    """The primary metric, then secondary ones and those of guardrails. Sequences are tuned for the
    planned end, which the definition fixes before anybody looks."""
    names: dict[Metric, None] = dict.fromkeys((definition.primary, *definition.secondary))
    names |= dict.fromkeys(guardrail.metric for guardrail in definition.guardrails)
    plan = plan_of(definition)
    return ExperimentQuestion(
        metrics=tuple(METRIC_COLUMNS[name] for name in names),
        covariates=COVARIATES,
        weights=tuple(variant.share for variant in definition.variants),
        tuned_for=plan.tuned_for if plan else TUNED_FOR,
    )


class _Judge(NamedTuple):
    names: tuple[str, ...]
    strata: Strata
    active: list[NDArray[np.float64]]
    covariates: tuple[int, ...]
    question: ExperimentQuestion

    def is_enough(self, code: int, metric: UnitColumn) -> bool:
        """Whether the control and a treatment are past the burn-in."""
        return all(
            bool(
                is_past_burn_in(
                    self.strata.pooled[arm].units,
                    self.active[arm][metric.value],
                    metric.is_binary,
                )
            )
            for arm in (0, code)
        )

    def compared(self, code: int, metric: UnitColumn) -> TreatmentComparison:
        effect = self.strata.effect(code, metric, self.covariates)
        return unjudged(self.names[code], metric.name, effect, self.is_enough(code, metric))

    def guardrails(self, declared: tuple[Guardrail, ...]) -> tuple[GuardrailCheck, ...]:
        """All guardrails and treatments together stop one sound experiment in 20 at most."""
        checks = []
        level = DEFAULT_ALPHA / max(len(declared) * (len(self.names) - 1), 1)
        for guardrail in declared:
            metric = METRIC_COLUMNS[guardrail.metric]
            for code in range(1, len(self.names)):
                named = (metric.name, self.names[code])
                if not self.is_enough(code, metric):
                    checks.append(early_guardrail(*named, guardrail.margin))
                    continue
                checks.append(
                    check_guardrail(
                        named,
                        self.strata.effect(code, metric, self.covariates),
                        guardrail.margin,
                        guardrail.metric in LESS_IS_BETTER,
                        level,
                        self.question.tuned_for,
                    )
                )
        return tuple(checks)


def _variants(
    names: tuple[str, ...],
    exposed: NDArray[np.float64],
    arms: tuple[ArmMoments, ...],
    question: ExperimentQuestion,
) -> tuple[VariantCount, ...]:
    found = []
    for name, units, arm in zip(names, exposed, arms, strict=True):
        means = {}
        for metric in question.metrics:
            below = 1.0 if metric.denominator is None else float(arm.mean[metric.denominator])
            is_defined = arm.units > 0 and below > 0.0
            means[metric.name] = float(arm.mean[metric.value]) / below if is_defined else np.nan
        found.append(VariantCount(name, int(units), int(arm.units), means))
    return tuple(found)
