"""Installs, money and features of a recorded history, decided as the product decides them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from online_models.features.carried import carried_features
from online_models.scoring.landmarks import LANDMARKS
from schemas import topics
from schemas.outcomes import FeatureRow
from streams.errors import Stop
from streams.lab.evaluation.replay.history_replay import replay_history
from streams.lab.evaluation.replay.world_features import NamedFeatures
from streams.progress import Progress
from streams.replay.memory_log import MemoryRecord
from streams.replay.tally import ConversionKey
from streams.settings import Settings

_INSTALLS_MIN = 1_000
"""Figures of fewer would be noise."""


class DecidedInstall(msgspec.Struct, frozen=True, gc=False):
    """The fields of an attribution that say who installed, and through whom."""

    install_id: str
    version: int
    conversion_type: str
    app_id: str
    platform: str
    country_code: str
    install_time: int
    media_source: str
    campaign_id: str
    environment: str = "production"

    @property
    def key(self) -> ConversionKey:
        """An install id is unique within its app only."""
        return self.app_id, self.install_id


class BookedRevenue(msgspec.Struct, frozen=True, gc=False):
    """The fields of a revenue row that say who paid what, and when."""

    app_id: str
    install_id: str
    transaction_id: str
    kind: str
    event_time: int
    currency: str
    amount_micros: int
    environment: str = "production"

    @property
    def payer(self) -> ConversionKey:
        """App and install of whoever paid."""
        return self.app_id, self.install_id


class ServedPrediction(msgspec.Struct, frozen=True, gc=False):
    """The fields of a prediction row that say what was answered, and by whom."""

    app_id: str
    install_id: str
    target: str
    landmark: str
    chances: dict[str, float]
    tier: str
    model_version: str
    predicted_at: int

    @property
    def key(self) -> ConversionKey:
        """An install id is unique within its app only."""
        return self.app_id, self.install_id


class TriedVersion(msgspec.Struct, frozen=True, gc=False):
    """The fields of a change in the life of a model version that say on what evidence it went."""

    model: str
    version: str
    state: str
    reason: str
    figures: dict[str, float]


@dataclass(slots=True)
class DecidedHistory:
    """What the stages decided."""

    installs: list[DecidedInstall] = field(default_factory=list)
    """First decisions, by time of install."""
    bookings: list[tuple[BookedRevenue, int]] = field(default_factory=list)
    """Revenue rows with their log time, in log order."""
    features: dict[ConversionKey, dict[str, NamedFeatures]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By app and install, and by name of each landmark that was reached, as the product froze
    them."""
    predictions: list[ServedPrediction] = field(default_factory=list)
    """Of every target, in log order."""
    versions: list[TriedVersion] = field(default_factory=list)
    """Changes of model versions, in log order."""
    dead_letters: int = 0
    """Events that could not be read."""
    until_ms: int = 0
    """Log time of the last outcome."""


def read_decided_history(
    settings: Settings,
    files: Sequence[Path],
    model: str,
    advance: Progress,
    installs_min: int = _INSTALLS_MIN,
) -> DecidedHistory:
    """Replay the files through all stages. Stop: they hold too few installs for `model`."""
    outcomes = DecidedOutcomes()
    replay_history(settings, files, outcomes.take, (advance, "decide installs and payments"))
    history = outcomes.finished()
    if len(history.installs) < installs_min:
        raise Stop(
            f"{len(history.installs)} installs in these files: a {model} model needs "
            f"{installs_min} or more; add history"
        )
    return history


class DecidedOutcomes:
    """Collects outcomes of production traffic as the replay writes them."""

    def __init__(self) -> None:
        self.history = DecidedHistory()
        self.installs: dict[ConversionKey, DecidedInstall] = {}
        self._installs = msgspec.json.Decoder(DecidedInstall)
        self._bookings = msgspec.json.Decoder(BookedRevenue)
        self._features = msgspec.json.Decoder(FeatureRow)
        self._predictions = msgspec.json.Decoder(ServedPrediction)
        self._versions = msgspec.json.Decoder(TriedVersion)

    def finished(self) -> DecidedHistory:
        """The history, once the replay has ended."""
        self.history.installs = sorted(
            self.installs.values(), key=lambda one: (one.install_time, *one.key)
        )
        self._carry_features()
        return self.history

    def _carry_features(self) -> None:
        """Of a landmark at which nothing was new, the product publishes predictions alone."""
        reached: dict[ConversionKey, set[str]] = defaultdict(set)
        for prediction in self.history.predictions:
            reached[prediction.key].add(prediction.landmark)
        for key, names in reached.items():
            known, last = self.history.features[key], ""
            for landmark in LANDMARKS:
                name = landmark.name
                if last and name in names and name not in known:
                    known[name] = carried_features(known[last], last, name)
                last = name if name in known else last

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        for record in records:
            self.history.until_ms = max(self.history.until_ms, record.timestamp)
            self._take(topic, record.value or b"", record.timestamp)

    def _take(self, topic: str, value: bytes, logged_at: int) -> None:
        if topic == topics.ATTRIBUTIONS.name:
            install = self._installs.decode(value)
            if is_first_install(install):
                self.installs[install.key] = install
        elif topic == topics.REVENUE.name:
            booking = self._bookings.decode(value)
            if booking.environment == "production":
                self.history.bookings.append((booking, logged_at))
        elif topic == topics.FEATURES.name:
            row = self._features.decode(value)
            self.history.features[row.app_id, row.install_id][row.landmark] = row.features
        elif topic == topics.PREDICTIONS.name:
            self.history.predictions.append(self._predictions.decode(value))
        elif topic == topics.DEAD_LETTERS.name:
            self.history.dead_letters += 1
        elif topic == topics.MODEL_VERSIONS.name:
            self.history.versions.append(self._versions.decode(value))


def is_first_install(install: DecidedInstall) -> bool:
    """Whether this is the first decision on a real install, as views count installs."""
    is_first = install.version == 1 and install.conversion_type != "reengagement"
    return is_first and install.environment == "production"
