"""Which model a journeys partition scores with: switched by markers in its own log."""

from __future__ import annotations

from collections.abc import Mapping

from online_models.fallback import Tiers
from online_models.payer import Scorer

Scorers = Mapping[str, Scorer]
"""Read-only scorers by version. The shell makes sure that a version is there before its marker."""

PRIOR = 0.03
"""Payer share assumed while no model has passed its gates."""


class ActiveModel:
    def __init__(self, scorers: Scorers) -> None:
        self._scorers = scorers
        self.version = ""
        self._tiers: Tiers | None = Tiers(PRIOR)

    def restore(self, value: bytes) -> None:
        self.version = value.decode()
        self._tiers = None

    def encode(self) -> bytes:
        return self.version.encode()

    def switch(self, version: str) -> None:
        """ "" suspends the model: the constant tier answers."""
        self.version = version
        self._tiers = None

    @property
    def tiers(self) -> Tiers:
        if self._tiers is None:
            self._tiers = Tiers(PRIOR, self._scorers[self.version] if self.version else None)
        return self._tiers
