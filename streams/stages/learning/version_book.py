"""Keeps book of model versions: what rows, snapshots and markers say about each of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from online_models.challengers.declaration import is_challenger_model
from online_models.credit.persistence import CREDIT
from online_models.learning.registry import (
    KnownVersion,
    LogPosition,
    Registry,
    VersionChange,
    VersionState,
)
from online_models.learning.verdicts import (
    NewChampion,
    Publication,
    Refusal,
    Verdict,
    VersionFigures,
)
from online_models.pairs.match_model import MATCHES
from schemas import outcomes, topics
from schemas.outcomes import ModelContent, ModelVersion
from schemas.records import CommandKind, JourneyFrame, ModelCommand, ModelMarker, frame_encoder
from schemas.time import LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.snapshot_messages import deletion_messages, snapshot_messages
from streams.stages.contract import Effects, Message, TopicPartition
from streams.stages.learning.parts import cut

Messages = dict[TopicPartition, list[Message]]


class VersionBook:
    """Writes every change of a version to the registry and, as messages, to the log.

    Messages are collected until they are taken with the checkpoint that stores the learners.
    """

    def __init__(self, partitions: int, registry: Registry, observer: StageObserver) -> None:
        self.registry = registry
        self._partitions = partitions
        self._observer = observer
        self._effects = Effects()
        self.is_urgent = False
        """Whether a message should not wait for the next regular checkpoint."""

    def taken(self) -> Messages:
        """The messages collected since the last call."""
        messages, self._effects = self._effects.messages, Effects()
        self.is_urgent = False
        return messages

    def write(self, verdicts: Iterable[Verdict], position: LogPosition) -> None:
        """Note what learners decided, in this order. `position`: what they had learned by then."""
        for verdict in verdicts:
            if isinstance(verdict, Publication):
                self.publish(verdict, position)
            elif isinstance(verdict, Refusal):
                self._refuse(verdict, position)
            else:
                self._write_champion(verdict, position)

    def publish(
        self, verdict: Publication, position: LogPosition, state: VersionState = "published"
    ) -> None:
        """Write the snapshot of a version, and mark it live unless the model is held by hand."""
        messages = snapshot_messages(verdict.version, verdict.content)
        known = KnownVersion(
            verdict.version, position.offset, position.time, verdict.challenger, len(messages)
        )
        if is_challenger_model(verdict.model):
            change = self.registry.keep(verdict.model, known)
        else:
            change = self.registry.publish(verdict.model, known, state)
        for message in messages:
            self._effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)
        self._write_content(verdict)
        self._apply(change, position, verdict)
        for gone in self.registry.drop_surplus(verdict.model):
            for message in deletion_messages(gone.version, gone.chunks):
                self._effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)

    def carry_out(self, order: ModelCommand, position: LogPosition) -> None:
        """Promote, roll back, suspend or resume, as ordered."""
        registry = self.registry
        match order.kind:
            case CommandKind.PROMOTE:
                # A challenger's next versions follow; an old version would be replaced by them.
                own = registry.of(order.model).versions
                holds = any(one.version == order.version for one in own)
                change = registry.promote(order.model, order.version, holds=holds)
            case CommandKind.ROLL_BACK:
                change = registry.roll_back(order.model, order.version)
            case CommandKind.SUSPEND:
                change = registry.suspend(order.model)
            case _:
                change = registry.resume(order.model)
        if is_challenger_model(order.model):
            registry.of(order.model).live = ""
            change = change._replace(live="")
        self._apply(change, position, order)

    def withdraw(self, order: ModelCommand, first: int, position: LogPosition) -> None:
        """Withdraw the versions that may have learned from offset `first` on, now in quarantine."""
        for change in self.registry.withdraw_from(first, {CREDIT, MATCHES}):
            self._apply(change, position, order)
        reason = f"offsets {order.first_offset} to {order.last_offset}"
        live = self.registry.of(order.model).live
        self._apply(VersionChange(order.model, "", "quarantined", live, reason), position, order)

    def ignore(self, order: ModelCommand, reason: str, position: LogPosition) -> None:
        """Note an order that cannot be carried out."""
        live = self.registry.of(order.model).live
        self._apply(
            VersionChange(order.model, order.version, "ignored", live, reason), position, order
        )

    def challenger_of(self, model: str, version: str) -> str:
        """Name of the challenger or champion whose weights a version has; empty: unknown."""
        known = self.registry.known(model, version)
        return known.challenger if known else ""

    def _refuse(self, verdict: Refusal, position: LogPosition) -> None:
        if verdict.suspends and is_challenger_model(verdict.model):
            change = self.registry.suspend_shadow(verdict.model, verdict.version, verdict.reason)
            self._apply(change, position, verdict)
            return
        for change in self.registry.refuse(
            verdict.model, verdict.version, verdict.reason, suspends=verdict.suspends
        ):
            self._apply(change, position, verdict)

    def _write_champion(self, verdict: NewChampion, position: LogPosition) -> None:
        live = self.registry.of(verdict.model).live
        self._apply(
            VersionChange(verdict.model, "", "lead", live, verdict.reason), position, verdict
        )

    def _apply(
        self, change: VersionChange, position: LogPosition, cause: Verdict | ModelCommand
    ) -> None:
        self._observer.on_gate(change.model, change.state)
        if change.marks and not is_challenger_model(change.model):
            self._mark(change.model, change.live, position)
        if change.marks or isinstance(cause, ModelCommand):
            self.is_urgent = True
        history = self.registry.of(change.model)
        history.changes += 1
        figures: VersionFigures = {}
        order = reason = challenger = parent = ""
        if isinstance(cause, ModelCommand):
            order, reason = cause.command_id, cause.reason
        else:
            figures, challenger = cause.figures, cause.challenger
            parent = cause.parent if isinstance(cause, Publication) else ""
        row = ModelVersion(
            change_id=f"{change.model}:{history.changes}",
            model=change.model,
            number=history.changes,
            version=change.version,
            state=change.state,
            live_version=change.live,
            is_held=history.is_held,
            contestant=challenger,
            parent=parent,
            reason="; ".join(filter(None, (change.reason, reason))),
            figures=figures,
            learned_offset=position.offset,
            learned_at=position.time,
            command_id=order,
        )
        message = Message(change.model.encode(), outcomes.outcome_encoder.encode(row))
        self._effects.send(topics.MODEL_VERSIONS.name, 0, message)

    def _write_content(self, verdict: Publication) -> None:
        chunks = cut(verdict.content)
        for number, chunk in enumerate(chunks):
            row = ModelContent(
                content_id=f"{verdict.version}:{number}",
                model=verdict.model,
                version=verdict.version,
                chunk=number,
                chunks=len(chunks),
                content=base64.b64encode(chunk).decode(),
            )
            message = Message(verdict.version.encode(), outcomes.outcome_encoder.encode(row))
            self._effects.send(topics.MODEL_CONTENTS.name, 0, message)

    def _mark(self, model: str, version: str, position: LogPosition) -> None:
        known = self.registry.known(model, version)
        learned = known.learned_time if known else position.time
        frame = frame_encoder.encode(
            JourneyFrame({}, [ModelMarker(model, version, LogMs(learned))])
        )
        for partition in range(self._partitions):
            message = Message(topics.MODEL_MARKER_KEY, frame)
            self._effects.send(topics.JOURNEYS.name, partition, message)
