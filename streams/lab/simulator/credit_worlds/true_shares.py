"""What really caused an install: the Shapley value of each channel in the true rate.

That is counterfactual removal, averaged over all orders of removing channels. What is left without
any channel is organic. In an additive rate it is each channel's own part.
"""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np

from streams.lab.simulator.credit_worlds.install_rates import InstallRate, Situation
from streams.lab.simulator.draws import FloatColumn


def true_shares(rate: InstallRate, at: Situation) -> FloatColumn:
    """One row per channel and a last one for organic; columns, one per install, sum to 1."""
    channels = len(at.strength)
    rates = np.array([rate(_without(at, kept)) for kept in range(1 << channels)])
    shares = np.zeros((channels + 1, len(at.intent)))
    for kept in range(1 << channels):
        chance = 1 / (channels * comb(channels - 1, min(kept.bit_count(), channels - 1)))
        for channel in range(channels):
            if not kept >> channel & 1:
                shares[channel] += chance * (rates[kept | 1 << channel] - rates[kept])
    shares[channels] = rates[0]
    return np.asarray(shares / rates[-1])


def _without(at: Situation, kept: int) -> Situation:
    is_kept = np.array([kept >> channel & 1 for channel in range(len(at.strength))], np.float64)
    return replace(at, strength=at.strength * is_kept[:, None])
