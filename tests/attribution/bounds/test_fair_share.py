"""A full list: a flood costs whoever sends it, and the order of arrival costs nobody anything."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.bounds.fair_share import FIRST_CLICKS, FIRST_VIEWS, Ranking, fair_share


class Entry(NamedTuple):
    source: str
    site: str
    is_click: bool
    time: int


LATEST: Ranking[Entry] = Ranking(
    lambda entry: (entry.source, entry.is_click, entry.site), lambda entry: entry.time
)


def ranked(entries: list[Entry]) -> list[Entry]:
    """The naive reading: ranks within the site, then site by site within the source."""
    ordered = sorted(entries, key=lambda one: -one.time)
    by_source: dict[tuple[str, bool], list[tuple[int, int, Entry]]] = {}
    for age, one in enumerate(ordered):
        same = [other for other in ordered[:age] if other[:3] == one[:3]]
        by_source.setdefault((one.source, one.is_click), []).append((len(same), age, one))
    ranks = []
    for (_, is_click), found in by_source.items():
        for rank, (site_rank, age, one) in enumerate(sorted(found)):
            first = rank < (FIRST_CLICKS if is_click else FIRST_VIEWS)
            tier = (0 if first else 2) + (not is_click)
            ranks.append((tier, rank, site_rank, age, one))
    return [one[-1] for one in sorted(ranks)]


def flood(source: str, size: int, *, is_click: bool = True, sites: int = 1) -> list[Entry]:
    """Later than everything else."""
    return [Entry(source, f"s{n % sites}", is_click, 1_000_000 + n) for n in range(size)]


def streamed(entries: list[Entry], limit: int) -> list[Entry]:
    """What is left if every entry arrives alone."""
    kept: Sequence[Entry] = []
    for entry in entries:
        kept, _ = fair_share([*kept, entry], limit, LATEST)
    return sorted(kept, key=lambda one: one.time)


@pytest.mark.parametrize("sites", [1, 7, 500])
@pytest.mark.parametrize("is_click", [True, False])
@pytest.mark.parametrize("honest_click", [True, False])
def test_a_flood_never_evicts_the_evidence_of_another_source(
    sites: int, is_click: bool, honest_click: bool
) -> None:
    honest = [Entry("honest", "h", honest_click, n) for n in range(FIRST_VIEWS)]
    kept = streamed([*honest, *flood("flood", 500, is_click=is_click, sites=sites)], 64)
    assert kept[: len(honest)] == honest
    assert len(kept) == 64


def test_a_flood_of_one_site_never_evicts_another_site_of_the_same_source() -> None:
    honest = [Entry("network", "h", True, n) for n in range(8)]
    assert streamed([*honest, *flood("network", 500)], 64)[:8] == honest


def test_views_never_evict_the_first_clicks_of_a_source() -> None:
    clicks = [Entry(f"n{n % 4}", "s", True, n) for n in range(4 * FIRST_CLICKS)]
    views = [view for n in range(90) for view in flood(f"v{n}", 9, is_click=False)]
    assert streamed([*clicks, *views], 64) == clicks


def test_a_single_sender_keeps_the_latest() -> None:
    assert streamed(flood("network", 500), 64) == flood("network", 500)[-64:]


entries = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans()), max_size=60
)


@settings(max_examples=400, deadline=None)
@given(entries, st.integers(0, 24), st.randoms(use_true_random=False))
def test_what_is_kept_does_not_depend_on_the_order_of_arrival(
    drawn: list[tuple[str, str, bool]], limit: int, chance: random.Random
) -> None:
    arrived = [Entry(*fields, time) for time, fields in enumerate(drawn)]
    kept, evicted = fair_share(arrived, limit, LATEST)
    assert Counter([*kept, *evicted]) == Counter(arrived)
    assert sorted(kept) == sorted(ranked(arrived)[:limit])
    expected = list(kept)
    for _ in range(4):
        chance.shuffle(arrived)
        assert streamed(arrived, limit) == expected


@settings(max_examples=200, deadline=None)
@given(entries, st.integers(1, 24))
def test_only_a_sender_with_more_than_another_loses_to_it(
    drawn: list[tuple[str, str, bool]], limit: int
) -> None:
    """Among clicks: who lost one has as many left as anybody else, or one less."""
    arrived = [Entry(source, site, True, n) for n, (source, site, _) in enumerate(drawn)]
    kept, evicted = fair_share(arrived, limit, LATEST)
    left = Counter(one.source for one in kept)
    for loser in {one.source for one in evicted}:
        assert left[loser] >= max(left.values()) - 1
