"""The models that a journeys partition uses. Markers in its own log switch them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from msgspec import msgpack
from msgspec.structs import replace

from attribution.rules.rules import Rules
from online_models.challengers.target_scorer import load_target_scorer
from online_models.credit.persistence import CREDIT, CreditModel, load_credit_model
from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.pairs.match_model import MATCHES, MatchModel, load_match_model
from online_models.persistence.envelope import Unusable
from online_models.scoring.labels import LabelSchedule
from online_models.scoring.landmark_scores import ScoringModels
from online_models.scoring.shrunk_rates import RateRules, ShrunkRates, load_rates
from online_models.scoring.tiers import ChanceScorer, LiveModel, TargetModels, TierRules
from online_models.targets.targets import DEFAULT_TARGETS, VALUE, Target, Targets
from online_models.value.persistence import load_value_scorer
from online_models.value.rules import ValueRules
from online_models.value.scorer import ValueScorer
from schemas.records import StoredFormat
from schemas.time import LogMs
from streams.errors import HeadwaterError
from streams.stages.common.live_pair_model import pair_model_of
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.common.working_set import Timers
from streams.stages.experiments.experiment_steps import OrderedExperiments

FindSnapshot = Callable[[str], bytes | None]
"""Finds the content of a version. The runtime provides it before its marker is decided on."""

M = TypeVar("M")
_Versions = dict[str, tuple[str, LogMs]]
ACTIVE_VERSIONS: StoredFormat[_Versions] = StoredFormat("active model versions", _Versions)
READY_MAX = 4
"""Versions of a model kept in memory: partitions switch at slightly different times."""


@dataclass(frozen=True, slots=True)
class ScoringRules:
    """Targets that are predicted, and the rules of the tiers that answer."""

    targets: Targets = DEFAULT_TARGETS
    slots: int = HazardRules().slots
    """Slots for hashed feature names, in all models."""
    tiers: TierRules = field(default_factory=TierRules)


class SnapshotLostError(HeadwaterError):
    """A version that scores was never published, or its copy was not waited for."""


class ReadyVersions(Generic[M]):
    """Read-only copies of one model by version."""

    def __init__(self, model: str, load: Callable[[bytes], M | Unusable]) -> None:
        self._model = model
        self._load = load
        self._ready: dict[str, M | None] = {}

    def __contains__(self, version: str) -> bool:
        return version in self._ready

    def get(self, version: str, find: FindSnapshot, observer: StageObserver) -> M | None:
        """The model of a version; None if the version is empty, or its snapshot is unusable.

        SnapshotLostError: the snapshot of the version is missing.
        """
        if not version:
            return None
        if version not in self._ready:
            content = find(version)
            if content is None:
                raise SnapshotLostError(f"snapshot {version} was marked but never published")
            if not content:
                observer.on_gate(self._model, "unusable")
                return None  # Deleted: it may be published again.
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

    def __init__(self, find: FindSnapshot, observer: StageObserver, rules: ScoringRules) -> None:
        self.rules = rules
        self.encoder = Encoder(rules.slots, HazardRules().seed)
        self.releases = LabelSchedule(rules.targets)
        self._find = find
        self._observer = observer
        self._hazards: dict[str, ReadyVersions[ChanceScorer]] = {}
        self._rates: dict[str, ReadyVersions[ShrunkRates]] = {}
        for target in rules.targets.hazards:
            of_target = HazardRules(target.shape, rules.slots, prior=target.prior)
            rates = RateRules(shape=target.shape, prior=target.prior)
            for model in (target.name, target.challenger):
                self._hazards[model] = ReadyVersions(
                    model,
                    partial(load_target_scorer, rules=of_target, declared=target.challengers),
                )
            self._rates[target.name] = ReadyVersions(target.rates, partial(load_rates, rules=rates))
        self._values = ReadyVersions(
            VALUE, partial(load_value_scorer, rules=ValueRules(rules.slots))
        )
        self._credits = ReadyVersions(CREDIT, load_credit_model)
        self._matches = ReadyVersions(MATCHES, load_match_model)

    def hazard(self, model: str, version: str) -> ChanceScorer | None:
        return self._hazards[model].get(version, self._find, self._observer)

    def rates(self, target: str, version: str) -> ShrunkRates | None:
        return self._rates[target].get(version, self._find, self._observer)

    def value(self, version: str) -> ValueScorer | None:
        return self._values.get(version, self._find, self._observer)

    def holds(self, version: str) -> bool:
        """Whether the version is ready, so that its snapshot is not asked for."""
        return (
            any(version in one for one in self._hazards.values())
            or any(version in one for one in self._rates.values())
            or version in self._values
            or version in self._credits
            or version in self._matches
        )

    def credit(self, version: str) -> CreditModel | None:
        """The model that shares credit; None: there is none, so only rule-based methods share
        it."""
        return self._credits.get(version, self._find, self._observer)

    def match(self, version: str) -> MatchModel | None:
        """The live pair model; None: there is none, so the weights of the rules decide."""
        return self._matches.get(version, self._find, self._observer)


class ActiveModels:
    """The versions in use in one partition, by model, and the log time up to which each had
    learned."""

    def __init__(self, scorers: Scorers) -> None:
        self._scorers = scorers
        self._versions: dict[str, tuple[str, LogMs]] = {}
        self._models: ScoringModels | None = None
        self._credit: CreditModel | None = None
        self._is_credit_known = False
        self._rules: tuple[Rules, Rules] | None = None  # as declared, and as they apply

    def restore(self, value: bytes) -> None:
        for model, (version, published_at) in ACTIVE_VERSIONS.decode(value).items():
            self.switch(model, version, published_at)

    def encode(self) -> bytes:
        return ACTIVE_VERSIONS.marker + msgpack.encode(self._versions, order="deterministic")

    @property
    def unready_versions(self) -> list[str]:
        """Versions in use whose snapshots are still to be read."""
        return [version for version, _ in self._versions.values() if not self.is_ready(version)]

    def is_ready(self, version: str) -> bool:
        """Whether the version can be switched to without its snapshot."""
        return self._scorers.holds(version)

    @property
    def targets(self) -> Targets:
        return self._scorers.rules.targets

    def switch(self, model: str, version: str, published_at: LogMs) -> None:
        """Use this version from now on; "" suspends the model."""
        if version:
            self._versions[model] = version, published_at
        else:
            self._versions.pop(model, None)
        self._models = None
        self._is_credit_known = False
        self._rules = None

    def rules(self, declared: Rules) -> Rules:
        """The rules with the pair model that is live, if any."""
        known = self._rules
        if known is None or known[0] is not declared:
            live = self._scorers.match(self._version(MATCHES)[0])
            applied = replace(declared, pair_model=pair_model_of(live)) if live else declared
            self._rules = known = declared, applied
        return known[1]

    @property
    def models(self) -> ScoringModels:
        if self._models is None:
            by_target = {one.name: self._of_target(one) for one in self.targets.hazards}
            version, _ = self._version(VALUE)
            value = self._scorers.value(version)
            self._models = ScoringModels(
                self._scorers.encoder,
                self.targets,
                self._scorers.releases,
                by_target,
                value,
                version,
            )
        return self._models

    @property
    def credit(self) -> CreditModel | None:
        if not self._is_credit_known:
            self._credit = self._scorers.credit(self._version(CREDIT)[0])
            self._is_credit_known = True
        return self._credit

    def _of_target(self, target: Target) -> TargetModels:
        version, _ = self._version(target.rates)
        return TargetModels(
            target=target,
            champion=self._live(target.name),
            challenger=self._live(target.challenger),
            rates=self._scorers.rates(target.name, version),
            rates_version=version,
            rules=self._scorers.rules.tiers,
        )

    def _live(self, model: str) -> LiveModel | None:
        version, published_at = self._version(model)
        scorer = self._scorers.hazard(model, version)
        return None if scorer is None else LiveModel(scorer, version, published_at)

    def _version(self, model: str) -> tuple[str, LogMs]:
        return self._versions.get(model, ("", LogMs(0)))


@dataclass(frozen=True, slots=True)
class JourneyContext:
    """What all decisions of one partition share."""

    partition: int
    partitions: int
    declared_rules: Rules
    rule_set: str
    timers: Timers
    active: ActiveModels
    observer: StageObserver
    erased_names: Sequence[AnonymousIds] = ()
    """By which erased installs are known: of the secret in force, and of the one before."""

    experiments: OrderedExperiments = field(default_factory=OrderedExperiments)

    @property
    def rules(self) -> Rules:
        """The rules in force here, with the pair model that is live."""
        return self.active.rules(self.declared_rules)
