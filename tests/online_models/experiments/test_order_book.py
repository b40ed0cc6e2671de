"""Orders about experiments: what is refused, and that only log time decides who runs when."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.experiments.design.learned_labels import COPIES_MAX, copies_of
from online_models.experiments.design.order_book import OrderBook
from schemas.records import OrderGiven
from schemas.records.experiment import OrderKind
from schemas.time import LogMs
from tests.streams.experiments.experiment_log import APP, definition

DAY = 86_400_000


def order(kind: OrderKind, day: int, name: str = "offer", **details: Any) -> OrderGiven:
    order_id = f"{kind}-{name}-{day}"
    return OrderGiven(order_id, kind, name, APP, LogMs(day * DAY), (0, 0, day), **details)


def start(day: int, name: str = "offer", **details: Any) -> OrderGiven:
    return order("start", day, name, definition=definition(name, **details), share=0.2)


def verdicts(*orders: OrderGiven) -> list[tuple[str, str]]:
    book = OrderBook()
    found = [book.add(one) for one in orders]
    return [(one.verdict, one.refusal) if one is not None else ("known", "") for one in found]


@pytest.mark.parametrize(
    ("second", "refusal"),
    [
        (start(2, traffic=0.5), "it has changed while version 1 runs: stop, and raise `version`"),
        (start(2, version=2), "version 1 runs: stop it before version 2 starts"),
        (order("ramp", 2, share=0.1), "it is 0.2 already, and a ramp only widens"),
        (order("ramp", 2), "share: a ramp needs one"),
        (order("ship", 2, variant="gift"), "variant 'gift' is none of control, discount"),
        (order("stop", 2, "other"), "has no such experiment: start it"),
        (start(2, "other", traffic=0.5), "layer money:"),
        (order("start", 2, definition="id = "), "TOML"),
    ],
)
def test_an_order_that_contradicts_what_runs_is_refused_in_one_line(
    second: OrderGiven, refusal: str
) -> None:
    (first, (verdict, text)) = verdicts(start(1), second)
    assert first == ("obeyed", "")
    assert verdict == "refused"
    assert refusal in text
    assert "\n" not in text


def test_the_same_order_again_changes_nothing() -> None:
    assert verdicts(start(1), start(1), start(2))[1:] == [("known", ""), ("repeated", "")]
    stops = order("stop", 3), order("stop", 4)
    assert [kind for kind, _ in verdicts(start(1), *stops)] == ["obeyed", "obeyed", "repeated"]


def test_after_an_end_only_a_higher_version_starts() -> None:
    ended = start(1), order("stop", 2)
    assert verdicts(*ended, start(3))[-1] == (
        "refused",
        "version: 1 has ended: a start needs a higher one",
    )
    assert verdicts(*ended, start(3, version=2))[-1] == ("obeyed", "")


STORY = [
    start(1, traffic=0.4),
    order("ramp", 3, share=0.7),
    start(4, "banner", traffic=0.4),
    order("stop", 6),
    start(8, version=2, traffic=0.6),
    order("ship", 9, "banner", variant="discount"),
]


def running(book: OrderBook) -> list[object]:
    """Which variant each of some installs has, day by day."""
    found: list[object] = []
    for day, ordered in itertools.product(range(12), book.of_app(APP)):
        at = ordered.running_at(LogMs(day * DAY))
        units = [at[1].variant_of(f"install-{n}") for n in range(40)] if at is not None else None
        found.append((day, ordered.definition.id, ordered.definition.version, units))
    return found


@settings(max_examples=60, deadline=None)
@given(st.permutations(STORY))
def test_in_whatever_order_they_are_read_the_same_is_in_force(orders: list[OrderGiven]) -> None:
    book, other, restored = OrderBook(), OrderBook(), OrderBook()
    for one in STORY:
        book.add(one)
    for one in orders:
        other.add(one)
    restored.restore(orders)
    assert running(other) == running(book) == running(restored)


def test_labels_of_the_treated_are_never_learned_and_those_of_the_control_stand_for_all() -> None:
    units = [f"install-{n}" for n in range(20_000)]
    assert {copies_of(1, 0.3, "offer:1", unit) for unit in units} == {0}
    copies = [copies_of(0, 0.3, "offer:1", unit) for unit in units]
    assert set(copies) == {3, 4}
    assert sum(copies) / len(copies) == pytest.approx(1 / 0.3, abs=0.02)
    assert copies_of(0, 0.001, "offer:1", "install-1") == COPIES_MAX
