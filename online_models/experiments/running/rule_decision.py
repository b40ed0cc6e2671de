"""What the rules of an experiment decide, given its report: nothing, a stop, or its end.

Pure, so that a decision can be repeated from its evidence. The order of the rules: incomplete data
decides nothing; a broken split makes every figure worthless; then harm; then the planned end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from online_models.experiments.design.definition import ExperimentDefinition
from online_models.experiments.running.guardrail_check import GuardrailCheck
from online_models.experiments.running.running_report import RunningReport
from online_models.experiments.sample_ratio import BLOCKED_FROM, WARNED_FROM

RuleAction = Literal["wait", "warn", "block", "stop", "end"]
"""`wait`: go on. `warn`: go on, and look at the split. `block`: go on, and conclude nothing.
`stop`: harm, or a split that the definition does not tolerate. `end`: the planned end."""


class RuleDecision(NamedTuple):
    """An action, the rule that led to it, and why in one sentence."""

    action: RuleAction
    rule: str
    reason: str


def decision_of(
    report: RunningReport,
    definition: ExperimentDefinition,
    incomplete: str = "",
    is_past_end: bool = False,
) -> RuleDecision:
    """The first rule that applies. `incomplete`: why the units may not be all, if so;
    `is_past_end`: the declared day has passed."""
    if incomplete:
        return RuleDecision("wait", "incomplete", incomplete)
    factor = report.sample_ratio_bayes_factor
    if factor > BLOCKED_FROM:
        action: RuleAction = "stop" if "sample_ratio" in definition.stop else "block"
        counts = ", ".join(f"{variant.name} {variant.units:,}" for variant in report.variants)
        reason = f"the split is broken (Bayes factor {factor:.4g}): {counts}"
        return RuleDecision(action, "sample_ratio", reason)
    for rule, check in _harms(report, definition):
        return RuleDecision("stop", rule, _harm_text(check))
    planned, mature = report.planned_units, report.mature_units()
    if planned is not None and mature >= planned:
        return RuleDecision("end", "planned_units", f"{mature:,} of {planned:,} units are mature")
    if is_past_end:
        return RuleDecision("end", "planned_day", f"its last day, {definition.ends}, has passed")
    if factor > WARNED_FROM:
        return RuleDecision(
            "warn", "sample_ratio", f"the split is suspicious: Bayes factor {factor:.4g}"
        )
    of_planned = f" of {planned:,}" if planned is not None else ""
    return RuleDecision("wait", "running", f"{mature:,}{of_planned} units are mature")


def _harms(
    report: RunningReport, definition: ExperimentDefinition
) -> Iterator[tuple[str, GuardrailCheck]]:
    for rule, checks in (("guardrail", report.guardrails), ("harm", report.harm)):
        if rule in definition.stop:
            yield from ((rule, check) for check in checks if check.state == "harmed")


def _harm_text(check: GuardrailCheck) -> str:
    margin = f" by more than {100 * check.margin:g} %" if check.margin else ""
    return (
        f"{check.metric} suffers with {check.variant}{margin}: "
        f"at least {-check.high:.4g} beyond what is allowed"
    )
