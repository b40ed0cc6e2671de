"""Runs the same traffic with and without faults, and compares what both stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer
from tests.chaos import audit
from tests.chaos.fault_injector import Report, RunOutcome, report_nothing, run_calm, run_disturbed
from tests.chaos.fault_plan import ChaosRun, FaultKind
from tests.chaos.traffic import read_file, simulate_file


@dataclass(frozen=True, slots=True)
class Verdict:
    run: ChaosRun
    calm: RunOutcome
    disturbed: RunOutcome
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
        """Whether every planned fault was injected."""
        counts, injected = self.run.counts, self.disturbed.injected
        return all(injected[kind.value] == getattr(counts, kind.value) for kind in FaultKind)

    def as_json(self) -> dict[str, Any]:
        accounts = self.disturbed.accounts
        return {
            "passed": self.is_passed,
            "events": self.run.events,
            "seed": self.run.seed,
            **self.disturbed.injected,
            "unasked_exits": len(self.disturbed.unexpected_exits),
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


async def compare_with_calm_run(
    run: ChaosRun, broker: KafkaServer, folder: Path, report: Report = report_nothing
) -> Verdict:
    """Run the traffic of one file twice. `broker` will be killed; `folder` will be filled."""
    file = folder / "traffic.jsonl"
    simulate_file(file, run.events, run.seed)
    traffic = read_file(file)
    report(f"{run.events} events in {file}; calm run")
    calm = await run_calm(traffic, broker, folder)
    report(f"calm run took {calm.seconds:.0f} s; disturbed run")
    disturbed = await run_disturbed(traffic, broker, folder, run, report)
    for line in disturbed.unexpected_exits:
        report(line)
    differences = await asyncio.to_thread(
        audit.differences,
        calm.installation.environ(),
        disturbed.installation.environ(),
        (calm.digest, disturbed.digest),
    )
    return Verdict(run, calm, disturbed, differences)
