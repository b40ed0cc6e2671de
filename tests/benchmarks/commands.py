"""What `headwater demo` and `headwater replay` take as a whole.

`python -m tests.benchmarks.commands demo|replay [--events N] [--seed S] [--json]` runs the command
in a folder of its own, without a broker, and prints events per second, and per second of CPU of all
its processes, and the most memory that one of them took. The events of a replay are written before,
and not counted. Start and end are part of both: report nothing of a demo below 50,000 events, or of
a replay below 500,000.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from streams.lab.bench.control_loop import ControlLoop
from streams.lab.bench.lap import BENCH_SECRET

HEADWATER = (sys.executable, "-m", "streams.cli")


class Taken(NamedTuple):
    """What a command took, with all processes that it waited for."""

    seconds: float
    cpu_seconds: float
    memory_mb: float  # of the largest of its processes


def run(arguments: Sequence[str], folder: Path) -> Taken:
    """Run `headwater` in a folder; SystemExit when it fails."""
    # Nothing of the installation that this machine may have, nor a broker.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADWATER_")}
    own = {"HEADWATER_PSEUDONYM_SECRET": BENCH_SECRET, "HEADWATER_DATA": str(folder / "headwater")}
    began = time.monotonic()
    process = subprocess.Popen(
        [*HEADWATER, *arguments], cwd=folder, env=kept | own, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"headwater {' '.join(arguments)} ended with exit code {process.returncode}")
    return Taken(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1.024e-3)


def measure(name: str, events: int, seed: int, folder: Path) -> dict[str, object]:
    drawn = ["--events", str(events), "--seed", str(seed)]
    arguments = ["demo", *drawn, "--json"]
    if name == "replay":
        print("commands: writing the events", file=sys.stderr)
        run(["simulate", *drawn, "--out", "traffic.jsonl"], folder)
        arguments = ["replay", "traffic.jsonl", "--json"]
    control = ControlLoop()
    taken = run(arguments, folder)
    control.after(name)
    return {
        "command": name,
        "events": events,
        "events_per_second": round(events / taken.seconds),
        "events_per_cpu_second": round(events / taken.cpu_seconds),
        "seconds": round(taken.seconds, 1),
        "memory_mb": round(taken.memory_mb),
        "control_microseconds": control.microseconds[name],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("demo", "replay"))
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="commands-") as folder:
        report = measure(chosen.command, chosen.events, chosen.seed, Path(folder))
    print(json.dumps(report, indent=None if chosen.json else 2))


if __name__ == "__main__":
    main()
