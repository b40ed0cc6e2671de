"""Floods: the worlds of the seeds under bounds so small that all of them are hit.

Where a bound is hit, arrival order may decide what is remembered. But every offset still has one
fate, the tables agree with the ledger, a replay of the stage logs says the same again, and each
eviction is counted under the name of its bound. `python -m tests.simulation.floods --count 100`
prints which bounds were hit, and how often.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from dataclasses import replace

from msgspec.structs import replace as with_fields

from attribution.rules.rules import Rules
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from tests.simulation.oracle import invariants, projection
from tests.simulation.scenarios.draws import draw
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology

BOUNDS = tuple(name for name in Rules.__struct_fields__ if name.endswith("_max"))
_KEPT = frozenset({"click_window_ms_max", "view_window_ms_max", "late_ms_max"})


class Evictions(StageObserver):
    """Counts what was evicted, by bound."""

    def __init__(self) -> None:
        self.by_bound: Counter[str] = Counter()

    def on_evicted(self, bound: str, count: int) -> None:
        self.by_bound[bound] += count


def run_flood(seed: int) -> Counter[str]:
    """What was evicted; LawBrokenError, or any other exception, when the seed finds something."""
    rules = with_small_bounds(stage_rules(seed), random.Random(f"bounds {seed}"))
    scenario = draw(seed)
    evictions = Evictions()
    run = Topology(scenario, rules, seed, evictions)
    run.run_disturbed(faults=seed % 12)
    stored = projection.tables(run.warehouse.rows)
    invariants.check_rest(run)
    invariants.check_accounting(stored, scenario, run.log)
    invariants.check_replay(run, rules, random.Random(seed), StageObserver())
    return evictions.by_bound


def with_small_bounds(rules: StageRules, chance: random.Random) -> StageRules:
    """Each of them one to three."""
    small = {
        name: chance.randint(1, 3)
        for name in BOUNDS
        if name not in _KEPT and isinstance(getattr(rules.attribution, name), int)
    }
    return replace(rules, attribution=with_fields(rules.attribution, **small))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.floods")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    chosen = parser.parse_args()
    hit, failed = Counter[str](), 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        try:
            hit += run_flood(seed)
        except Exception as error:  # Whatever it is, the seed has found it.
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:800]}", flush=True)
    for name, times in sorted(hit.items()):
        print(f"{times:>8} {name}")
    print(f"never hit: {', '.join(sorted({*BOUNDS} - _KEPT - {*hit})) or 'none'}")
    print(f"{chosen.count} floods, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
