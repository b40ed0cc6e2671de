"""`python -m tests.experiments`: what the statistics of experiments promise, on thousands of them.

    aa      no difference: how many runs ever claim one, by metric, with daily looks
    ab      a difference: in how many runs the truth is inside the interval at every look
    power   at the planned number of units: how many runs have shown the lift
    split   sample ratio: alarms on sound and on broken splits, with daily looks
    layers  1,000,000 units: layers independent, one layer exclusive, shares as declared, by χ²

Exits with 1 when a bar is missed: false positives at most 5 %, coverage at least 95 %, power at
least 80 % with at most 2.0 times the units of one look.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from online_models.experiments import (
    moments_of_sums,
    sample_ratio_bayes_factor,
    sample_size,
)
from online_models.experiments.sample_ratio import BLOCKED_FROM, WARNED_FROM
from online_models.experiments.sample_size import Baseline
from tests.experiments.layer_proof import layers
from tests.experiments.many_runs import Looks, looks
from tests.experiments.paying_world import WORLDS, Treatment, World, daily_sums

AB = Treatment(payers=1.05, amounts=1.10)


def no_difference(runs: int, seed: int) -> bool:
    sound = True
    for world in WORLDS:
        print(f"\n{world.name}: {runs:,} runs, {world.days} looks; at least one look claims a lift")
        for name, found in looks(world, runs, Treatment(), _tuned(world), seed).items():
            sequence = _ever(found, np.abs(found.lift) > found.reach)
            relative = _ever(found, np.abs(found.relative) > found.relative_reach)
            naive = _ever(found, found.p_fixed < 0.05)
            sound &= sequence <= 0.05 and relative <= 0.05
            print(f"  {name:22} {sequence:7.2%}  relative {relative:7.2%}  naive {naive:7.1%}")
    return sound


def a_difference(runs: int, seed: int) -> bool:
    sound = True
    for world in WORLDS:
        print(f"\n{world.name}: {runs:,} runs, {world.days} looks; truth inside at every look")
        for name, found in looks(world, runs, AB, _tuned(world), seed).items():
            truth, growth = _truth(found)
            absolute = 1.0 - _ever(found, np.abs(found.lift - truth) > found.reach)
            relative = 1.0 - _ever(found, np.abs(found.relative - growth) > found.relative_reach)
            shown = _ever(found, np.abs(found.lift) > found.reach)
            sound &= absolute >= 0.95 and relative >= 0.95
            last = found.variance_removed[:, -1].mean()
            print(
                f"  {name:22} absolute {absolute:7.2%}  relative {relative:7.2%}  "
                f"shown {shown:6.1%}  variance removed {last:6.1%}"
            )
    return sound


def power(runs: int, seed: int) -> bool:
    """Means, of units of which a share pays a lognormal amount, at the planned end and before."""
    sound = True
    for world, lift in zip(WORLDS, (0.3, 0.5, 0.3, 0.3), strict=True):
        rng = np.random.default_rng(seed)
        pilot = moments_of_sums(*daily_sums(world, 400, Treatment(), rng))
        mean, variance = pilot.mean[:, -1, 1].mean(), pilot.covariance[:, -1, 1, 1].mean()
        planned = sample_size(Baseline(float(mean), float(variance**0.5)), lift)
        ratio = planned.at_any_time / planned.at_one_look
        days = 40
        paced = World(
            world.name,
            world.payers,
            int(np.ceil(planned.at_any_time / (2 * days) / (1.0 - world.weekly * 5 / 14))),
            days,
            world.tail,
            world.weekly,
        )
        found = looks(paced, runs, Treatment(amounts=1.0 + lift), planned.at_any_time, seed)["ARPU"]
        shown = _ever(found, np.abs(found.lift) > found.reach)
        sound &= shown >= 0.8 and ratio <= 2.0
        print(
            f"{world.name}: ARPU {lift:+.0%}, {planned.at_any_time:,} units at any time "
            f"({ratio:.2f} times one look): shown in {shown:.1%} of {runs:,} runs"
        )
    return sound


def split(runs: int, seed: int) -> bool:
    """30,000 units in 60 looks, and as many more until 60,000."""
    rng = np.random.default_rng(seed)
    sound = True
    for share in (0.5, 0.51, 0.52):
        first = rng.binomial(500, share, size=(runs, 120)).cumsum(axis=1)
        total = 500 * np.arange(1, 121)
        factor = sample_ratio_bayes_factor(np.stack([first, total - first], axis=-1), (1, 1))
        warned, blocked = ((factor > k).any(axis=1) for k in (WARNED_FROM, BLOCKED_FROM))
        chi = (np.square(2.0 * first - total) / total > 10.83).any(axis=1)  # p < .001
        when = total[(factor > WARNED_FROM).argmax(axis=1)][warned]
        median = f", half of them by {np.median(when):,.0f} units" if warned.any() else ""
        print(
            f"share {share:.2f}: warned {warned.mean():.2%}{median}; blocked {blocked.mean():.2%}; "
            f"χ² p < .001 at some look {chi.mean():.2%}"
        )
        sound &= share > 0.5 or bool(warned.mean() <= 0.05 and blocked.mean() <= 0.001)
    return sound


def _tuned(world: World) -> float:
    """The planned end: all units of both variants."""
    return 2.0 * world.units_a_day * world.days


def _ever(found: Looks, hits: np.ndarray) -> float:
    """The share of runs with a hit at any look that is judged."""
    return float((hits & found.is_judged).any(axis=1).mean())


def _truth(found: Looks) -> tuple[np.ndarray, np.ndarray]:
    """The lift that all runs have on average up to each look: units change where traffic drifts,
    and with them what a mean over them is."""
    control, treated = found.control.mean(axis=0), found.treated.mean(axis=0)
    return treated - control, treated / control - 1.0


PROOFS: dict[str, tuple[Callable[[int, int], bool], int]] = {
    "aa": (no_difference, 10_000),
    "ab": (a_difference, 2_000),
    "power": (power, 1_000),
    "split": (split, 10_000),
    "layers": (layers, 1_000_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.experiments", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help="aa, ab, power, split, layers")
    parser.add_argument("--runs", type=int, help="experiments in each world, or units")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    failed = []
    for name in given.proofs or PROOFS:
        proof, runs = PROOFS[name]
        begun = time.process_time()
        if not proof(given.runs or runs, given.seed):
            failed.append(name)
        print(f"{name}: {time.process_time() - begun:.0f} s of CPU")
    print(f"MISSED: {', '.join(failed)}" if failed else "all bars are met")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
