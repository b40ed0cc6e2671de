"""The decision is the oracle's, under whatever rules and in any order of arrival."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.comparison import differences, truth_of
from tests.oracle.generated.draws import draw
from tests.oracle.generated.play import compiled, plain_order, play, reported_by, rough_order
from tests.oracle.generated.router import Record
from tests.oracle.generated.rule_draws import draw_rules
from tests.oracle.history import History
from tests.oracle.rulebook import Rulebook

SEEDS = 3_000
CHUNKS = 6  # so that several processes can share them


class Tale(NamedTuple):
    book: Rulebook
    history: History
    arrived: list[Record]


class Hypothetical:
    """RandomSource that Hypothesis holds, so that it finds the shortest tale that goes wrong."""

    def __init__(self, fall: st.DrawFn) -> None:
        self._fall = fall

    def below(self, bound: int) -> int:
        return self._fall(st.integers(0, bound - 1))


@st.composite
def tales(fall: st.DrawFn, *, is_rough: bool) -> Tale:
    random_source = Hypothetical(fall)
    book = draw_rules(random_source)
    history = draw(random_source, book)
    return Tale(book, history, (rough_order if is_rough else plain_order)(history, random_source))


def disagreement(tale: Tale) -> list[str]:
    reported = reported_by(tale.arrived, compiled(tale.book))
    return differences(reported, truth_of(tale.history, tale.book))


@settings(deadline=None, max_examples=150)
@given(tales(is_rough=False))
def test_the_decision_is_the_oracles_in_any_order_of_arrival(tale: Tale) -> None:
    assert disagreement(tale) == []


@settings(deadline=None, max_examples=150)
@given(tales(is_rough=True))
def test_repeats_and_early_decisions_change_nothing_in_the_end(tale: Tale) -> None:
    assert disagreement(tale) == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_decision_is_the_oracles_for_every_seed(chunk: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(chunk, SEEDS, CHUNKS):
        assert play(seed, counts) is None, f"seed {seed}"
    met = {name.partition(".")[0] for name in counts}
    assert {"match_type", "conversion_type", "robbed", "reengagements"} <= met
