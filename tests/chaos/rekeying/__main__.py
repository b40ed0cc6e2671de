"""`python -m tests.chaos.rekeying`: 4 partitions become 8, interrupted, with equal facts.

Workers decide and store the events with 4 partitions. Then `headwater migrate --partitions` makes
the next generation; it is killed on the way and run again. The converged digests of both stores
must be equal. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.local.servers import KafkaServer, fetch_jars, own_kafka
from tests.chaos import audit
from tests.chaos.fault_injector import PATIENCE_SECONDS, run_calm
from tests.chaos.installation import CHECKOUT, COMMAND, converged_digest, run_headwater
from tests.chaos.traffic import read_file, simulate_file

REKEY_SECONDS = 3600.0


def rekey(
    broker: KafkaServer, folder: Path, events: int, seed: int, partitions: int, kill_after: float
) -> dict[str, Any]:
    """Store the events twice, and compare; `kill_after` seconds the first attempt is killed."""
    file = folder / "traffic.jsonl"
    simulate_file(file, events, seed)
    traffic = read_file(file)
    calm = asyncio.run(run_calm(traffic, broker, folder))
    _report(f"{events} events stored in {calm.seconds:.0f} s; re-keying to {partitions}")
    environ = calm.installation.environ()
    into = folder / "rekeyed"
    command = ["migrate", "--partitions", str(partitions), "--into", str(into), "--json"]
    is_killed = kill_after > 0 and _killed(command, environ, kill_after)
    began = time.monotonic()
    report = run_headwater(command, environ, REKEY_SECONDS)
    seconds = time.monotonic() - began
    after = environ | report["settings"]
    digest = converged_digest(after)
    return {
        "passed": digest == calm.digest,
        "events": events,
        "partitions": partitions,
        "killed_first": is_killed,
        "stored_before_seconds": round(calm.seconds, 1),
        "rekey_seconds": round(seconds, 1),
        "report": report,
        "reconciled": audit.accounts(after, traffic.events)["reconciled"],
        "differences": audit.differences(environ, after, (calm.digest, digest)),
    }


def _killed(command: Sequence[str], environ: dict[str, str], seconds: float) -> bool:
    """Whether the command was still at work when it was killed; its workers end with it."""
    attempt = subprocess.Popen(
        [*COMMAND, *command], env=environ, cwd=CHECKOUT, stdout=subprocess.DEVNULL
    )
    try:
        attempt.wait(seconds)
    except subprocess.TimeoutExpired:
        attempt.kill()
        attempt.wait()
        time.sleep(5.0)  # Its workers get a signal, and end by themselves.
        return True
    return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rekeying")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--kill-after", type=float, default=20.0, help="seconds; 0: never")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything in this new folder")
    return parser.parse_args()


def main() -> int:
    chosen = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="headwater-rekeying-") as temporary:
        folder = (chosen.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        broker = own_kafka(folder / "kafka")
        broker.start(dies_with_parent=True)
        try:
            broker.wait_ready(PATIENCE_SECONDS)
            found = rekey(
                broker, folder, chosen.events, chosen.seed, chosen.partitions, chosen.kill_after
            )
        finally:
            broker.kill()
    print(json.dumps(found))
    return 0 if found["passed"] else 1


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
