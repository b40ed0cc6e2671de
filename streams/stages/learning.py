"""Learning: one ordered log of examples in, gated model versions and their markers out.

Each learner is stored whole, now and then, and only then does the committed offset move. So a
restart loads them and learns the same examples again: their versions come out the same, bit for
bit. Where nothing outlives the worker they are not stored, and the offset moves at once: writers
to a broker that keeps little wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import lz4.frame

from online_models import checkpoints
from online_models.credit import checkpoints as credit_checkpoints
from online_models.credit.learner import CreditLearner, CreditRefusal, CreditRules, CreditVerdict
from online_models.credit.snapshots import CREDIT
from online_models.landmarks import TARGET
from online_models.learner import Learner, LearnerRules, Publication, Refusal
from online_models.snapshots import Unusable
from schemas import topics
from schemas.records import (
    Example,
    ExampleRecord,
    ExposurePath,
    JourneyFrame,
    ModelMarker,
    encoder,
    example_frames,
)
from streams.errors import Stop
from streams.snapshots import snapshot_messages
from streams.stage import Effects, LogRecord, Message, StateReader
from streams.stages.credit_weights import weigh
from streams.stages.observer import StageObserver

STORE_AFTER_EXAMPLES = 200
CHUNK_BYTES = 400_000
"""The stored learners are cut into values of this size, well below the broker's message limit."""


@dataclass(frozen=True, slots=True)
class LearningRules:
    payer: LearnerRules = field(default_factory=LearnerRules)
    credit: CreditRules = field(default_factory=CreditRules)


class Learning:
    name = "learning"

    def __init__(
        self,
        partitions: int,
        rules: LearningRules,
        observer: StageObserver,
        *,
        is_stored: bool = True,
    ) -> None:
        self._is_stored = is_stored
        self._partitions = partitions
        self._rules = rules
        self._observer = observer
        self._payer = Learner(rules.payer)
        self._credit = CreditLearner(rules.credit, weigh)
        self._parts = StoredParts()
        self._examples = 0  # since the learners were stored

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        parts = self._parts.restore(entries)
        if not parts:
            return
        payer = checkpoints.load_learner(parts.get(TARGET, b""), self._rules.payer)
        credit = credit_checkpoints.load_learner(_without_prefix(parts), self._rules.credit, weigh)
        for learner in (payer, credit):
            if isinstance(learner, Unusable):
                raise Stop(
                    f"learning: the stored learner cannot be used ({learner.reason}): it was"
                    " written by another version; empty the learning changelog to learn anew"
                )
        assert isinstance(payer, Learner)
        assert isinstance(credit, CreditLearner)
        self._payer, self._credit = payer, credit

    def snapshots_needed(self, records: Sequence[LogRecord]) -> Sequence[str]:
        return ()

    def decide(self, records: Sequence[LogRecord], state: StateReader) -> Effects:
        effects = Effects()
        for record in records:
            self._learn(example_frames.decode(record.value or b"").records, effects)
        is_due = bool(effects.messages) or self._examples >= STORE_AFTER_EXAMPLES
        if is_due and self._is_stored:
            self._examples = 0
            effects.changes = self._stored()
        if is_due or not self._is_stored:
            effects.positions = {
                (record.topic, record.partition): record.offset + 1 for record in records
            }
        return effects

    def _learn(self, read: Sequence[ExampleRecord], effects: Effects) -> None:
        examples = [one for one in read if isinstance(one, Example)]
        paths = [one for one in read if isinstance(one, ExposurePath)]
        self._examples += len(read)
        self._observer.on_learned(TARGET, len(examples))
        self._observer.on_learned(CREDIT, len(paths))
        for verdict in self._payer.learn(examples):
            self._publish(TARGET, verdict, effects)
        before = self._credit.bounds_hit()
        for credit_verdict in self._credit.learn(paths):
            self._publish(CREDIT, credit_verdict, effects)
        for bound, count in self._credit.bounds_hit().items():
            if count > before[bound]:
                self._observer.on_evicted(bound, count - before[bound])

    def _stored(self) -> dict[bytes, bytes | None]:
        known = _without_prefix(self._parts.parts)
        dumped = credit_checkpoints.dump_learner(self._credit, known)
        return self._parts.store(
            {
                TARGET: checkpoints.dump_learner(self._payer),
                **{f"{CREDIT}/{name}": part for name, part in dumped.items()},
            }
        )

    def _publish(
        self,
        model: str,
        verdict: Publication | Refusal | CreditVerdict,
        effects: Effects,
    ) -> None:
        if isinstance(verdict, Refusal | CreditRefusal):
            self._observer.on_gate(model, "refused")
            if verdict.suspends:
                self._mark(model, "", effects)
            return
        self._observer.on_gate(model, "published")
        for message in snapshot_messages(verdict.version, verdict.content):
            effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)
        self._mark(model, verdict.version, effects)

    def _mark(self, model: str, version: str, effects: Effects) -> None:
        frame = encoder.encode(JourneyFrame({}, [ModelMarker(model, version)]))
        for partition in range(self._partitions):
            message = Message(topics.MODEL_MARKER_KEY, frame)
            effects.send(topics.JOURNEYS.name, partition, message)


class StoredParts:
    """Named parts as state: each compressed, cut into chunks, and written only when it changed."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self._chunks: dict[str, int] = {}

    def restore(self, entries: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
        chunks: dict[str, dict[str, bytes]] = {}
        for key, chunk in entries:
            name, number = key.decode().rsplit("/", 1)
            chunks.setdefault(name, {})[number] = chunk
        for name, found in chunks.items():
            packed = b"".join(found[number] for number in sorted(found))
            self.parts[name] = lz4.frame.decompress(packed)
            self._chunks[name] = len(found)
        return self.parts

    def store(self, parts: dict[str, bytes]) -> dict[bytes, bytes | None]:
        """What changes in the state; `None` deletes."""
        changes: dict[bytes, bytes | None] = {}
        for name in sorted(self.parts.keys() | parts.keys()):
            part = parts.get(name)
            if part == self.parts.get(name):
                continue
            chunks = [] if part is None else _cut(lz4.frame.compress(part))
            for number in range(len(chunks), self._chunks.get(name, 0)):
                changes[_chunk_key(name, number)] = None
            for number, chunk in enumerate(chunks):
                changes[_chunk_key(name, number)] = chunk
            self._chunks[name] = len(chunks)
        self.parts = parts
        return changes


def _cut(packed: bytes) -> list[bytes]:
    return [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]


def _chunk_key(name: str, number: int) -> bytes:
    return f"{name}/{number:04d}".encode()


def _without_prefix(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The parts of the credit learner."""
    prefix = f"{CREDIT}/"
    return {
        name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)
    }
