"""A short run of valid events at every edge; `tests.simulation.valid_extremes` runs long ones."""

from __future__ import annotations

from tests.simulation.sizes.valid_events import Draw
from tests.simulation.valid_extremes import Books, replayed
from tests.worlds.clock import NOON


def test_every_valid_event_is_accounted_for_and_nothing_outgrows_a_message() -> None:
    records = list(Draw(3).records(500, NOON))
    watch, books, evictions = replayed(records)
    assert watch.refused() == {}, watch.largest
    assert books.missing == 0
    assert not books.found["dead_lettered"]
    assert evictions.found, "the draw meets no bound, so that it shows nothing"


def test_the_books_miss_what_no_row_settles() -> None:
    records = list(Draw(4).records(3, NOON))
    assert Books(records).missing == 3
