"""Learning: one ordered log of examples in, gated model versions and their markers out.

The learner is stored whole, now and then, and only then does the committed offset move. So a
restart loads it and learns the same examples again: its versions come out the same, bit for bit.
Where nothing outlives the worker it is not stored, and the offset moves at once: writers to a
broker that keeps little wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import lz4.frame

from online_models.checkpoints import dump_learner, load_learner
from online_models.landmarks import TARGET
from online_models.learner import Learner, LearnerRules, Publication, Refusal
from online_models.snapshots import Unusable
from schemas import topics
from schemas.records import Example, JourneyFrame, ModelMarker, encoder, example_frames
from streams.errors import Stop
from streams.snapshots import snapshot_messages
from streams.stage import Effects, LogRecord, Message, StateReader
from streams.stages.observer import StageObserver

STORE_AFTER_EXAMPLES = 200
CHUNK_BYTES = 400_000
"""The stored learner is cut into values of this size, well below the broker's message limit."""


class Learning:
    name = "learning"

    def __init__(
        self,
        partitions: int,
        rules: LearnerRules,
        observer: StageObserver,
        *,
        is_stored: bool = True,
    ) -> None:
        self._is_stored = is_stored
        self._partitions = partitions
        self._rules = rules
        self._observer = observer
        self._learner = Learner(rules)
        self._chunks = 0
        self._examples = 0  # since the learner was stored

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        chunks = dict(entries)
        if not chunks:
            return
        self._chunks = len(chunks)
        packed = b"".join(chunks[key] for key in sorted(chunks))
        learner = load_learner(lz4.frame.decompress(packed), self._rules)
        if isinstance(learner, Unusable):
            raise Stop(
                f"learning: the stored learner cannot be used ({learner.reason}): it was"
                " written by another version; empty the learning changelog to learn anew"
            )
        self._learner = learner

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = Effects()
        for record in records:
            read = example_frames.decode(record.value or b"").records
            examples = [one for one in read if isinstance(one, Example)]
            self._observer.on_learned(TARGET, len(examples))
            self._examples += len(examples)
            for verdict in self._learner.learn(examples):
                self._publish(verdict, effects)
        is_due = bool(effects.messages) or self._examples >= STORE_AFTER_EXAMPLES
        if is_due and self._is_stored:
            self._examples = 0
            effects.changes = self._stored()
        if is_due or not self._is_stored:
            effects.positions = {
                (record.topic, record.partition): record.offset + 1 for record in records
            }
        return effects

    def _stored(self) -> dict[bytes, bytes | None]:
        packed = lz4.frame.compress(dump_learner(self._learner))
        parts = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
        changes: dict[bytes, bytes | None] = dict.fromkeys(map(_chunk_key, range(self._chunks)))
        changes |= {_chunk_key(number): part for number, part in enumerate(parts)}
        self._chunks = len(parts)
        return changes

    def _publish(self, verdict: Publication | Refusal, effects: Effects) -> None:
        if isinstance(verdict, Refusal):
            self._observer.on_gate(TARGET, "refused")
            if verdict.suspends:
                self._mark("", effects)
            return
        self._observer.on_gate(TARGET, "published")
        for message in snapshot_messages(verdict.version, verdict.content):
            effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)
        self._mark(verdict.version, effects)

    def _mark(self, version: str, effects: Effects) -> None:
        frame = encoder.encode(JourneyFrame({}, [ModelMarker(TARGET, version)]))
        for partition in range(self._partitions):
            message = Message(topics.MODEL_MARKER_KEY, frame)
            effects.send(topics.JOURNEYS.name, partition, message)


def _chunk_key(number: int) -> bytes:
    return f"learner/{number:04d}".encode()
