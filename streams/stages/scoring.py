"""Which model a journeys partition scores with: switched by markers in its own log."""

from __future__ import annotations

from collections.abc import Callable

from online_models.fallback import Tiers
from online_models.landmarks import TARGET
from online_models.payer import Scorer
from online_models.snapshots import Unusable, load_scorer
from streams.stages.observer import StageObserver

FindSnapshot = Callable[[str], bytes | None]
"""The content of a version. The shell makes sure that it is there before its marker is read."""

SCORERS_MAX = 4
"""Versions kept ready for scoring; partitions switch at slightly different moments."""


class Scorers:
    """Read-only scorers by version, shared by the partitions of a worker."""

    def __init__(self, find: FindSnapshot, observer: StageObserver, prior: float) -> None:
        """`prior` is the payer share assumed while no model has passed its gate."""
        self.prior = prior
        self._find = find
        self._observer = observer
        self._ready: dict[str, Scorer | None] = {}

    def get(self, version: str) -> Scorer | None:
        """None when the snapshot cannot be used: then the constant tier answers."""
        if version not in self._ready:
            self._ready[version] = self._load(version)
            while len(self._ready) > SCORERS_MAX:
                del self._ready[next(iter(self._ready))]
        return self._ready[version]

    def _load(self, version: str) -> Scorer | None:
        content = self._find(version)
        if content is None:
            raise LookupError(f"snapshot {version} was marked but never published")
        scorer = load_scorer(content)
        if isinstance(scorer, Unusable):
            self._observer.on_gate(TARGET, "unusable")
            return None
        return scorer


class ActiveModel:
    """The version in force in one partition; "" is none."""

    def __init__(self, scorers: Scorers) -> None:
        self._scorers = scorers
        self.version = ""
        self._tiers: Tiers | None = None

    def restore(self, value: bytes) -> None:
        self.switch(value.decode())

    def encode(self) -> bytes:
        return self.version.encode()

    def switch(self, version: str) -> None:
        """From now on this version scores; "" suspends the model."""
        self.version = version
        self._tiers = None

    @property
    def tiers(self) -> Tiers:
        if self._tiers is None:
            scorer = self._scorers.get(self.version) if self.version else None
            self._tiers = Tiers(self._scorers.prior, scorer)
        return self._tiers
