"""A running experiment: what a table of units says, beside a naive reading of its rows."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from online_models.experiments.design import ExperimentDefinition, plan_of, read_definition
from online_models.experiments.design.definition import Guardrail
from online_models.experiments.running import (
    UNIT_COLUMNS,
    RunningReport,
    UnitTable,
    decision_of,
    report_units,
)
from tests.checkout import ROOT

DEFINITION = read_definition((ROOT / "deploy/experiment.example.toml").read_text())


def table(
    units: int, seed: int = 1, spend: float = 1.0, payers: float = 1.0, stay: float = 1.0
) -> UnitTable:
    """Units of which every tenth pays; factors of the treated."""
    rng = np.random.default_rng(seed)
    codes = np.arange(units) % 2
    chance = rng.beta(1.0, 9.0, units)
    pays = rng.random(units) < chance * np.where(codes, payers, 1.0)
    revenue = np.where(pays, rng.lognormal(1.0, 0.8, units) * np.where(codes, spend, 1.0), 0.0)
    retained = rng.random(units) < 0.4 * np.where(codes, stay, 1.0)
    refunded = pays & (rng.random(units) < 0.05)
    columns = {
        "pays": pays,
        "revenue": revenue,
        "revenue_capped": np.minimum(revenue, 20.0),
        "paid": revenue,
        "paid_capped": np.minimum(revenue, 20.0),
        "net": np.where(refunded, 0.0, revenue),
        "retained": retained,
        "refunded": refunded,
        "chance": chance,
        "amount": 3.0 * chance,
        "paid_before": rng.random(units),
    }
    values = np.column_stack([columns[name] for name in UNIT_COLUMNS]).astype(np.float64)
    return UnitTable(codes, np.zeros(units, np.int64), np.ones(units, np.bool_), values)


def lift_of(report: RunningReport, metric: str) -> float:
    return float(next(c.effect.lift for c in report.comparisons if c.metric == metric))


def test_only_units_whose_window_has_passed_make_a_metric() -> None:
    """The young half pays nothing yet; with it, every mean would be half of what it is."""
    whole = table(4_000)
    young = table(4_000, seed=2)
    young.values[:] = 0.0
    mixed = UnitTable(
        np.concatenate([whole.codes, young.codes]),
        np.concatenate([whole.phases, young.phases]),
        np.repeat([True, False], 4_000),
        np.concatenate([whole.values, young.values]),
    )
    alone, both = report_units(whole, DEFINITION), report_units(mixed, DEFINITION)
    assert [v.units for v in both.variants] == [4_000, 4_000]
    assert [v.mature_units for v in both.variants] == [2_000, 2_000]
    assert [v.means for v in both.variants] == [pytest.approx(v.means) for v in alone.variants]
    assert lift_of(both, "arpu") == pytest.approx(lift_of(alone, "arpu"))


def test_means_and_lifts_are_those_of_a_naive_reading() -> None:
    """Covariates are constant here, so that nothing is adjusted."""
    units = table(3_000, spend=1.3)
    units.values[:, 8:] = 1.0
    definition = replace(DEFINITION, secondary=("payer_rate", "arppu", "net_arpu", "refund_rate"))
    report = report_units(units, definition)
    for code, variant in enumerate(report.variants):
        own = [dict(zip(UNIT_COLUMNS, row, strict=True)) for row in units.values[code::2].tolist()]
        paid = [row["revenue"] for row in own if row["pays"]]
        assert variant.means["arpu"] == pytest.approx(statistics.fmean(r["revenue"] for r in own))
        assert variant.means["payer_rate"] == pytest.approx(len(paid) / len(own))
        assert variant.means["arppu"] == pytest.approx(statistics.fmean(paid))
        assert variant.means["net_arpu"] == pytest.approx(statistics.fmean(r["net"] for r in own))
        assert variant.means["refund_rate"] == pytest.approx(
            sum(r["refunded"] for r in own) / len(own)
        )
    control, treated = report.variants
    for comparison in report.comparisons:
        naive = treated.means[comparison.metric] - control.means[comparison.metric]
        assert comparison.effect.lift == pytest.approx(naive, abs=1e-12)


def test_phases_of_a_ramp_are_compared_within_themselves() -> None:
    """Early users pay nine times as much, and by bad luck of a small phase two in three of them
    are treated. Pooled, the variants' mix of phases looks like a lift."""
    early, late = table(3_000, seed=1), table(9_000, seed=2)
    early = early._replace(codes=(np.arange(3_000) % 3 != 0).astype(np.int64))
    early.values[:, 1:6] *= 9.0
    whole = UnitTable(
        np.concatenate([early.codes, late.codes]),
        np.repeat([0, 1], [3_000, 9_000]),
        np.ones(12_000, np.bool_),
        np.concatenate([early.values, late.values]),
    )
    pooled = report_units(whole._replace(phases=np.zeros(12_000, np.int64)), DEFINITION)
    phased = report_units(whole, DEFINITION)
    assert (pooled.strata, phased.strata) == (1, 2)
    assert lift_of(pooled, "arpu") > 0.2 > 3.0 * abs(lift_of(phased, "arpu"))
    parts = [UnitTable(*(column[whole.phases == phase] for column in whole)) for phase in (0, 1)]
    within = [
        lift_of(report_units(p._replace(phases=0 * p.phases), DEFINITION), "arpu") for p in parts
    ]
    assert lift_of(phased, "arpu") == pytest.approx(0.25 * within[0] + 0.75 * within[1])


