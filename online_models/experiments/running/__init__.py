"""A running experiment: its units, what they say today, and what the rules decide from it."""

from online_models.experiments.running.guardrail_check import GuardrailCheck, check_guardrail
from online_models.experiments.running.rule_decision import RuleDecision, decision_of
from online_models.experiments.running.running_report import (
    RunningReport,
    VariantCount,
    question_of,
    report_sums,
    report_units,
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

__all__ = [
    "COVARIATES",
    "LESS_IS_BETTER",
    "METRIC_COLUMNS",
    "UNIT_COLUMNS",
    "GuardrailCheck",
    "RuleDecision",
    "RunningReport",
    "Strata",
    "UnitSums",
    "UnitTable",
    "VariantCount",
    "check_guardrail",
    "decision_of",
    "question_of",
    "report_sums",
    "report_units",
    "strata_of",
    "sums_of_units",
]
