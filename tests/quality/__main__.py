"""`python -m tests.quality`: false alarms on quiet days, and how soon what is gone is found."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.quality.naive_proofs import naive_alarms, naive_detection
from tests.quality.proofs import detection, false_alarms
from tests.worlds.stores.migrated import migrated_store


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--apps", type=int, default=20, help="apps of the quiet days")
    parser.add_argument("--days", type=int, default=30, help="quiet days")
    parser.add_argument("--runs", type=int, default=100, help="outages of each kind")
    parser.add_argument("--naive", action="store_true", help="ask the naive reading instead")
    plan = parser.parse_args()
    report = _by_naive_reading(plan) if plan.naive else _by_the_view(plan)
    quiet, gone, half = (report[name] for name in ("alarms_per_app", "gone_in_2_h", "half_in_6_h"))
    holds = max(quiet) <= 1 and gone >= 0.95 and half >= 0.95
    print(json.dumps({**report, "most_in_one_app": max(quiet), "holds": holds}))
    return 0 if holds else 1


def _by_the_view(plan: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        store = migrated_store(Path(folder) / "store")
        quiet = false_alarms(store, np.random.default_rng(plan.seed), plan.apps, plan.days)
        rng = np.random.default_rng(plan.seed + 1)
        gone = detection(store, rng, plan.runs, left=0.0, hours=2)
        half = detection(store, rng, plan.runs, left=0.5, hours=6)
        store.close()
    return {"alarms_per_app": quiet, "gone_in_2_h": gone, "half_in_6_h": half}


def _by_naive_reading(plan: argparse.Namespace) -> dict[str, Any]:
    quiet = naive_alarms(np.random.default_rng(plan.seed), plan.apps, plan.days)
    rng = np.random.default_rng(plan.seed + 1)
    gone = naive_detection(rng, plan.runs, left=0.0, hours=2)
    half = naive_detection(rng, plan.runs, left=0.5, hours=6)
    return {
        "alarms_per_app": quiet,
        "gone_in_2_h": gone.of_all, "gone_in_2_h_while_20_an_hour_came": gone.of_busy,
        "half_in_6_h": half.of_all, "half_in_6_h_while_20_an_hour_came": half.of_busy,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
