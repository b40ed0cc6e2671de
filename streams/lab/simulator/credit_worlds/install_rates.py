"""Three ways in which advertising may cause installs. Each gives the true rate of installing.

* additive: every touchpoint adds to the rate, as the learned model assumes (though with a
  half-life of its own for every channel, and half for impressions).
* synergy: logistic in intent and in saturating exposure, with pairs of channels that help each
  other. Touchpoints multiply what intent gives.
* threshold: people become aware, channel by channel and up to a limit, and install once they are
  aware enough and a need comes up. People differ in how easily they are moved, for good.

Retargeting and brand search raise the rate by about a hundredth of what other channels do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from streams.lab.simulator.credit_worlds.audience import CHANNEL_NAMES, STEP_D
from streams.lab.simulator.draws import FloatColumn


@dataclass(frozen=True, slots=True)
class Situation:
    """Columns, one element per person; each person at a time of their own."""

    strength: FloatColumn  # one row per channel
    intent: FloatColumn
    frailty: FloatColumn
    time_d: FloatColumn


InstallRate = Callable[[Situation], FloatColumn]
"""Installs per day of each person."""

# video, social, display, influencer, affiliate, search, retargeting, brand search
_ADDED = np.array([0.030, 0.022, 0.008, 0.060, 0.120, 0.090, 0.0005, 0.001])
_LOG_ODDS = np.array([1.0, 0.9, 0.45, 1.6, 1.7, 1.5, 0.02, 0.02])
_AWARENESS = np.array([0.5, 0.45, 0.22, 1.0, 1.2, 1.0, 0.01, 0.01])
_VIDEO, _SOCIAL, _INFLUENCER, _SEARCH = (
    CHANNEL_NAMES.index(name) for name in ("video", "social", "influencer", "search")
)
_STRENGTH_MAX = 3.0
_AWARE_ENOUGH = 1.6


def additive(at: Situation) -> FloatColumn:
    return np.asarray(0.0065 * np.exp(0.9 * at.intent) + _ADDED @ at.strength)


def synergy(at: Situation) -> FloatColumn:
    felt = -np.expm1(-at.strength)
    pairs = felt[_VIDEO] * felt[_SEARCH] + 0.8 * felt[_SOCIAL] * felt[_INFLUENCER]
    log_odds = np.log(0.006 * STEP_D) + 0.8 * at.intent + _LOG_ODDS @ felt + pairs
    return np.asarray(1 / STEP_D / (1 + np.exp(-log_odds)))


def threshold(at: Situation) -> FloatColumn:
    aware = 0.55 * np.exp(0.35 * at.intent)
    aware = aware + _AWARENESS @ np.minimum(at.strength, _STRENGTH_MAX)
    is_enough = aware**3 / (_AWARE_ENOUGH**3 + aware**3)
    need = 0.16 * (1 + 0.3 * np.sin(2 * np.pi * at.time_d / 7)) * np.exp(0.2 * at.intent)
    return np.asarray(at.frailty * need * is_enough)


INSTALL_RATES: dict[str, InstallRate] = {
    "additive": additive,
    "synergy": synergy,
    "threshold": threshold,
}
