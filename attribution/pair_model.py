"""What is known about pairs of a touchpoint and an install that share no id.

A pair model is plain numbers: how much more often two traits agree when the touchpoint led to
the install than when it did not, how long true pairs wait, and what a score is worth. It is part
of the rule set, so a decision names the model it was made with.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct, json

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

DELAY_EDGES_MS = (
    10 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
)
"""Click-to-install times are told apart at these; the last bin has no end."""

DELAY_BINS = len(DELAY_EDGES_MS) + 1


class PlaceOdds(Struct, frozen=True, kw_only=True):
    """Natural log of m/u for where both were seen: the closest level that agrees counts, so that
    an address is not counted again as its network and its country."""

    same_address: float
    same_network: float
    same_country: float
    other_country: float
    only_country_same: float  # no network is known
    only_country_other: float
    unknown: float


class DeviceOdds(Struct, frozen=True, kw_only=True):
    """Natural log of m/u for what both were seen with; the closest level counts."""

    same_agent: float
    same_system: float
    other_system: float
    only_system_same: float  # no user agent is known
    only_system_other: float
    unknown: float


class PairModel(Struct, frozen=True, kw_only=True):
    """Log-likelihood ratios of Fellegi and Sunter (1969), and their calibration.

    `click_delay` and `view_delay` are log f_CTIT/f_0 per bin of `DELAY_EDGES_MS`; what a media
    source is known to differ by is added from `source_delay`. With score s of each of n
    candidates, confidence is the softmax of `slope * s - crowding * log n` beside `null`, the log
    odds of no candidate at all.
    """

    place: PlaceOdds
    device: DeviceOdds
    click_delay: tuple[float, ...]
    view_delay: tuple[float, ...]
    source_delay: dict[str, tuple[float, ...]] = {}
    slope: float = 1.0
    crowding: float = 1.0
    null: float = 0.0

    @property
    def version(self) -> str:
        """Names these numbers: equal names mean equal models."""
        content = json.encode(self, order="deterministic")
        return f"pairs-{hashlib.sha256(content).hexdigest()[:12]}"


DEFAULT_MODEL = PairModel(
    place=PlaceOdds(
        same_address=3.0,
        same_network=0.5,
        same_country=-2.5,
        other_country=-5.0,
        only_country_same=0.5,
        only_country_other=-3.0,
        unknown=0.0,
    ),
    device=DeviceOdds(
        same_agent=2.5,
        same_system=-1.0,
        other_system=-4.0,
        only_system_same=1.0,
        only_system_other=-4.0,
        unknown=0.0,
    ),
    click_delay=(0.5, 1.5, 3.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5),
    view_delay=(0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.0, -0.3, -0.6, -1.0),
    slope=1.0,
    crowding=1.0,
    null=2.0,
)
"""Cautious guesses for whoever has no history yet to fit a model from."""
