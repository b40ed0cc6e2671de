"""The whole trial: one file, a calm run, a disturbed run, and what differs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer
from tests.chaos import audit
from tests.chaos.plan import Act, Counts
from tests.chaos.runs import Outcome, Say, Torment, run_calm, run_disturbed, silent
from tests.chaos.traffic import read_file, simulate_file


@dataclass(frozen=True, slots=True)
class Ordeal:
    events: int
    counts: Counts
    gap_seconds: float  # between two disturbances, on average
    seed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    ordeal: Ordeal
    calm: Outcome
    disturbed: Outcome
    differences: list[str]

    @property
    def is_passed(self) -> bool:
        accounts = self.disturbed.accounts
        return (
            self.calm.digest == self.disturbed.digest
            and bool(accounts["reconciled"])
            and not accounts["stored_twice"]
            and self.is_complete
        )

    @property
    def is_complete(self) -> bool:
        """Whether everything that was planned was done."""
        counts, played = self.ordeal.counts, self.disturbed.played
        return all(played[act.value] == getattr(counts, act.value) for act in Act)

    def as_json(self) -> dict[str, Any]:
        accounts = self.disturbed.accounts
        return {
            "passed": self.is_passed,
            "events": self.ordeal.events,
            "seed": self.ordeal.seed,
            **self.disturbed.played,
            "unasked_exits": len(self.disturbed.unasked),
            "calm_seconds": round(self.calm.seconds, 1),
            "seconds": round(self.disturbed.seconds, 1),
            "digests_equal": self.calm.digest == self.disturbed.digest,
            "reconciled": accounts["reconciled"],
            "calm_reconciled": self.calm.accounts["reconciled"],
            "stored_twice": accounts["stored_twice"],
            "last_exit_codes": self.disturbed.last_codes,
            "stored_rows": sum(accounts["stored_rows"].values()),
            "faults": accounts["faults"],
            "differences": self.differences,
        }


async def endure(ordeal: Ordeal, broker: KafkaServer, folder: Path, say: Say = silent) -> Verdict:
    """Needs a broker that may be killed and a folder to fill."""
    file = folder / "traffic.jsonl"
    simulate_file(file, ordeal.events, ordeal.seed)
    traffic = read_file(file)
    say(f"{ordeal.events} events in {file}; calm run")
    calm = await run_calm(traffic, broker, folder)
    say(f"calm run took {calm.seconds:.0f} s; disturbed run")
    torment = Torment(ordeal.counts, ordeal.gap_seconds, ordeal.seed)
    disturbed = await run_disturbed(traffic, broker, folder, torment, say)
    for line in disturbed.unasked:
        say(line)
    differences = await asyncio.to_thread(
        audit.differences,
        calm.installation.environ(),
        disturbed.installation.environ(),
        (calm.digest, disturbed.digest),
    )
    return Verdict(ordeal, calm, disturbed, differences)
