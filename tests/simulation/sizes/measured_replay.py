"""A replay that holds every message and state value against the limits of a real broker."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.topics import BY_NAME, changelog_of
from streams.replay.engine import OutcomeSink, Replay
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, LogRecord, Stage, StateReader
from streams.stages.factory import StageRules

BATCH_OVERHEAD_BYTES = 200
"""What a batch of one message takes besides its key and value, and more."""


class SizeWatch:
    """The largest message of each topic and the largest state value of each stage."""

    def __init__(self) -> None:
        self.largest: dict[str, int] = {}

    def note(self, stage: str, effects: Effects) -> None:
        """Note the sizes of what a decision wants to write."""
        for (topic, _), messages in effects.messages.items():
            for message in messages:
                self._note(topic, message.key, message.value)
        for key, value in effects.changes.items():
            self._note(changelog_of(stage), key, value)

    def _note(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        octets = len(key or b"") + len(value or b"") + BATCH_OVERHEAD_BYTES
        self.largest[topic] = max(octets, self.largest.get(topic, 0))

    def refused(self) -> dict[str, int]:
        """The sizes that a broker with the default limit refuses, by topic."""
        return {
            topic: octets
            for topic, octets in self.largest.items()
            if octets > BY_NAME[topic].message_bytes_max
        }


class _WatchedStage:
    """A stage whose effects are measured."""

    def __init__(self, stage: Stage, watch: SizeWatch) -> None:
        self.name = stage.name
        self.restore = stage.restore
        self.snapshots_needed = stage.snapshots_needed
        self._stage, self._watch = stage, watch

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = self._stage.decide(records, state)
        self._watch.note(self.name, effects)
        return effects


class MeasuredReplay(Replay):
    """A replay whose messages and state values are measured."""

    def __init__(
        self, rules: StageRules, sink: OutcomeSink, watch: SizeWatch, observer: StageObserver
    ) -> None:
        super().__init__(rules, sink, observer)
        self._stages = {name: _WatchedStage(stage, watch) for name, stage in self._stages.items()}
