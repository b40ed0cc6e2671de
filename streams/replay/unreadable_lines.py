"""The lines of replayed files that are no records: counted, or named in their dead letters."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec import json
from msgspec.structs import replace

from schemas.decode import DETAIL_CHARS_MAX
from schemas.outcomes import DeadLetter
from streams.replay.memory_log import MemoryRecord

EXAMPLES_MAX = 5
"""Unreadable lines that a report quotes."""
_dead_letters = json.Decoder(DeadLetter)
_log = logging.getLogger("headwater.replay")


class UnreadableLines:
    """Lines of the files that are no records.

    A line that names its position in a source topic becomes a record there, which intake makes a
    dead letter of. The others are only counted.
    """

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[str] = []
        self.faults: dict[tuple[str, int, int], str] = {}
        """What is wrong with a line, by the log position that it names."""

    def add(self, error: str) -> None:
        """Count a line that stands nowhere."""
        self.count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(error)

    def warn(self) -> None:
        """Log how many lines are skipped, where no report says it."""
        if self.count:
            _log.warning(
                "%s lines of the files are no records, and are skipped; the first: %s",
                f"{self.count:,}",
                self.examples[0],
            )

    def locate(self, records: Sequence[MemoryRecord]) -> Sequence[MemoryRecord]:
        """Dead letters; the detail of those that come from here names file, line and fault."""
        return [self._located(record) for record in records] if self.faults else records

    def _located(self, record: MemoryRecord) -> MemoryRecord:
        row = _dead_letters.decode(record.value or b"")
        source = (row.source_topic, row.source_partition, row.source_offset)
        fault = self.faults.get(source)
        if fault is None:
            return record
        row = replace(row, detail=fault[:DETAIL_CHARS_MAX])
        return record._replace(value=json.encode(row))
