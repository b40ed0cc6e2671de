"""What a learner says of its models: versions, refusals, and who leads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

Figures = dict[str, float]
"""Evidence by name; what is not a number is left out."""


class Publication(Struct, frozen=True):
    """A version that passed its gate: store it, then mark it in every partition."""

    model: str
    version: str
    content: bytes
    contestant: str = ""  # whose weights these are; empty where there is but one
    parent: str = ""  # the version published before
    figures: Figures = {}


class Refusal(Struct, frozen=True):
    """A version that failed its gate. `suspends`: what is live is no good either."""

    model: str
    version: str
    reason: str
    contestant: str = ""
    figures: Figures = {}
    suspends: bool = False


class NewChampion(Struct, frozen=True):
    """Another contestant is the one whose versions are published from here on."""

    model: str
    contestant: str
    reason: str
    figures: Figures = {}


class Rejected(NamedTuple):
    """Why a gate does not let a version pass."""

    reason: str


Verdict = Publication | Refusal | NewChampion


def finite(figures: Mapping[str, float]) -> Figures:
    """What is not a number is left out."""
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}
