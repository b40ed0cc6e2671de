"""Plays small games at several base rates and prints what was served there, and how it did.

python -m tests.low_rates --seeds 20 --installs 15000 60000 --jobs 2 --out low_rates
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

from streams.lab.simulator.small_game import SmallGameRules
from tests.low_rates.game_figures import SmallGameFigures
from tests.low_rates.games import played_games
from tests.low_rates.summary import SUMMARY_HEAD, summary_row

_HEAD = (
    "  rate installs seed payers |  served  best simple                above best, 95 % |"
    " constant  ratio  full placebo | d30: above best, 95 %         | published under"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="games of each kind")
    parser.add_argument("--installs", type=int, nargs="+", default=[15_000])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.003, 0.006, 0.01])
    parser.add_argument("--by-day", action="store_true", help="events are known to the day only")
    parser.add_argument("--staged", action="store_true", help="through all stages, as workers do")
    parser.add_argument("--jobs", type=int, default=max((os.cpu_count() or 2) // 2, 1))
    parser.add_argument("--out", type=Path, default=Path("low_rates"), help="games already played")
    chosen = parser.parse_args()
    games = [
        SmallGameRules(installs, rate, seed, is_by_day=chosen.by_day)
        for seed in range(1, chosen.seeds + 1)
        for installs in chosen.installs
        for rate in chosen.rates
    ]
    print(_HEAD, flush=True)
    found: dict[tuple[int, float], list[SmallGameFigures]] = defaultdict(list)
    for game in played_games(games, chosen.out, chosen.jobs, is_staged=chosen.staged):
        found[game.installs, game.rate].append(game)
        print(_row(game), flush=True)
    print(SUMMARY_HEAD)
    for _, of_kind in sorted(found.items()):
        print(summary_row(of_kind), flush=True)


def _row(game: SmallGameFigures) -> str:
    d7, d30 = game.d7, game.d30
    return (
        f"{game.rate:6.3f} {game.installs:8,} {game.seed:4} {d7.payers:6} |"
        f" {d7.served:7.4f}  {d7.best:17} {d7.baselines[d7.best]:7.4f}"
        f" {d7.above_best[1]:+8.4f} {d7.above_best[2]:+8.4f} | {d7.baselines['constant']:8.4f}"
        f" {d7.ratio:6.2f} {d7.full_share:5.2f} {game.placebo_spread:7.2f} |"
        f" {d30.best:17} {d30.above_best[1]:+8.4f} {d30.above_best[2]:+8.4f} |"
        f" {game.published:9} {game.under_minimum:5}"
    )


if __name__ == "__main__":
    main()
