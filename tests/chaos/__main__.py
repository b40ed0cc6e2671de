"""`python -m tests.chaos`: prints one line of JSON with the faults injected and the verdict."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from deploy.local.servers import fetch_jars, own_kafka
from tests.chaos.fault_injector import PATIENCE_SECONDS
from tests.chaos.fault_plan import ChaosRun, FaultCounts
from tests.chaos.verdict import compare_with_calm_run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs of core workers")
    parser.add_argument("--stops", type=int, default=5, help="SIGSTOPs beyond the session time-out")
    parser.add_argument("--broker-kills", type=int, default=5)
    parser.add_argument("--storing-kills", type=int, default=5)
    parser.add_argument("--gap", type=float, default=10.0, help="seconds between two of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything in this new folder")
    return parser.parse_args()


def main() -> int:
    chosen = _arguments()
    counts = FaultCounts(chosen.kills, chosen.stops, chosen.broker_kills, chosen.storing_kills)
    run = ChaosRun(chosen.events, counts, chosen.gap, chosen.seed)
    # While the broker is away its clients report so many times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="headwater-chaos-") as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        broker = own_kafka(folder / "kafka")
        broker.start(dies_with_parent=True)
        try:
            broker.wait_ready(PATIENCE_SECONDS)
            verdict = asyncio.run(compare_with_calm_run(run, broker, folder.resolve(), _report))
        finally:
            broker.kill()
    print(json.dumps(verdict.as_json()))
    return 0 if verdict.is_passed else 1


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
