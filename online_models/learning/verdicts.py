"""What a learner decides about its models: versions published or refused, and new champions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

VersionFigures = dict[str, float]
"""Evidence by name; NaN is left out."""


class Publication(Struct, frozen=True):
    """A version that passed its gate: store it, then mark it in every partition."""

    model: str
    version: str
    content: bytes
    challenger: str = ""
    """Name of the challenger whose weights these are, or of the champion (`main`); empty where a
    target has one model alone."""
    parent: str = ""
    """The version that was published before."""
    figures: VersionFigures = {}


class Refusal(Struct, frozen=True):
    """A version that failed its gate. `suspends`: the live version has to go as well."""

    model: str
    version: str
    reason: str
    challenger: str = ""
    figures: VersionFigures = {}
    suspends: bool = False


class NewChampion(Struct, frozen=True):
    """A challenger whose versions are published from here on."""

    model: str
    challenger: str
    reason: str
    figures: VersionFigures = {}


class Rejected(NamedTuple):
    """Why a gate does not let a version pass."""

    reason: str


Verdict = Publication | Refusal | NewChampion


def finite(figures: Mapping[str, float]) -> VersionFigures:
    """The figures that are finite."""
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}
