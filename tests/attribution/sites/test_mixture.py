"""The posterior over honest, injecting and flooding sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from attribution.sites.mixture import (
    AFTER,
    BEFORE,
    BINS,
    EDGES_S,
    HONEST_BINS,
    HONEST_ORDERS,
    NEAR,
    ORDERS,
    UNKNOWN,
    Posterior,
    cell_of,
    cells_of,
    flooded_bins,
    injected_bins,
    make_mixture,
)
from schemas.time import MINUTE_MS, Millis

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
HONEST = np.array(HONEST_BINS) / sum(HONEST_BINS)
MIXTURE = make_mixture(HONEST, np.array(HONEST_ORDERS))


def installs(seconds: Iterable[float], order: int = UNKNOWN) -> Counter[int]:
    """By cell; `order` is that of the click and the begin of the download."""
    after_begin = {UNKNOWN: None, BEFORE: -60_000, NEAR: 0, AFTER: 60_000}[order]
    return Counter(
        cell_of(Millis(round(one * 1_000)), None if after_begin is None else Millis(after_begin))
        for one in seconds
    )


def honest(count: int) -> list[float]:
    """Times at the quantiles of what is honest."""
    edges = [1.0, *map(float, EDGES_S), 8.0 * DAY_S]
    ends = np.cumsum(HONEST)
    quantiles = [(number + 0.5) / count for number in range(count)]
    bins = [int(np.searchsorted(ends, one)) for one in quantiles]
    return [edges[one] for one in bins]


def flat(count: int, days: float) -> list[float]:
    return [(number + 0.5) / count * days * DAY_S for number in range(count)]


def posterior(
    recent: Counter[int], past: Counter[int] | None = None, log_odds: float = 0.0
) -> Posterior:
    return MIXTURE.posterior(recent, past or {}, log_odds, sorted(recent))


@pytest.mark.parametrize(
    ("ctit_ms", "after_begin_ms", "place"),
    [
        (0, None, (0, UNKNOWN)),
        (2_999, -1_000, (0, BEFORE)),
        (3_000, -999, (1, NEAR)),
        (3_600_000, 5_000, (14, NEAR)),
        (3_599_999, 5_001, (13, AFTER)),
        (30 * DAY_S * 1_000, None, (BINS - 1, UNKNOWN)),
    ],
)
def test_bins_and_orders_hold_to_the_millisecond(
    ctit_ms: Millis, after_begin_ms: Millis | None, place: tuple[int, int]
) -> None:
    assert divmod(cell_of(ctit_ms, after_begin_ms), ORDERS) == place


def test_every_component_is_a_distribution() -> None:
    for bins in (HONEST, injected_bins(), flooded_bins(7), flooded_bins(1)):
        assert bins.sum() == pytest.approx(1.0)
        assert (bins > 0).all()
    known = cells_of(HONEST, HONEST_ORDERS).reshape(BINS, ORDERS)[:, BEFORE:]
    assert known.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 10, 100, 1_000, 20_000])
def test_an_honest_site_stays_honest_however_much_it_claims(count: int) -> None:
    found = posterior(installs(honest(count)))
    assert found.injects < 0.1
    assert found.floods < 0.1


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_site_whose_people_are_faster_or_slower_is_no_fraud(factor: float) -> None:
    found = posterior(installs(max(12.0, one * factor) for one in honest(300)))
    assert found.injects < 0.5
    assert found.floods < 0.5


def test_a_spike_of_seconds_is_injection_and_only_the_spike() -> None:
    quick, slow = cell_of(Millis(5_000), None), cell_of(5 * MINUTE_MS, None)
    found = posterior(installs(honest(60)) + installs([5.0] * 20))
    assert found.injects > 0.99
    assert found.injected[quick] > 0.95
    assert found.injected[slow] < 0.05


def test_a_click_after_the_download_began_says_more_than_a_short_time() -> None:
    minutes = [90.0] * 5
    assert posterior(installs(minutes)).injects < 0.1
    assert posterior(installs(minutes, AFTER)).injects > 0.99


@pytest.mark.parametrize("days", [1, 7])
def test_a_flat_tail_is_flooding(days: int) -> None:
    found = posterior(installs(flat(50, days)))
    assert found.floods > 0.99
    assert found.injects < 0.05


def test_clicks_per_install_move_the_posterior_and_alone_convict_nobody() -> None:
    doubtful = installs(honest(20) + flat(6, 7))
    low, high = posterior(doubtful, None, -2.0).floods, posterior(doubtful, None, 2.0).floods
    assert low < posterior(doubtful).floods < high
    assert posterior(installs(honest(50)), None, 2.5).floods < 0.5


def test_the_own_past_of_a_site_says_what_is_usual_there() -> None:
    slow = [one * 3 for one in honest(60)]
    as_ever = posterior(installs(slow), installs(slow * 5))
    suddenly = posterior(installs(slow), installs(honest(300)))
    assert as_ever.floods < suddenly.floods


def test_a_site_that_flooded_before_needs_less_to_be_found_again() -> None:
    few = installs(honest(6) + flat(6, 7))
    assert posterior(few, installs(flat(100, 7))).floods > posterior(few).floods


def test_without_installs_there_is_only_the_prior() -> None:
    found = posterior(Counter())
    assert 0.02 < found.injects < 0.05
    assert 0.04 < found.floods < 0.06
