"""The names of the models and what they have by default. Cheap to import: no arrays."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from msgspec import Struct

from schemas.time import DAY_MS

Heuristic = Literal["first", "last", "linear", "time_decay", "position"]
"""Models that look at one path alone, and at nothing but positions or times."""

Model = Heuristic | Literal["markov", "shapley"]

HEURISTICS: tuple[Heuristic, ...] = get_args(Heuristic)
MODELS: tuple[Model, ...] = (*HEURISTICS, "markov", "shapley")

END_SHARE = 0.4
"""What the first and the last touchpoint get each by position; those between share the rest.

A single touchpoint gets everything; two get half each.
"""

HALF_LIFE_MS = 7 * DAY_MS
"""Time decay where times are known: the default of Google Analytics' former model."""

HALF_LIFE_POSITIONS = 2.0
"""Where nobody recorded times, a touchpoint counts half as much as the one so many later."""

ORDERS_SAMPLED = 200
"""Shapley values of many channels: each order is used forwards and backwards."""


class ChainBounds(Struct, frozen=True, kw_only=True):
    """How large a Markov chain may be. Beyond a bound there is no answer but an Unsolved."""

    states: int = 50_000
    states_inverted: int = 2_000
    """Up to here one inverse answers for all channels; beyond, all paths walk without each."""
    steps_walked: int = 10_000
    states_of_game: int = 1_000
    """For Shapley values: all sets of 12 channels, or a hundred orders, take seconds at this."""
    channels_of_exact_game: int = 12
    """Whose 4,096 sets are all looked at."""


BOUNDS = ChainBounds()


def is_heuristic(model: Model) -> TypeGuard[Heuristic]:
    return model in HEURISTICS
