"""Names and default parameters of the models. Cheap to import: no arrays."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from msgspec import Struct

from schemas.time import DAY_MS

Heuristic = Literal["first", "last", "linear", "time_decay", "position"]
"""Rule-based models: they look at a single path, and only at positions or times."""

Model = Heuristic | Literal["markov", "shapley"]

HEURISTICS: tuple[Heuristic, ...] = get_args(Heuristic)
MODELS: tuple[Model, ...] = (*HEURISTICS, "markov", "shapley")

END_SHARE = 0.4
"""Position based: share of the first and of the last touchpoint; those between share the rest.

A single touchpoint gets everything, and two get half each.
"""

HALF_LIFE_MS = 7 * DAY_MS
"""Time decay by age: the default of Google Analytics' former model."""

HALF_LIFE_POSITIONS = 2.0
"""Time decay without times: a touchpoint counts half as much as the one this many positions
later."""

ORDERS_SAMPLED = 200
"""Orders sampled for Shapley values of many channels; each is used forwards and backwards."""


class ChainBounds(Struct, frozen=True, kw_only=True):
    """Limits on the size of a Markov chain. Beyond a limit the result is an `Unsolved`."""

    states: int = 50_000
    states_inverted: int = 2_000
    """Up to this size one matrix inverse serves all channels; beyond, paths are walked per
    channel."""
    steps_walked: int = 10_000
    states_of_game: int = 1_000
    """For Shapley values: at this size, all sets of 12 channels or a hundred orders take
    seconds."""
    channels_of_exact_game: int = 12
    """Up to this number of channels all sets are evaluated: 4,096 sets for 12 channels."""


BOUNDS = ChainBounds()


def is_heuristic(model: Model) -> TypeGuard[Heuristic]:
    """Whether the model needs no learned weights."""
    return model in HEURISTICS
