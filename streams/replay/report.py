"""What a demo or a replay tells at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streams.store.reconcile import Accounting


@dataclass(frozen=True, slots=True)
class RunReport:
    accounting: Accounting
    seconds: float  # from the first event to the last stored row

    @property
    def events_per_second(self) -> float:
        return self.accounting.received / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        found = self.accounting
        return {
            "received": found.received,
            "decided": found.decided,
            "duplicates": found.duplicates,
            "parked": found.parked,
            "expired": found.expired,
            "dead_lettered": found.dead_lettered,
            "reconciled": found.reconciled,
            "stored_rows": found.stored_rows,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events_per_second),
        }

    def lines(self) -> list[str]:
        """The reconciliation in words, and what is wrong with it."""
        found = self.accounting
        verdict = "reconciled" if found.reconciled else "NOT RECONCILED"
        rows = sum(found.stored_rows.values())
        first = (
            f"{verdict}: {found.received:,} events received = {found.decided:,} decided"
            f" + {found.duplicates:,} duplicates + {found.parked:,} parked"
            f" + {found.expired:,} expired + {found.dead_lettered:,} dead-lettered;"
            f" {rows:,} rows stored"
        )
        speed = f"{self.seconds:.1f} s, {self.events_per_second:,.0f} events/s"
        return [first, speed, *(f"fault: {fault}" for fault in found.faults)]
