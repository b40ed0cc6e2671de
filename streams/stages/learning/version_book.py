"""Keeps book of model versions: what is said of them, stored of them, and marked live."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from online_models.credit.persistence import CREDIT
from online_models.learning.registry import (
    KnownVersion,
    LogPosition,
    Registry,
    VersionChange,
    VersionState,
)
from online_models.learning.verdicts import Figures, NewChampion, Publication, Refusal, Verdict
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
    """Collects messages until they are taken, together with the state that goes with them."""

    def __init__(self, partitions: int, registry: Registry, observer: StageObserver) -> None:
        self.registry = registry
        self._partitions = partitions
        self._observer = observer
        self._effects = Effects()
        self.is_urgent = False
        """Whether something waits that should not wait for the next regular checkpoint."""

    def taken(self) -> Messages:
        """What was said since the last time."""
        messages, self._effects = self._effects.messages, Effects()
        self.is_urgent = False
        return messages

    def write(self, verdicts: Iterable[Verdict], place: LogPosition) -> None:
        for verdict in verdicts:
            if isinstance(verdict, Publication):
                self.publish(verdict, place)
            elif isinstance(verdict, Refusal):
                self._refuse(verdict, place)
            else:
                self._tell_lead(verdict, place)

    def publish(
        self, said: Publication, place: LogPosition, state: VersionState = "published"
    ) -> None:
        messages = snapshot_messages(said.version, said.content)
        known = KnownVersion(said.version, place.offset, place.time, said.challenger, len(messages))
        change = self.registry.publish(said.model, known, state)
        for message in messages:
            self._effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)
        self._tell_content(said)
        self._apply(change, place, said)
        for gone in self.registry.forget(said.model):
            for message in deletion_messages(gone.version, gone.chunks):
                self._effects.send(topics.MODEL_SNAPSHOTS.name, 0, message)

    def carry_out(self, order: ModelCommand, place: LogPosition) -> None:
        registry = self.registry
        match order.kind:
            case CommandKind.PROMOTE:
                # Of another challenger the next versions follow; an old one would be replaced.
                own = registry.of(order.model).versions
                holds = any(one.version == order.version for one in own)
                change = registry.promote(order.model, order.version, holds=holds)
            case CommandKind.ROLL_BACK:
                change = registry.roll_back(order.model, order.version)
            case CommandKind.SUSPEND:
                change = registry.suspend(order.model)
            case _:
                change = registry.resume(order.model)
        self._apply(change, place, order)

    def withdraw(self, order: ModelCommand, first: int, place: LogPosition) -> None:
        for change in self.registry.withdraw_from(first, CREDIT):
            self._apply(change, place, order)
        reason = f"offsets {order.first_offset} to {order.last_offset}"
        live = self.registry.of(order.model).live
        self._apply(VersionChange(order.model, "", "quarantined", live, reason), place, order)

    def ignore(self, order: ModelCommand, reason: str, place: LogPosition) -> None:
        live = self.registry.of(order.model).live
        self._apply(
            VersionChange(order.model, order.version, "ignored", live, reason), place, order
        )

    def challenger_of(self, model: str, version: str) -> str:
        known = self.registry.known(model, version)
        return known.challenger if known else ""

    def _refuse(self, said: Refusal, place: LogPosition) -> None:
        for change in self.registry.refuse(
            said.model, said.version, said.reason, suspends=said.suspends
        ):
            self._apply(change, place, said)

    def _tell_lead(self, said: NewChampion, place: LogPosition) -> None:
        live = self.registry.of(said.model).live
        self._apply(VersionChange(said.model, "", "lead", live, said.reason), place, said)

    def _apply(
        self, change: VersionChange, place: LogPosition, cause: Verdict | ModelCommand
    ) -> None:
        self._observer.on_gate(change.model, change.state)
        if change.marks:
            self._mark(change.model, change.live, place)
        if change.marks or isinstance(cause, ModelCommand):
            self.is_urgent = True
        history = self.registry.of(change.model)
        history.changes += 1
        figures: Figures = {}
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
            learned_offset=place.offset,
            learned_at=place.time,
            command_id=order,
        )
        message = Message(change.model.encode(), outcomes.outcome_encoder.encode(row))
        self._effects.send(topics.MODEL_VERSIONS.name, 0, message)

    def _tell_content(self, said: Publication) -> None:
        chunks = cut(said.content)
        for number, chunk in enumerate(chunks):
            row = ModelContent(
                content_id=f"{said.version}:{number}",
                model=said.model,
                version=said.version,
                chunk=number,
                chunks=len(chunks),
                content=base64.b64encode(chunk).decode(),
            )
            message = Message(said.version.encode(), outcomes.outcome_encoder.encode(row))
            self._effects.send(topics.MODEL_CONTENTS.name, 0, message)

    def _mark(self, model: str, version: str, place: LogPosition) -> None:
        known = self.registry.known(model, version)
        learned = known.learned_time if known else place.time
        frame = frame_encoder.encode(
            JourneyFrame({}, [ModelMarker(model, version, LogMs(learned))])
        )
        for partition in range(self._partitions):
            message = Message(topics.MODEL_MARKER_KEY, frame)
            self._effects.send(topics.JOURNEYS.name, partition, message)
