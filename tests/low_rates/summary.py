"""What the games of one kind say together, against what is demanded of models at low rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.low_rates.game_figures import SmallGameFigures

SUMMARY_HEAD = """
worse: games in which served is shown worse than the best simple baseline (95 %); gain: mean of best
minus served; constant: games with 300 payers in which served is not below it; ratio: mean, and
games with 60 payers outside 0.9 to 1.1; placebo: median and highest spread, games over 1.3
  rate installs games payers | d7: worse     gain constant     ratio out | d30: worse     gain |"""
SUMMARY_HEAD += "  full | placebo median  max over | under"

RATIO_PAYERS_MIN, CONSTANT_PAYERS_MIN = 60, 300
_RATIO_LOW, _RATIO_HIGH, _SPREAD_MAX = 0.9, 1.1, 1.3


def summary_row(games: Sequence[SmallGameFigures]) -> str:
    d7, d30 = [one.d7 for one in games], [one.d30 for one in games]
    worse7, worse30 = (sum(one.above_best[1] > 0 for one in of) for of in (d7, d30))
    gain7, gain30 = (-float(np.mean([one.above_best[0] for one in of])) for of in (d7, d30))
    many = [one for one in d7 if one.payers >= CONSTANT_PAYERS_MIN]
    above_constant = sum(one.served >= one.baselines["constant"] for one in many)
    judged = [one.ratio for one in d7 if one.payers >= RATIO_PAYERS_MIN]
    out = sum(not _RATIO_LOW <= one <= _RATIO_HIGH for one in judged)
    spreads = [one.placebo_spread for one in games]
    ratio = float(np.mean(judged)) if judged else float("nan")
    full = np.mean([one.full_share for one in d7])
    over = sum(one > _SPREAD_MAX for one in spreads)
    return (
        f"{games[0].rate:6.3f} {games[0].installs:8,} {len(games):5}"
        f" {np.mean([one.payers for one in d7]):6.0f} |"
        f" {worse7:9} {gain7:+8.4f} {above_constant:3}/{len(many):<4}"
        f" {ratio:5.2f} {out:2}/{len(judged):<2} |"
        f" {worse30:10} {gain30:+8.4f} | {full:5.2f} |"
        f" {np.median(spreads):14.2f} {max(spreads):4.2f} {over:4} |"
        f" {sum(one.under_minimum for one in games):5}"
    )
