"""A small share of the poisoned worlds; `tests.simulation.stories.poison` runs any number."""

from __future__ import annotations

from collections import Counter

from tests.simulation.stories.poison import run_poisoned


def test_what_raises_is_set_aside_once_and_all_else_goes_on() -> None:
    aside = Counter[str]()
    for seed in range(8):
        aside += run_poisoned(seed)
    assert aside["journeys: record"]
