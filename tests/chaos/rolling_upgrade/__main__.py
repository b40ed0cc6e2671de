"""`python -m tests.chaos.rolling_upgrade`: an earlier build, this one, and back, under load.

Two core workers of the earlier build are replaced one by one, as Kubernetes would, by workers of
this one, and then by workers of the earlier one again, while events arrive. The topics, the tables
and the storing worker are of this build from the beginning, as deploy/README.md asks. The facts
must be those of an undisturbed run of this build. Prints one line of JSON.
"""

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
from tests.chaos.rolling_upgrade.comparison import FORMATS_1, checkout_of, compare_upgrade
from tests.chaos.traffic import read_file, simulate_file


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rolling_upgrade")
    parser.add_argument("--from", dest="commit", default=FORMATS_1, help="the earlier build")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--pace", type=int, default=300, help="events per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep everything in this new folder")
    return parser.parse_args()


def main() -> int:
    chosen = _arguments()
    # A worker that leaves the group makes its neighbours report many times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    fetch_jars()
    with tempfile.TemporaryDirectory(prefix="headwater-upgrade-") as temporary:
        folder = (chosen.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        simulate_file(folder / "traffic.jsonl", chosen.events, chosen.seed)
        traffic = read_file(folder / "traffic.jsonl")
        broker = own_kafka(folder / "kafka")
        broker.start(dies_with_parent=True)
        try:
            broker.wait_ready(PATIENCE_SECONDS)
            with checkout_of(chosen.commit, Path(temporary) / chosen.commit) as earlier:
                verdict = asyncio.run(
                    compare_upgrade(traffic, broker, folder, earlier, chosen.pace, _report)
                )
        finally:
            broker.kill()
    print(json.dumps(verdict.as_json()))
    return 0 if verdict.is_passed else 1


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
