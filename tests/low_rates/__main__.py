"""Plays small games at several base rates and prints what was served there, as one table.

python -m tests.low_rates --seeds 20 --installs 15000 60000
"""

from __future__ import annotations

import argparse

from streams.lab.simulator.small_game import SmallGameRules
from tests.low_rates.game_figures import SmallGameFigures, play

_HEAD = (
    "  rate installs seed payers |  served  best simple                above best, 95 % |"
    " constant  ratio  full placebo | published under"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="games of each kind")
    parser.add_argument("--installs", type=int, nargs="+", default=[15_000])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.003, 0.006, 0.01])
    parser.add_argument("--by-day", action="store_true", help="events are known to the day only")
    chosen = parser.parse_args()
    print(_HEAD, flush=True)
    for installs in chosen.installs:
        for rate in chosen.rates:
            kinds = [
                SmallGameRules(installs, rate, seed, is_by_day=chosen.by_day)
                for seed in range(1, chosen.seeds + 1)
            ]
            for rules in kinds:
                print(_row(rules, play(rules)), flush=True)


def _row(rules: SmallGameRules, found: SmallGameFigures) -> str:
    low, high = found.above_best
    return (
        f"{rules.rate:6.3f} {rules.installs:8,} {rules.seed:4} {found.payers:6} |"
        f" {found.served:7.4f}  {found.best:17} {found.best_entropy:7.4f}"
        f" {low:+8.4f} {high:+8.4f} | {found.constant:8.4f} {found.ratio:6.2f}"
        f" {found.full_share:5.2f} {found.placebo_spread:7.2f} |"
        f" {found.published:9} {found.under_minimum:5}"
    )


if __name__ == "__main__":
    main()
