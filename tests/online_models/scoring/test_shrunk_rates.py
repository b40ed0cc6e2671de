"""The tier of rates: the sum of what happened, held back where little did."""

from __future__ import annotations

import pytest
from msgspec import structs

from online_models.hazard.bins import PAYER, Horizon, Shape, bin_outcomes
from online_models.persistence.envelope import Unusable
from online_models.scoring.shrunk_rates import (
    HAZARD_MAX,
    RATES_LAYOUT,
    InstallOrigin,
    RateRules,
    ShrunkRates,
    dump_rates,
    load_rates,
)
from schemas.time import DAY_MS, HOUR_MS

US = InstallOrigin("com.game", "searchlight", "US", "ios")
BR = InstallOrigin("com.game", "searchlight", "BR", "android")
UNSEEN = InstallOrigin("com.game", "nobody", "DE", "ios")


def lived(
    rates: ShrunkRates, place: InstallOrigin, installs: int, paid_after_ms: int | None
) -> None:
    for _ in range(installs):
        for one in bin_outcomes(PAYER, 0, paid_after_ms):
            rates.learn(place, one.bin, one.label)


def test_before_anything_is_learned_the_prior_is_said() -> None:
    assert ShrunkRates().score(US, 0)["d30"] == pytest.approx(0.05)


def test_with_many_installs_the_share_that_paid_is_said() -> None:
    rates = ShrunkRates()
    for _ in range(200):
        lived(rates, US, 9, None)
        lived(rates, US, 1, 3 * HOUR_MS)
        lived(rates, BR, 19, None)
        lived(rates, BR, 1, 4 * DAY_MS)

    assert rates.score(US, 0)["d7"] == pytest.approx(0.10, rel=0.1)
    assert rates.score(BR, 0)["d7"] == pytest.approx(0.05, rel=0.1)


def test_with_sixty_payers_a_prior_that_was_tenfold_off_is_forgotten() -> None:
    """Also by the cells, which expected at first what the prior said."""
    rates = ShrunkRates()
    for _ in range(60):
        lived(rates, US, 199, None)
        lived(rates, US, 1, 2 * DAY_MS)

    assert rates.score(US, 0)["d30"] == pytest.approx(0.005, rel=0.1)


def expected_later(payers: int, of: int) -> float:
    """By day 30 of whoever has not paid on the first day, where no install is older than that."""
    rates = ShrunkRates()
    for number in range(of):
        for bin_ in range(3):
            rates.learn(US, bin_, label=bin_ == 2 and number < payers)
    chances = rates.score(US, 0)
    return 1.0 - (1.0 - chances["d30"]) / (1.0 - chances["d1"])


def test_ages_that_nobody_has_reached_are_expected_at_the_level_of_the_others() -> None:
    """The declared prior is 5 % in eleven bins; only the first three are over."""
    declared = 0.05 * 8 / 11
    assert expected_later(3, 1_000) == pytest.approx(8 / 3 * 0.003, rel=0.5)
    assert expected_later(3, 1_000) < declared / 3
    assert 1.5 * declared < expected_later(56, 400) < 8 / 3 * 0.14


def test_a_new_app_has_its_own_level_after_a_few_payers() -> None:
    rates = ShrunkRates()
    new = InstallOrigin("com.new", "searchlight", "US", "ios")
    for _ in range(60):
        lived(rates, US, 99, None)
        lived(rates, US, 1, 2 * DAY_MS)
    for _ in range(10):
        lived(rates, new, 19, None)
        lived(rates, new, 1, 2 * DAY_MS)

    assert rates.score(new, 0)["d30"] > 0.035
    assert rates.score(US, 0)["d30"] == pytest.approx(0.01, rel=0.25)


def test_a_few_installs_move_their_cell_a_little() -> None:
    rates = ShrunkRates()
    for _ in range(50):
        lived(rates, BR, 19, None)
        lived(rates, BR, 1, 3 * HOUR_MS)
    usual = rates.score(UNSEEN, 0)["d7"]
    lived(rates, US, 2, 3 * HOUR_MS)

    assert usual < rates.score(US, 0)["d7"] < 1.3 * usual


def test_an_unseen_cell_has_the_rates_of_all() -> None:
    rates = ShrunkRates()
    for _ in range(100):
        lived(rates, US, 9, None)
        lived(rates, US, 1, 3 * HOUR_MS)

    hazards = [rates.hazard(UNSEEN, number) for number in range(PAYER.bins)]

    assert hazards[1] == max(hazards)
    assert rates.score(UNSEEN, 0)["d7"] == pytest.approx(0.1, rel=0.25)


