"""What a file of targets declares of a River challenger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

RIVER_CHALLENGERS_MAX = 4
"""Of one target. Each learns every row in the one learning stage."""

ROW_MICROSECONDS_MAX = 2_000
"""CPU time of a row, predicted and learned, above which a challenger is suspended, unless it is
declared otherwise. At this bound it holds learning to 500 rows a second."""

STATE_BYTES_MAX = 4_000_000
"""Size of what an estimator has learned above which it is suspended, unless declared otherwise:
that much is stored again with every checkpoint of the learners."""


_PART = "/challenger/"


class RiverDeclaration(Struct, frozen=True):
    """A River classifier by the name of its class and its parameters, or by a factory."""

    name: str
    estimator: str = ""
    """Path of a class, such as `river.linear_model.LogisticRegression`."""
    factory: str = ""
    """`module:function` of the user's own code, called with `parameters`."""
    parameters: Mapping[str, Any] = {}
    one_in: int = 1
    """It learns the rows of one install in so many, by a hash of the install's id."""
    row_microseconds: int = ROW_MICROSECONDS_MAX
    state_bytes: int = STATE_BYTES_MAX

    @property
    def described(self) -> str:
        """The class or factory, as it is listed."""
        return self.estimator or self.factory


class PromotionRules(Struct, frozen=True):
    """The evidence that a River challenger needs to lead, over the last blocks."""

    rows: int
    positives: int
    margin: float
    """A share of the champion's log loss."""
    positives_min: int
    """That a version of the leader must have learned, as those of the target must."""


def challenger_model(target: str, challenger: str) -> str:
    """Name of the model that keeps the versions of a River challenger."""
    return f"{target}{_PART}{challenger}"


def is_challenger_model(model: str) -> bool:
    """Whether a model is that of one River challenger, which no partition scores with."""
    return _PART in model


def target_of(model: str) -> str:
    """The target of a model of challengers, or the model itself."""
    return model.partition("/challenger")[0]


def challenger_of(model: str) -> str:
    """Name of the River challenger whose model this is; empty: it is another kind of model."""
    return model.partition(_PART)[2]


def no_clock() -> float:
    """For whoever only reads a log again: the cost of challengers is not measured."""
    return 0.0
