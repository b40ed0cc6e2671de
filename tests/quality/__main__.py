"""`python -m tests.quality`: false alarms on quiet days, and how soon what is gone is found."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.quality.proofs import detection, false_alarms
from tests.worlds.stores.migrated import migrated_store


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apps", type=int, default=20, help="apps of the quiet days")
    parser.add_argument("--days", type=int, default=30, help="quiet days")
    parser.add_argument("--runs", type=int, default=100, help="outages of each kind")
    plan = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = migrated_store(Path(folder) / "store")
        quiet = false_alarms(store, np.random.default_rng(plan.seed), plan.apps, plan.days)
        rng = np.random.default_rng(plan.seed + 1)
        gone = detection(store, rng, plan.runs, left=0.0, hours=2)
        half = detection(store, rng, plan.runs, left=0.5, hours=6)
        store.close()
    report = {
        "alarms_per_app": quiet, "most_in_one_app": max(quiet),
        "gone_found_within_2_h": gone, "half_gone_found_within_6_h": half,
    }  # fmt: skip
    holds = max(quiet) <= 1 and gone >= 0.95 and half >= 0.95
    print(json.dumps(report | {"holds": holds}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
