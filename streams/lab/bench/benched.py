"""A program that is measured, and what tells that it lives and does nothing any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.errors import Stop
from streams.lab.bench.programs import Program, Running

STALLED_SECONDS = 90.0
"""A program that commits nothing for so long, and has not read everything, has died inside: Faust,
for one, goes on without an agent that raised."""


@dataclass(frozen=True, slots=True)
class BenchedProgram:
    """A deciding program in one or more processes, its consumer group, and all topics it reads.

    Without topics it commits no offsets; its processes end when they have read everything.
    """

    name: str
    programs: Sequence[Program]
    group: str
    topics: Sequence[str]


class Stall:
    """Ends the wait for a program whose process lives and does nothing any more."""

    def __init__(
        self, benched: BenchedProgram, ran: Running, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._benched = benched
        self._ran = ran
        self._clock = clock
        self._seen = -1
        self._since = clock()

    def look(self, done: int) -> None:
        """Stop: `done` has stood still for too long."""
        if done != self._seen:
            self._seen, self._since = done, self._clock()
        elif self._clock() - self._since > STALLED_SECONDS:
            errors = "; ".join(self._ran.last_error(one.name) for one in self._benched.programs)
            raise Stop(
                f"{self._benched.name} has read nothing for {STALLED_SECONDS:.0f} s and is not "
                f"done; its last error: {errors}"
            )