def test_a_phase_of_few_units_is_none_of_its_own() -> None:
    units = table(4_000)
    first = units._replace(phases=(np.arange(4_000) >= 60).astype(np.int64))
    last = units._replace(phases=(np.arange(4_000) >= 3_950).astype(np.int64))
    plain = report_units(units, DEFINITION)
    for ramped in (first, last):
        report = report_units(ramped, DEFINITION)
        assert report.strata == 1
        assert report.comparisons[0].effect.lift == pytest.approx(plain.comparisons[0].effect.lift)


def test_a_prediction_that_is_unknown_of_some_explains_nothing_of_them() -> None:
    units = table(6_000)
    full = report_units(units, DEFINITION).comparisons[1]
    assert full.metric == "payer_rate"
    units.values[::3, 8:10] = 0.0
    gaps = report_units(units, DEFINITION).comparisons[1]
    assert 0.0 < gaps.effect.variance_removed < full.effect.variance_removed
    units.values[:, 8:10] = 0.0
    assert np.isfinite(report_units(units, DEFINITION).comparisons[1].high)


def test_a_guardrail_is_harmed_held_or_open() -> None:
    states = {}
    for stay in (0.8, 0.98, 1.0):
        report = report_units(table(40_000, stay=stay), _guarded("retention", 0.05))
        states[stay] = report.guardrails[0].state
    assert states == {0.8: "harmed", 0.98: "open", 1.0: "held"}


def test_of_refunds_a_rise_is_harm() -> None:
    units = table(40_000)
    refunded = units.values[:, 7].copy()
    units.values[(units.codes == 1) & (units.values[:, 0] > 0), 7] = 1.0
    assert report_units(units, _guarded("refund_rate", 0.5)).guardrails[0].state == "harmed"
    units.values[:, 7] = refunded
    units.values[units.codes == 1, 7] *= np.arange(20_000) % 2
    assert report_units(units, _guarded("refund_rate", 0.5)).guardrails[0].state != "harmed"


def test_rules_are_asked_in_the_order_of_what_they_make_worthless() -> None:
    harmful = report_units(table(40_000, stay=0.8), _guarded("retention", 0.05))
    definition = _guarded("retention", 0.05)
    decision = decision_of(harmful, definition)
    assert (decision.action, decision.rule) == ("stop", "guardrail")
    assert decision.reason.startswith("retention suffers with offer by more than 5 %")
    behind = decision_of(harmful, definition, incomplete="journeys 2 is not stored up to noon")
    assert (behind.action, behind.reason) == ("wait", "journeys 2 is not stored up to noon")
    broken = harmful._replace(sample_ratio_bayes_factor=1_001.0)
    assert decision_of(broken, definition).rule == "sample_ratio"
    assert decision_of(broken, replace(definition, stop=("guardrail",))).action == "block"
    tolerant = replace(definition, stop=("harm", "sample_ratio"))
    assert decision_of(harmful, tolerant).action != "stop"
    warned = report_units(table(400), definition)._replace(sample_ratio_bayes_factor=21.0)
    assert decision_of(warned, definition).action == "warn"


def test_harm_to_what_is_to_be_shown_stops_it() -> None:
    report = report_units(table(60_000, spend=0.5), DEFINITION)
    assert decision_of(report, DEFINITION).rule == "harm"
    better = report_units(table(60_000, spend=1.6), DEFINITION)
    assert decision_of(better, DEFINITION).action == "wait"


def test_it_ends_at_the_planned_units_or_day_and_not_before() -> None:
    assert DEFINITION.expected is not None
    soon = replace(DEFINITION, expected=replace(DEFINITION.expected, lift=0.9, deviation=9.0))
    plan = plan_of(soon)
    assert plan is not None
    even = plan.units + plan.units % 2
    before = report_units(table(even - 2), soon)
    assert decision_of(before, soon).action == "wait"
    assert decision_of(before, soon, is_past_end=True).rule == "planned_day"
    assert decision_of(report_units(table(even), soon), soon).rule == "planned_units"


@given(units=st.integers(0, 60), mature=st.floats(0, 1), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_few_units_never_raise_and_never_decide(units: int, mature: float, seed: int) -> None:
    rows = table(units, seed=seed)
    rng = np.random.default_rng(seed)
    part = rows._replace(
        is_mature=rng.random(units) < mature,
        codes=rng.integers(0, 2, units),
        phases=rng.integers(0, 3, units),
    )
    report = report_units(part, DEFINITION)
    assert {c.conclusion for c in report.comparisons} == {"early"}
    assert {g.state for g in report.guardrails} == {"early"}
    assert decision_of(report, DEFINITION).action == "wait"


def _guarded(metric: str, margin: float) -> ExperimentDefinition:
    guardrail = Guardrail(metric=metric, margin=margin)  # type: ignore[arg-type]  # one of them
    return replace(DEFINITION, guardrails=(guardrail,))
