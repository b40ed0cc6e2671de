"""What is committed beside an offset, so that it is not taken for a position of another log.

Kafka drops the offsets of a topic that is deleted, but a worker that still runs commits its old
position to the new topic of that name, and a group can be moved to another cluster. The label
travels in the offset's metadata, in the same transaction. Earlier versions commit none: theirs
fit any log. It also names the producer that owns the partition, so that the next owner can fence it
(streams/runtime/transactions).
"""

from __future__ import annotations

import msgspec


class PositionLabel(msgspec.Struct, frozen=True, omit_defaults=True):
    log: str = ""  # of the input, as `KnownLogs.log_id` gives it; empty: unknown
    changelog: str = ""  # of the state that was committed with the offset
    changelog_end: int = 0  # the changelog had at least so many offsets
    partitions: int = 0  # of the input, by which keys and state are spread; 0: unknown
    producer: str = ""  # transactional id of whoever owns the partition; empty: not named
    is_unread: bool = False  # committed to name the owner: nothing has been decided yet

    def text(self) -> str:
        return _encoder.encode(self).decode()

    def fits(self, log_id: str) -> bool:
        """Whether the offset may be one of this log; an unknown one fits everything."""
        is_same = not self.log or not log_id or self.log == log_id
        return is_same and not self.is_unread


NO_LABEL = PositionLabel()

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(PositionLabel)


def read_label(metadata: str | None) -> PositionLabel:
    """The label in an offset's metadata; NO_LABEL for what others wrote there."""
    if not metadata:
        return NO_LABEL
    try:
        return _decoder.decode(metadata)
    except msgspec.MsgspecError:
        return NO_LABEL
