"""Whether the parts of a lane fit together before it decides anything.

A lane's input, the offsets committed for it, its changelog and the local cache of that are four
things that operators delete, restore and exchange one by one. Each of them names the log that it
belongs to, so that a lane never continues an old state with a new log, or a new state at an old
position:

    committed offsets    name input and changelog in their label, written in the same transaction
    local state          names its changelog
    topics               have the broker's ids

What can be read anew is (local state); what nobody can bring back stops the worker with advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.runtime.checkpoint import LaneFencedError
from streams.runtime.identity.position_advice import reset_command
from streams.runtime.identity.position_label import PositionLabel
from streams.runtime.offsets import CommittedPosition, LostRecordsError, Offsets
from streams.runtime.recovery import LostStateError, Restored, restore
from streams.runtime.state import StateStore
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition


class LaneOrigin:
    """Opens one lane: `positions`, then `restore`. `label` is for every checkpoint after that."""

    def __init__(
        self, settings: CoreSettings, offsets: Offsets, changelog: TopicPartition | None
    ) -> None:
        """`changelog` is None for a stage without state, and on a broker that keeps none."""
        self._settings = settings
        self._offsets = offsets
        self._changelog = changelog
        self._committed: Mapping[TopicPartition, CommittedPosition] = {}
        self._inputs: Sequence[TopicPartition] = ()
        self._changelog_end = 0
        self._is_restored = False

    async def positions(self, inputs: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to read of each input; LostRecordsError when a log does not have it."""
        self._inputs = inputs
        self._committed = await self._offsets.committed_here(inputs)
        try:
            return await self._offsets.positions_from(self._committed, inputs)
        except LostRecordsError:
            await self._require_still_ours()
            raise

    async def restore(self, store: StateStore) -> Restored:
        """Bring the store up to the end of the changelog.

        LostStateError when the changelog is not the one that the committed offsets belong to, or
        when there is state but no committed offset. LaneFencedError when another worker has
        committed since `positions`: then this one compared its own past with the other's present.
        """
        if self._changelog is None:
            return Restored(0, 0.0, True)
        # Were it refused, the group would be joined anew again and again, which stops all others.
        await self._offsets.until_led(self._changelog)
        try:
            return await self._restore(self._changelog, store)
        except LostStateError:
            await self._require_still_ours()
            raise

    async def _restore(self, changelog: TopicPartition, store: StateStore) -> Restored:
        if self._is_restored:
            # A store that turned out to be damaged or without room: the lane has committed since.
            self._committed = await self._offsets.committed_here(self._inputs)
        self._is_restored = True
        log_id = self._offsets.logs.log_id(changelog[0])
        await self._require_changelog(changelog, log_id)
        restored = await restore(
            self._settings, changelog, store, log_id, must_be_whole=bool(self._committed)
        )
        if not self._committed and next(iter(store.entries()), None) is not None:
            raise self._without_positions(changelog)
        self._changelog_end = store.position
        return restored

    def label(self, topic: str, changelog_end: int | None) -> PositionLabel:
        """What a checkpoint commits beside its offset of this topic."""
        self._changelog_end = max(self._changelog_end, changelog_end or 0)
        logs = self._offsets.logs
        changelog = logs.log_id(self._changelog[0]) if self._changelog else ""
        end = self._changelog_end if changelog else 0
        return PositionLabel(
            log=logs.log_id(topic),
            changelog=changelog,
            changelog_end=end,
            partitions=logs.partitions.get(topic, 0),
        )

    async def _require_still_ours(self) -> None:
        now = await self._offsets.committed_here(self._inputs)
        if now != self._committed:
            named = ", ".join(f"{topic}-{p}" for topic, p in self._inputs)
            raise LaneFencedError(f"another worker has committed offsets of {named} meanwhile")

    async def _require_changelog(self, changelog: TopicPartition, log_id: str) -> None:
        if not self._committed:
            return
        end = (await self._offsets.high_watermark([changelog]))[changelog]
        for tp, (offset, label) in self._committed.items():
            beside = f"offset {offset} of {tp[0]}-{tp[1]} is committed"
            if label.changelog and log_id and label.changelog != log_id:
                lost = f"was created anew ({log_id}), but {beside} with {label.changelog}"
            elif end < max(label.changelog_end, 1):
                kept = f"{label.changelog_end} offsets of state" if label.changelog_end else "state"
                lost = f"ends at offset {end}, but {beside} with {kept}"
            else:
                continue
            # An input without a leader says where it begins once it has one.
            await self._offsets.until_led(tp)
            if offset > (await self._offsets.first([tp]))[tp]:
                raise self._lost(changelog, lost)
            # Else everything is read again, which is what the advice does.

    def _lost(self, changelog: TopicPartition, what: str) -> LostStateError:
        return LostStateError(
            f"changelog {changelog[0]}-{changelog[1]} {what}: this state is lost; put the topic "
            "back from a copy, or, to have read again what the log still has, "
            f"{self._to_earliest()}"
        )

    def _without_positions(self, changelog: TopicPartition) -> LostStateError:
        named = ", ".join(f"{topic}-{p}" for topic, p in self._inputs)
        return LostStateError(
            f"changelog {changelog[0]}-{changelog[1]} has state, but group "
            f"{self._settings.group_id} has no offset of {named}: it expired while the workers "
            "were stopped, or the topic was deleted and created anew, and what was on its way in "
            "it is lost; to keep the state and read the log from its beginning, "
            + self._to_earliest()
        )

    def _to_earliest(self) -> str:
        topics = sorted({self._settings.topic(topic) for topic, _ in self._inputs})
        return reset_command(self._settings, " ".join(f"--topic {topic}" for topic in topics))
