"""Definitions that contradict themselves are refused; assignment holds its laws."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.experiments import Baseline, rate_baseline, sample_size
from online_models.experiments.design import (
    ExperimentDefinition,
    LayerFullError,
    Placement,
    RunningExperiment,
    UnitFacts,
    frozen_changes,
    ineligibility,
    is_held_out,
    place_in_layer,
    plan_of,
    read_definition,
)
from schemas.buckets import BUCKETS
from schemas.file_error import FileError
from tests.checkout import ROOT

EXAMPLE = (ROOT / "deploy/experiment.example.toml").read_text()
ASSIGNED = [1, 1, 0, 1, "holdout", 1, 1, 0]
"""Of `install-0` to `install-7`. They hold for ever: backends that assign by themselves have to
agree."""
UNITS = [f"unit-{number}" for number in range(4_000)]
EVERYWHERE = Placement(0, BUCKETS)


def definition(**changed: object) -> ExperimentDefinition:
    return msgspec.structs.replace(read_definition(EXAMPLE), **changed)


def variants(units: list[str], running: RunningExperiment) -> dict[str, int]:
    found = {unit: running.variant_of(unit) for unit in units}
    return {unit: variant for unit, variant in found.items() if isinstance(variant, int)}


def test_the_example_is_read_whole_and_its_fingerprint_follows_its_content() -> None:
    read = read_definition(EXAMPLE)
    assert [variant.name for variant in read.variants] == ["control", "offer"]
    assert read.variants[1].payload == '{"days":3,"discount":20}'
    assert read.eligibility.landmark == 3
    assert read.fingerprint() == read_definition(EXAMPLE + "\n# a comment\n").fingerprint()
    assert read.fingerprint() != definition(version=2).fingerprint()


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('id = "spend-offer"', 'id = "Spend Offer"', "id: 'Spend Offer' is not a name; allowed:"),
        ("traffic = 0.5", "traffic = 0.0", "traffic: 0 is not a share; allowed: above 0, up to 1"),
        ("traffic = 0.5", "trafic = 0.5", "unknown key 'trafic', did you mean traffic?"),
        ('"offer"\nshare = 0.5', '"offer"\nshare = 0.4', "variant: the shares add up to 0.9"),
        ('"offer"\nshare', '"control"\nshare', "variant[1].name: 'control' is declared twice"),
        ('unit = "install"', 'unit = "session"', "unit: 'session' is not a choice; allowed:"),
        ('primary = "arpu"', 'primary = "ltv"', "primary: 'ltv' is not a choice"),
        ('["payer_rate", "arpu', '["arpu", "arpu', "secondary[0]: 'arpu' is asked for twice"),
        ('metric = "retention"', 'metric = "arpu"', "guardrail[0].metric: 'arpu' is the primary"),
        ("margin = 0.02", "margin = 2.0", "guardrail[0].margin: 2 is none; allowed: above 0"),
        ('window = "30d"', 'window = "200d"', "window: 200d is not a window; allowed: whole hours"),
        ('window = "30d"', "window = 30", "window:"),
        ("[0.05, 0.25, 1.0]", "[0.05, 0.25]", "ramp: it ends at 0.25; allowed: 1 as the last step"),
        ("[0.05, 0.25, 1.0]", "[0.25, 0.05, 1.0]", "ramp: [0.25, 0.05, 1.0] does not rise"),
        ("ends = 2027-04-30", "ends = 2027-01-30", "ends: 2027-01-30 is 19d after the start, and"),
        ('landmark = "1d"', 'landmark = "2d"', "eligibility.landmark: '2d' is no age"),
        ('"DE"', '"Germany"', "eligibility.countries[0]: 'Germany' is not a country"),
        ('"ios"', '"web"', "eligibility.platforms[1]: 'web' is unknown; allowed: android, ios"),
        ("[0.08, 1.0]", "[0.5, 0.08]", "eligibility.chance: [0.5, 0.08] is not a range"),
        ("cap = 200.0", "", "cap: it is missing: arpu_capped counts a unit up to it"),
        (', "arpu_capped"]', "]", "cap: no metric is capped; allowed: leave it out"),
        ("deviation = 24.0", "", "expected.deviation: it is missing: arpu is an amount"),
        ("lift = 0.1", "lift = 0.0", "expected.lift: 0 is not a lift to show"),
        ("baseline = 3.1", "baseline = -1.0", "expected.baseline: -1 is none"),
        ("baseline = 3.1", "baseline = 3.1\npayers = 0.1", "expected.payers: arpu is not made of"),
    ],
)  # fmt: skip
def test_a_definition_that_contradicts_itself_is_refused_in_one_line(
    old: str, new: str, where: str
) -> None:
    assert old in EXAMPLE
    with pytest.raises(FileError) as refused:
        read_definition(EXAMPLE.replace(old, new, 1))
    assert where in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_decides_about_units_cannot_change_within_a_version() -> None:
    before = definition()
    assert frozen_changes(before, definition(ramp=(0.5, 1.0), ends="2027-06-01", owner="b")) == []
    swapped = tuple(reversed(before.variants))
    assert frozen_changes(before, definition(variants=swapped, traffic=0.6)) == [
        "variants",
        "traffic",
    ]


def test_the_plan_counts_treatments_holdout_and_window() -> None:
    plan = plan_of(definition())
    assert plan is not None
    assert plan.units == plan.tuned_for
    assert plan.units_a_day == pytest.approx(12_000 * 0.5 * 0.95)
    assert (plan.days - 30) * plan.units_a_day >= plan.units > (plan.days - 31) * plan.units_a_day
    assert 1.8 < plan.units / plan.units_at_one_look < 2.0
    assert plan_of(definition(expected=None)) is None


def test_one_look_needs_what_textbooks_say() -> None:
    """16 p (1 − p) / Δ² a variant (Lehr), within the roundness of 16; covariates take their
    share."""
    size = sample_size(rate_baseline(0.05), 0.1)
    assert size.at_one_look == pytest.approx(2 * 16 * 0.05 * 0.95 / 0.005**2, rel=0.1)
    adjusted = sample_size(rate_baseline(0.05), 0.1, variance_removed=0.2)
    assert adjusted.at_any_time == pytest.approx(0.8 * size.at_any_time, abs=1)
    assert sample_size(Baseline(1.0, 9.0), -0.1).at_one_look > 0


names = st.text(min_size=1, max_size=30)


@given(unit=names, experiment=st.sampled_from(["a", "b", "c"]), narrow=st.floats(0.01, 1.0))
def test_a_ramp_widens_and_moves_nobody(unit: str, experiment: str, narrow: float) -> None:
    design = definition(id=experiment)
    before = RunningExperiment(design, EVERYWHERE, ramp=narrow).variant_of(unit)
    after = RunningExperiment(design, EVERYWHERE, ramp=1.0).variant_of(unit)
    assert before in (after, "before_ramp")


@given(unit=names, traffic=st.lists(st.floats(0.01, 0.9), min_size=2, max_size=5))
def test_a_unit_is_in_one_experiment_of_a_layer_at_most(unit: str, traffic: list[float]) -> None:
    taken: list[Placement] = []
    for share in traffic:
        try:
            taken.append(place_in_layer(taken, share))
        except LayerFullError:
            break
    ordered = sorted(taken)
    assert all(left.end <= right.first for left, right in pairwise(ordered))
    assert all(0 <= place.first < place.end <= BUCKETS for place in taken)
    inside = [
        RunningExperiment(definition(id=f"e{index}"), place).variant_of(unit)
        for index, place in enumerate(taken)
    ]
    assert sum(isinstance(variant, int) for variant in inside) <= 1


def test_a_stopped_experiment_leaves_its_place_to_the_next() -> None:
    first = place_in_layer([], 0.3)
    second = place_in_layer([first], 0.3)
    assert place_in_layer([second], 0.25) == Placement(0, round(0.25 * BUCKETS))
    assert place_in_layer([second], 0.35).first == second.end
    with pytest.raises(LayerFullError, match=r"no free range of 0.5: 0.4 of it is free in all"):
        place_in_layer([first, second], 0.5)


def test_shares_are_as_declared_and_layers_independent() -> None:
    shop = RunningExperiment(definition(), EVERYWHERE)
    ads = RunningExperiment(definition(id="ads", layer="ads"), EVERYWHERE)
    in_shop, in_ads = variants(UNITS, shop), variants(UNITS, ads)
    assert len(in_shop) == pytest.approx(0.95 * len(UNITS), rel=0.02)
    assert in_shop.keys() == in_ads.keys()  # all but the holdout, which is global
    assert sum(in_shop.values()) == pytest.approx(len(in_shop) / 2, rel=0.05)
    both = sum(in_shop[unit] == in_ads[unit] for unit in in_shop)
    assert both == pytest.approx(len(in_shop) / 2, rel=0.06)
    again = variants(UNITS, RunningExperiment(definition(version=2), EVERYWHERE))
    moved = sum(again[unit] != variant for unit, variant in in_shop.items())
    assert moved == pytest.approx(len(in_shop) / 2, rel=0.06)


def test_nobody_of_the_holdout_is_in_any_experiment() -> None:
    held = [unit for unit in UNITS if is_held_out(unit)]
    assert len(held) == pytest.approx(0.05 * len(UNITS), rel=0.2)
    for layer in ("a", "b", "c"):
        running = RunningExperiment(definition(layer=layer), EVERYWHERE)
        assert not variants(held, running)
        assert running.variant_of(held[0]) == "holdout"


def test_why_an_experiment_does_not_concern_a_unit_is_said() -> None:
    eligible = definition().eligibility
    known = UnitFacts(
        landmark=3, segment="offer", country="DE", platform="ios", chance=0.2, amount=3.0
    )
    assert ineligibility(eligible, known) is None
    changes: dict[str, object] = {
        "landmark": 1, "segment": "none", "country": "US", "platform": "other", "chance": 0.01,
        "amount": None,
    }  # fmt: skip
    for name, value in changes.items():
        assert ineligibility(eligible, msgspec.structs.replace(known, **{name: value})) == name


def test_other_languages_can_check_their_assignment() -> None:
    running = RunningExperiment(definition(), EVERYWHERE)
    assert [running.variant_of(f"install-{number}") for number in range(8)] == ASSIGNED
