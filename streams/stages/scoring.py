"""Which models a journeys partition uses: switched by markers in its own log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import msgpack

from online_models.credit.snapshots import CREDIT, CreditModel, load_model
from online_models.fallback import Tiers
from online_models.landmarks import TARGET
from online_models.payer import Scorer
from online_models.snapshots import Unusable, load_scorer
from streams.stages.observer import StageObserver

FindSnapshot = Callable[[str], bytes | None]
"""The content of a version. The shell makes sure that it is there before its marker is read."""

READY_MAX = 4
"""Versions of a model kept ready; partitions switch at slightly different moments."""

M = TypeVar("M")


class ReadyVersions(Generic[M]):
    """Read-only copies of one model by version."""

    def __init__(self, model: str, load: Callable[[bytes], M | Unusable]) -> None:
        self._model = model
        self._load = load
        self._ready: dict[str, M | None] = {}

    def get(self, version: str, find: FindSnapshot, observer: StageObserver) -> M | None:
        """None when the snapshot cannot be used."""
        if version not in self._ready:
            content = find(version)
            if content is None:
                raise LookupError(f"snapshot {version} was marked but never published")
            loaded = self._load(content)
            if isinstance(loaded, Unusable):
                observer.on_gate(self._model, "unusable")
                self._ready[version] = None
            else:
                self._ready[version] = loaded
            while len(self._ready) > READY_MAX:
                del self._ready[next(iter(self._ready))]
        return self._ready[version]


class Scorers:
    """Read-only models by version, shared by the partitions of a worker."""

    def __init__(self, find: FindSnapshot, observer: StageObserver, prior: float) -> None:
        """`prior` is the payer share assumed while no model has passed its gate."""
        self.prior = prior
        self._find = find
        self._observer = observer
        self._payers: ReadyVersions[Scorer] = ReadyVersions(TARGET, load_scorer)
        self._credits: ReadyVersions[CreditModel] = ReadyVersions(CREDIT, load_model)

    def payer(self, version: str) -> Scorer | None:
        """None when there is none to be used: then the constant tier answers."""
        return self._payers.get(version, self._find, self._observer) if version else None

    def credit(self, version: str) -> CreditModel | None:
        """None when there is none to be used: then only rules share credit."""
        return self._credits.get(version, self._find, self._observer) if version else None


class ActiveModels:
    """The versions in force in one partition, by model."""

    def __init__(self, scorers: Scorers) -> None:
        self._scorers = scorers
        self._versions: dict[str, str] = {}
        self._tiers: Tiers | None = None
        self._credit: CreditModel | None = None
        self._is_credit_known = False

    def restore(self, value: bytes) -> None:
        for model, version in msgpack.decode(value, type=dict[str, str]).items():
            self.switch(model, version)

    def encode(self) -> bytes:
        return msgpack.encode(self._versions, order="deterministic")

    @property
    def versions(self) -> list[str]:
        return list(self._versions.values())

    def switch(self, model: str, version: str) -> None:
        """From now on this version is used; "" suspends the model."""
        if version:
            self._versions[model] = version
        else:
            self._versions.pop(model, None)
        self._tiers = None
        self._is_credit_known = False

    @property
    def tiers(self) -> Tiers:
        if self._tiers is None:
            scorer = self._scorers.payer(self._versions.get(TARGET, ""))
            self._tiers = Tiers(self._scorers.prior, scorer)
        return self._tiers

    @property
    def credit(self) -> CreditModel | None:
        if not self._is_credit_known:
            self._credit = self._scorers.credit(self._versions.get(CREDIT, ""))
            self._is_credit_known = True
        return self._credit
