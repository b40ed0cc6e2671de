"""The report of a demo or a replay: accounting of all events, and speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.store.reconcile import Accounting


@dataclass(frozen=True, slots=True)
class RunReport:
    """The accounting of a run, and how long it took."""

    accounting: Accounting
    seconds: float  # from the first event to the last stored row
    unreadable_lines: int = 0  # lines of files that are no records and name no log position
    unreadable_examples: tuple[str, ...] = ()

    @property
    def events_per_second(self) -> float:
        return self.accounting.received / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        accounting = self.accounting
        return {
            "received": accounting.received,
            "decided": accounting.decided,
            "duplicates": accounting.duplicates,
            "parked": accounting.parked,
            "expired": accounting.expired,
            "dead_lettered": accounting.dead_lettered,
            "quarantined": accounting.quarantined,
            "reconciled": accounting.reconciled,
            "stored_rows": accounting.stored_rows,
            "unreadable_lines": self.unreadable_lines,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events_per_second),
        }

    def lines(self) -> list[str]:
        """The accounting, the speed, and one line for each fault."""
        accounting = self.accounting
        verdict = "reconciled" if accounting.reconciled else "NOT RECONCILED"
        rows = sum(accounting.stored_rows.values())
        first = (
            f"{verdict}: {accounting.received:,} events received = {accounting.decided:,} decided"
            f" + {accounting.duplicates:,} duplicates + {accounting.parked:,} parked"
            f" + {accounting.expired:,} expired + {accounting.dead_lettered:,} dead-lettered"
            f" + {accounting.quarantined:,} quarantined;"
            f" {rows:,} rows stored"
        )
        speed = f"{self.seconds:.1f} s, {self.events_per_second:,.0f} events/s"
        unread = [f"unreadable line: {example}" for example in self.unreadable_examples]
        if self.unreadable_lines > len(unread):
            unread.append(f"unreadable lines in all: {self.unreadable_lines:,}")
        return [first, speed, *unread, *(f"fault: {fault}" for fault in accounting.faults)]
