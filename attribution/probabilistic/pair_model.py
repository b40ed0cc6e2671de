"""The pair model: how likely a touchpoint led to an install with which it shares no id.

A pair model consists of plain numbers: how much more often two traits agree if the touchpoint led
to the install than if it did not, how long true pairs take, and the calibration of scores. It is
part of the rule set, so every decision names the model it was made with.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct, json

from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS

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
"""Upper ends of the bins of click-to-install time; the last bin is open."""

DELAY_BINS = len(DELAY_EDGES_MS) + 1


class PlaceOdds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Natural log of m/u for the place of both. Only the closest level that agrees counts, so that
    an address is not counted again as its network and its country."""

    same_address: float
    same_network: float
    same_country: float
    other_country: float
    only_country_same: float  # the network is not known
    only_country_other: float
    unknown: float


class DeviceOdds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Natural log of m/u for the device of both. Only the closest level that agrees counts."""

    same_agent: float
    same_system: float
    other_system: float
    only_system_same: float  # the user agent is not known
    only_system_other: float
    unknown: float


class PairModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log-likelihood ratios of Fellegi and Sunter (1969), and their calibration.

    `click_delay` and `view_delay` are log f_CTIT/f_0 per bin of `DELAY_EDGES_MS`; `source_delay`
    adds the known difference of a media source. With the scores s of n candidates, confidence is
    the softmax of `slope * s - crowding * log n` beside `null`, the log odds that it was none of
    them."""

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
        """A hash of all numbers: equal versions mean equal models."""
        content = json.encode(self, order="deterministic")
        return f"pairs-{hashlib.sha256(content).hexdigest()[:12]}"


DEFAULT_MODEL = PairModel(
    place=PlaceOdds(
        same_address=3.07,
        same_network=-3.72,
        same_country=-4.5,
        other_country=-7.0,
        only_country_same=0.5,
        only_country_other=-3.0,
        unknown=0.0,
    ),
    device=DeviceOdds(
        same_agent=2.67,
        same_system=-0.30,
        other_system=-3.06,
        only_system_same=1.48,
        only_system_other=-2.71,
        unknown=0.15,
    ),
    click_delay=(
        -5.92, -5.15, 5.79, 4.79, 3.61, 2.45, 1.44, 0.64, -0.37, -1.30, -1.83, -2.5, -3.0,
    ),
    view_delay=(
        -5.20, -6.07, -1.56, -1.64, -0.65, -0.83, -0.97, -1.06, -1.32, -1.56, -1.88, -2.5, -3.0,
    ),
    slope=0.81,
    crowding=0.84,
    null=0.43,
)  # fmt: skip
"""The model for installations without a history of their own. It was fitted to three simulated
months with addresses and devices (seeds 9001 to 9003, 300,000 events each, 28,043 installs),
without the delays of their media sources. Cases that never occur there (other networks, more than
six hours) are cautious guesses. `headwater evaluate match --fit` fits a model to your own
history."""
