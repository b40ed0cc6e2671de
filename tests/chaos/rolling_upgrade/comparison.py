"""Runs the same traffic with and without replacements of workers, and compares what is stored."""

from __future__ import annotations

import asyncio
import functools
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer
from tests.chaos import audit
from tests.chaos.fault_injector import (
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    Report,
    RunOutcome,
    run_calm,
    run_traffic,
)
from tests.chaos.fault_plan import CORES
from tests.chaos.fleet import Fleet
from tests.chaos.installation import CHECKOUT, WatchedInstallation, forget
from tests.chaos.rolling_upgrade.stored_columns import columns_of, one_sided, rule_set_of
from tests.chaos.traffic import Flow, Progress, Traffic

FORMATS_1 = "50c59ce"
"""The last commit that knew no versions of what it stored."""
SHARES = (0.15, 0.35, 0.55, 0.75)
"""How much of the traffic is published when a worker is replaced: both go up, then both back."""
BURST_MESSAGES = 500
ENDED_AS_ASKED = (0, -signal.SIGTERM)  # The latter while a worker is still starting.


@dataclass(frozen=True, slots=True)
class UpgradeVerdict:
    calm: RunOutcome
    upgraded: RunOutcome
    exit_codes: Sequence[int]  # of the workers that were replaced
    left_out: Sequence[str]  # columns that the builds cannot have in common
    digests: tuple[dict[str, str], dict[str, str]]  # calm and upgraded, without those columns
    differences: Sequence[str]

    @property
    def are_digests_equal(self) -> bool:
        return self.digests[0] == self.digests[1]

    @property
    def is_passed(self) -> bool:
        accounts = self.upgraded.accounts
        return (
            self.are_digests_equal
            and bool(accounts["reconciled"])
            and not accounts["stored_twice"]
            and not self.upgraded.unexpected_exits
            and all(code in ENDED_AS_ASKED for code in self.exit_codes)
        )

    def as_json(self) -> dict[str, Any]:
        accounts = self.upgraded.accounts
        return {
            "passed": self.is_passed,
            "replaced": len(self.exit_codes),
            "exit_codes": list(self.exit_codes),
            "unasked_exits": list(self.upgraded.unexpected_exits),
            "calm_seconds": round(self.calm.seconds, 1),
            "seconds": round(self.upgraded.seconds, 1),
            "digests_equal": self.are_digests_equal,
            "columns_left_out": list(self.left_out),
            "reconciled": accounts["reconciled"],
            "faults": accounts["faults"],
            "stored_twice": accounts["stored_twice"],
            "differences": list(self.differences),
        }


@contextmanager
def checkout_of(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit, in a folder of their own while the block runs."""
    git = ["git", "-C", str(CHECKOUT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


async def compare_upgrade(
    traffic: Traffic, broker: KafkaServer, folder: Path, earlier: Path, pace: int, report: Report
) -> UpgradeVerdict:
    """Run the traffic without and with replacements of workers."""
    calm = await run_calm(traffic, broker, folder)
    report(f"calm run took {calm.seconds:.0f} s; rolling upgrade")
    codes: list[int] = []
    steps = [(name, build) for build in (CHECKOUT, earlier) for name in CORES]

    installation = WatchedInstallation(
        f"upgrade-{uuid.uuid4().hex[:8]}", broker.address, folder / "upgrade"
    )

    async def replace(fleet: Fleet, progress: Progress) -> Counter[str]:
        for share, (name, build) in zip(SHARES, steps, strict=True):
            await progress.permit_until(share)
            await progress.reach(share)
            # Whoever is replaced before it decided anything proves nothing about mixed builds.
            await _until_deciding(installation)
            report(f"{name} becomes {build.name} at {progress.share:.0%}")
            codes.append(await fleet.replace_build(name, build))
            await _until(functools.partial(_is_ready, installation, name))
        await progress.permit_until(1.0)
        return Counter(replaced=len(steps))

    flow = Flow(pace, BURST_MESSAGES)
    before = dict.fromkeys(CORES, earlier)
    upgraded = await run_traffic(traffic, installation, flow, replace, before)
    # Rows of the earlier build lack what only this one says, and have what it no longer says.
    left_out = one_sided(columns_of(earlier), columns_of(CHECKOUT))
    if rule_set_of(earlier) != rule_set_of(CHECKOUT):
        # A rule set that has more to say has another id, also where it decides the same: and the
        # earlier build is the last to decide.
        left_out = sorted([*left_out, "attributions.rule_set"])
    first, second = calm.installation.environ(), installation.environ()
    forget(first)
    forget(second)
    digests = audit.digest(first, left_out), audit.digest(second, left_out)
    differences = audit.differences(first, second, digests, left_out)
    return UpgradeVerdict(calm, upgraded, codes, left_out, digests, differences)


async def _until_deciding(installation: WatchedInstallation) -> None:
    for name in CORES:
        await _until(functools.partial(_has_decided, installation, name))


def _is_ready(installation: WatchedInstallation, name: str) -> bool:
    return installation.readiness(name)[0] == 200


def _has_decided(installation: WatchedInstallation, name: str) -> bool:
    return installation.decided(name) > 0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        is_met = False
        while not is_met:
            await asyncio.sleep(LOOK_SECONDS)
            is_met = await asyncio.to_thread(condition)
