"""What a new version must show, one limit at a time."""

from __future__ import annotations

import math

from online_models.gates import (
    Evidence,
    GateRules,
    Rejected,
    Trial,
    deserves_suspension,
    evidence_of,
    gate,
    shift_p99,
)
from online_models.payer import Scorer

RULES = GateRules()
GOOD = Evidence(
    rows=1000,
    positives=50,
    log_loss=0.18,
    base_log_loss=0.2,
    normalised_entropy=0.9,
    calibration=1.0,
    champion_entropy=0.9,
    own_entropy_beside_champion=0.9,
)
OLD = Scorer("payer_d7-30000-00000000", 30_000, -3.0, {"a": 0.5})
NEW = Scorer("payer_d7-32000-11111111", 32_000, -3.0, {"a": 0.6})
GOLDEN = [{"a": 1.0}] * 100


def _evidence(**changed: float) -> Evidence:
    fields = {name: getattr(GOOD, name) for name in GOOD.__struct_fields__}
    return Evidence(**{**fields, **changed})


def _reason(rejected: Rejected | None) -> str:
    return "" if rejected is None else rejected.reason


def test_a_good_version_passes_with_and_without_a_live_one() -> None:
    assert gate(NEW, None, _evidence(champion_entropy=math.nan), [], RULES) is None
    assert gate(NEW, OLD, GOOD, GOLDEN, RULES) is None


def test_weights_must_be_finite() -> None:
    broken = Scorer("v", 1, -3.0, {"a": math.nan})

    assert _reason(gate(broken, None, GOOD, [], RULES)) == "weights are not finite"


def test_entropy_over_that_of_a_rate_is_rejected() -> None:
    assert gate(NEW, None, _evidence(normalised_entropy=1.02), [], RULES) is None
    assert "1.0201" in _reason(gate(NEW, None, _evidence(normalised_entropy=1.0201), [], RULES))


def test_no_evidence_is_not_good_evidence() -> None:
    assert gate(NEW, None, evidence_of([]), [], RULES) is not None


def test_being_worse_than_the_live_version_by_more_than_a_percent_is_rejected() -> None:
    within = _evidence(own_entropy_beside_champion=0.908)
    beyond = _evidence(own_entropy_beside_champion=0.910)

    assert gate(NEW, OLD, within, GOLDEN, RULES) is None
    assert "live version" in _reason(gate(NEW, OLD, beyond, GOLDEN, RULES))


def test_a_leap_on_known_rows_is_rejected_unless_the_version_before_is_young() -> None:
    leap = Scorer("v", 32_000, -3.0, {"a": 2.5})
    young = Scorer("payer_d7-500-00000000", 500, -3.0, {"a": 0.5})

    assert "moved by 2.00" in _reason(gate(leap, OLD, GOOD, GOLDEN, RULES))
    assert gate(leap, young, GOOD, GOLDEN, RULES) is None


def test_one_odd_row_in_a_hundred_does_not_stop_a_version() -> None:
    golden = [*GOLDEN, {"b": 1.0}]

    assert shift_p99(Scorer("v", 1, -3.0, {"a": 0.5, "b": 9.0}), OLD, golden) == 0.0


def test_evidence_compares_learner_and_live_version_on_the_same_rows() -> None:
    trials = [Trial(True, 0.1, 0.5, math.nan), Trial(False, 0.1, 0.5, 0.2)]

    evidence = evidence_of(trials)

    assert (evidence.rows, evidence.positives) == (2, 1)
    assert evidence.calibration == 0.2
    assert evidence.own_entropy_beside_champion == math.log(0.9) / math.log(0.5)
    assert evidence.champion_entropy == math.log(0.8) / math.log(0.5)


def test_only_a_live_version_clearly_worse_than_a_rate_is_suspended() -> None:
    assert deserves_suspension(_evidence(champion_entropy=1.11), RULES)
    assert not deserves_suspension(_evidence(champion_entropy=1.05), RULES)
    assert not deserves_suspension(_evidence(champion_entropy=math.nan), RULES)
