"""How sure a match without ids is."""

from __future__ import annotations

import random

import msgspec
import pytest
from msgspec.structs import replace

from attribution.probabilistic.pair_fit import KnownMatch, fit_pair_model
from attribution.probabilistic.pair_model import (
    DEFAULT_MODEL,
    DELAY_BINS,
    DELAY_EDGES_MS,
    PairModel,
)
from attribution.probabilistic.pair_score import confidences, delay_bin, device_level, place_level
from tests.attribution.probabilistic.pair_world import (
    HOME,
    NEIGHBOUR,
    NOBODY,
    STRANGER,
    drawn_history,
    install,
    touch,
)


def sure(*traits: list[str], model: PairModel = DEFAULT_MODEL) -> list[float]:
    touches = [touch(f"t{number}", one) for number, one in enumerate(traits)]
    return confidences(touches, install(), model)


def test_no_candidate_no_confidence() -> None:
    assert confidences([], install(), DEFAULT_MODEL) == []


def test_the_same_address_and_device_is_surer_than_a_neighbour_than_a_stranger() -> None:
    home, neighbour, stranger = sure(HOME)[0], sure(NEIGHBOUR)[0], sure(STRANGER)[0]
    assert home > 0.8 > 0.5 > neighbour > stranger


def test_two_that_look_alike_share_the_doubt() -> None:
    alone = sure(HOME)[0]
    one, other = sure(HOME, HOME)
    assert one == other < alone
    assert one < 0.5


def test_what_nobody_knows_is_no_evidence() -> None:
    unknown = confidences([touch("t", NOBODY)], install(NOBODY), DEFAULT_MODEL)
    assert unknown == confidences([touch("t", [])], install([]), DEFAULT_MODEL)
    assert place_level(touch("t", NOBODY), install()) == "unknown"
    assert device_level(touch("t", NOBODY), install()) == "unknown"


@pytest.mark.parametrize(
    ("traits", "level"),
    [
        (HOME, "same_address"),
        (NEIGHBOUR, "same_network"),
        (["ip-9", "net-9", "", "", "DE"], "same_country"),
        (["ip-9", "net-9", "", "", "US"], "other_country"),
        (["", "", "", "", "DE"], "only_country_same"),
        (["", "", "", "", "US"], "only_country_other"),
    ],
)
def test_the_closest_place_that_agrees_counts_alone(traits: list[str], level: str) -> None:
    assert place_level(touch("t", traits), install()) == level


@pytest.mark.parametrize(
    ("traits", "level"),
    [
        (HOME, "same_agent"),
        (NEIGHBOUR, "same_system"),
        (STRANGER, "other_system"),
        (["", "", "15", "", ""], "only_system_same"),
        (["", "", "14", "", ""], "only_system_other"),
    ],
)
def test_the_closest_device_that_agrees_counts_alone(traits: list[str], level: str) -> None:
    assert device_level(touch("t", traits), install()) == level


def test_a_bin_begins_at_its_edge() -> None:
    first = DELAY_EDGES_MS[0] / 60_000
    assert delay_bin(touch("t", HOME, -first), install()) == 1
    assert delay_bin(touch("t", HOME, -first + 0.0001), install()) == 0
    assert delay_bin(touch("t", HOME, -100_000), install()) == DELAY_BINS - 1


def test_a_source_whose_installs_wait_long_is_trusted_with_long_waits() -> None:
    patient = replace(DEFAULT_MODEL, source_delay={"north": (0.0,) * (DELAY_BINS - 1) + (2.0,)})
    old = [touch("t", HOME, -24 * 60)]
    assert confidences(old, install(), patient)[0] > confidences(old, install(), DEFAULT_MODEL)[0]


def test_equal_models_have_equal_names_and_others_others() -> None:
    again = msgspec.json.decode(msgspec.json.encode(DEFAULT_MODEL), type=PairModel)
    assert again.version == DEFAULT_MODEL.version
    assert replace(DEFAULT_MODEL, null=9.0).version != DEFAULT_MODEL.version


def test_a_model_needs_an_install_whose_touchpoint_is_known() -> None:
    with pytest.raises(ValueError, match="no install with a known touchpoint"):
        fit_pair_model([KnownMatch(install(), [touch("t", HOME)], "")])


def test_the_same_history_gives_the_same_model() -> None:
    def history() -> list[KnownMatch]:
        rng = random.Random(3)
        return [drawn_history(rng, 1 + n % 4, organic_share=0.4) for n in range(400)]

    assert fit_pair_model(history()).version == fit_pair_model(history()).version


def test_what_agrees_more_often_in_true_pairs_speaks_for_a_match() -> None:
    rng = random.Random(4)
    model = fit_pair_model([drawn_history(rng, 3, organic_share=0.3) for _ in range(1_000)])
    assert model.device.same_agent == pytest.approx(1.504, abs=0.15)  # log(0.9 / 0.2)
    assert model.device.same_system == pytest.approx(-2.079, abs=0.3)  # log(0.1 / 0.8)
    assert model.click_delay[4] > 0 > model.click_delay[-3]
    assert model.click_delay[-1] == 0, "nobody waited so long"
