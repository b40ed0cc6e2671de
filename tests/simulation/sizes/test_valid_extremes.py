"""A short run of valid events at every edge; `tests.simulation.valid_extremes` runs long ones."""

from __future__ import annotations

import pytest

from schemas.outcomes import LedgerRow
from tests.simulation.sizes.books import Books
from tests.simulation.sizes.valid_events import Draw
from tests.simulation.valid_extremes import replayed
from tests.worlds.clock import NOON


def test_every_valid_event_is_accounted_for_and_nothing_outgrows_a_message() -> None:
    books = Books()
    watch, evictions = replayed(Draw(3).records(500, NOON), books)
    assert books.sent == 500
    assert watch.refused() == {}, watch.largest
    assert books.missing == 0
    assert not books.found["dead_lettered"]
    assert not books.found["quarantined"]
    assert evictions.found, "the draw meets no bound, so that it shows nothing"


def test_the_books_miss_what_no_row_settles() -> None:
    books = Books()
    sent = list(books.sending(Draw(4).records(3, NOON)))
    assert books.missing == 3

    books.enter(_settling(sent[0].topic, [0]))
    assert books.missing == 2


def test_the_books_refuse_what_was_never_sent() -> None:
    books = Books()
    (sent,) = books.sending(Draw(4).records(1, NOON))
    with pytest.raises(AssertionError, match="never sent"):
        books.enter(_settling(sent.topic, [1]))


def _settling(topic: str, offsets: list[int]) -> LedgerRow:
    return LedgerRow(
        stage="intake",
        disposition="decided",
        source_topic=topic,
        source_partition=0,
        offsets=offsets,
    )