def test_horizons_that_have_passed_are_left_out_and_later_ones_are_not_less_likely() -> None:
    answer = ShrunkRates().score(US, 3 * DAY_MS)

    assert list(answer) == ["d7", "d30"]
    assert 0 < answer["d7"] <= answer["d30"] < 1


def test_no_hazard_is_above_its_limit() -> None:
    rates = ShrunkRates(RateRules(prior_rows=1.0, strength=0.01))
    lived(rates, US, 200, 30 * 60_000)

    assert rates.hazard(US, 0) == HAZARD_MAX


def test_cells_are_bounded_and_those_refused_are_counted() -> None:
    rates = ShrunkRates(RateRules(cells_max=2))
    for number in range(100):
        rates.learn(InstallOrigin("com.game", f"source{number}", "US", "ios"), 0, label=False)

    assert rates.refused == 199
    assert rates.score(InstallOrigin("com.game", "source99", "US", "ios"), 0)["d30"] > 0


def test_an_app_has_its_own_level() -> None:
    rates = ShrunkRates()
    rich, poor = (
        InstallOrigin("com.rich", "organic", "US", "ios"),
        InstallOrigin("com.poor", "organic", "US", "ios"),
    )
    for _ in range(200):
        lived(rates, rich, 8, None)
        lived(rates, rich, 2, 3 * HOUR_MS)
        lived(rates, poor, 10, None)

    assert rates.score(rich._replace(source="unseen"), 0)["d7"] > 0.15
    assert rates.score(poor._replace(source="unseen"), 0)["d7"] < 0.02


def test_a_bin_is_asked_about_before_it_is_learned() -> None:
    rates = ShrunkRates()
    before = rates.hazard(US, 3)
    rates.learn(US, 3, label=True)

    assert before < rates.hazard(US, 3) <= HAZARD_MAX


def test_what_is_left_of_a_bin_counts_for_what_is_left() -> None:
    rates = ShrunkRates()
    answer = [rates.score(US, hours * HOUR_MS)["d1"] for hours in (6, 12, 18, 23)]

    assert answer == sorted(answer, reverse=True)
    assert answer[2] == pytest.approx(answer[0] / 3, rel=0.01)


def learned() -> ShrunkRates:
    rates = ShrunkRates(RateRules(cells_max=20))
    for number in range(300):
        place = InstallOrigin("com.game", f"source{number % 17}", "US", "ios")
        rates.learn(place, number % PAYER.bins, label=number % 13 == 0)
    return rates


def test_rates_that_were_written_down_go_on_bit_for_bit() -> None:
    rates = learned()
    copy = load_rates(dump_rates(rates), rates.rules)
    assert isinstance(copy, ShrunkRates)
    for one in (rates, copy):
        lived(one, US, 20, 5 * DAY_MS)

    assert dump_rates(copy) == dump_rates(rates)
    assert copy.score(US, HOUR_MS) == rates.score(US, HOUR_MS)
    assert copy.refused == rates.refused > 0


def test_rates_stored_without_the_sums_of_levels_add_them_up() -> None:
    rates = learned()
    opened = RATES_LAYOUT.load(dump_rates(rates))
    assert not isinstance(opened, Unusable)
    earlier = RATES_LAYOUT.dump(structs.replace(opened.body, levels=b"")).content
    copy = load_rates(earlier, rates.rules)

    assert isinstance(copy, ShrunkRates)
    assert copy.score(US, HOUR_MS) == pytest.approx(rates.score(US, HOUR_MS))


def test_bytes_that_are_no_rates_are_unusable_and_say_why() -> None:
    content = dump_rates(learned())
    retention = Shape((0, 8 * DAY_MS), PAYER.landmarks[:1], (Horizon("d7", 8 * DAY_MS),))
    broken = {
        "truncated": load_rates(content[:-9], RateRules()),
        "checksum": load_rates(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], RateRules()),
        "others than those of the target": load_rates(content, RateRules(shape=retention)),
        "not a snapshot": load_rates(b"", RateRules()),
    }

    for reason, found in broken.items():
        assert isinstance(found, Unusable), reason
        assert reason in found.reason


def test_counts_that_cannot_be_are_unusable() -> None:
    rates = learned()
    rates.learn(US, 0, label=True)
    rates._seen[0] = float("nan")

    found = load_rates(dump_rates(rates), rates.rules)

    assert isinstance(found, Unusable)
    assert "not finite" in found.reason
