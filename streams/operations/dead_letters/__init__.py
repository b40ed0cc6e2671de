"""Dead letters and what is quarantined: counted, shown, exported, published again, dropped."""

from __future__ import annotations

from streams.operations.dead_letters.chosen import WITH_BYTES, Chosen
from streams.operations.dead_letters.counts import count_by_reason, quarantined_keys
from streams.operations.dead_letters.drop import drop_letters, droppable
from streams.operations.dead_letters.export import export_letters
from streams.operations.dead_letters.letter_text import letter_text
from streams.operations.dead_letters.only_in_log import FLOOD_ROWS
from streams.operations.dead_letters.replay import publish_again, try_again
from streams.operations.dead_letters.show import letters_named

__all__ = [
    "FLOOD_ROWS",
    "WITH_BYTES",
    "Chosen",
    "count_by_reason",
    "drop_letters",
    "droppable",
    "export_letters",
    "letter_text",
    "letters_named",
    "publish_again",
    "quarantined_keys",
    "try_again",
]
