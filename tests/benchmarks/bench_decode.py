"""What decoding an event costs, beside another checkout on the same messages in the same run.

python -m tests.benchmarks.bench_decode [--events N] [--beside FOLDER] [--json]

Times are microseconds of CPU per event. The two checkouts take turns, because the speed of a shared
machine changes from second to second: read the ratio, not the times.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from streams.lab.simulator.scenario import Scenario
from streams.lab.simulator.traffic import simulate_traffic

ROUNDS = 15
HERE = Path(__file__).parents[2]
_WORKER = """
import base64, json, sys, time
sys.path.insert(0, sys.argv[1])
from schemas.decode import decode
rows = [json.loads(line) for line in open(sys.argv[2])]
rows = [(base64.b64decode(value), topic, ts) for value, topic, ts in rows]
for _ in sys.stdin:
    begun = time.process_time()
    for value, topic, ts in rows:
        decode(value, topic, ts, 1262304000000)
    print((time.process_time() - begun) / len(rows) * 1e6, flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_decode")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--beside", type=Path, help="root of another checkout")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    checkouts = [HERE, *([chosen.beside] if chosen.beside else [])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messages"
        write_messages(file, chosen.events)
        costs = measured(checkouts, file)
    figures = {"us_per_event": round(median(costs[0]), 2)}
    if chosen.beside:
        figures["us_per_event_beside"] = round(median(costs[1]), 2)
        figures["ratio"] = round(median(a / b for a, b in zip(*costs, strict=True)), 3)
    print(json.dumps(figures) if chosen.json else figures)
    return 0


def write_messages(file: Path, events: int) -> None:
    """Simulated messages, in a form that any checkout reads."""
    with file.open("w") as out:
        for message in simulate_traffic(Scenario(seed=1, events=events)):
            if not message.is_tick:
                value = base64.b64encode(message.value).decode()
                out.write(json.dumps([value, message.topic, message.timestamp_ms]) + "\n")


def measured(checkouts: list[Path], file: Path) -> list[list[float]]:
    """Microseconds per event of every round, by checkout."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(root), str(file)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for root in checkouts
    ]
    costs: list[list[float]] = [[] for _ in workers]
    for _ in range(ROUNDS):
        for worker, cost in zip(workers, costs, strict=True):
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
            cost.append(float(worker.stdout.readline()))
    for worker in workers:
        worker.communicate()
    return costs


if __name__ == "__main__":
    sys.exit(main())
