"""Tells matching under which keys an erased install is known, beside those that a request names.

A key is reported once for each request; one under which the install is known later, then. A key
learns of an install before its journey does, and so before it hears that this was erased.
"""

from __future__ import annotations

from attribution.journey import Journey
from attribution.privacy.known_keys import keys_in
from schemas import topics
from schemas.records import (
    Installed,
    InstallErased,
    JourneyRecord,
    MatchFrame,
    MatchRecord,
    ModelMarker,
    OrderGiven,
)
from schemas.time import LogMs
from streams.stages.common.outbox import FrameOutbox
from streams.stages.common.pseudonyms import is_anonymous_text


class ErasedKeys:
    """Collects what one decision of journeys tells matching."""

    def __init__(self, partitions: int) -> None:
        self.records: FrameOutbox[MatchRecord] = FrameOutbox(
            topics.MATCH.name, partitions, MatchFrame
        )

    def tell(self, before: Journey, after: Journey, record: JourneyRecord) -> None:
        """Tell the keys that a step of the journey of an erased install has brought."""
        if isinstance(record, ModelMarker | OrderGiven) or is_anonymous_text(record.install_id):
            return
        name = record.install_id
        if after.is_purged:
            self.tell_late(record, name, max(after.erased_ts, after.last_ts))
            return
        install = after.install
        ts = after.erased_ts if install is None else max(after.erased_ts, install.ts)
        reported = before.keys if before.erased_ts == after.erased_ts else ()
        for key in after.keys:
            if key not in reported:
                self.records.add(key, InstallErased(key, name, ts))

    def tell_late(self, record: JourneyRecord, name: str, ts: LogMs) -> None:
        """Tell the keys of a record that comes once the erasure is carried out. It says nothing of
        what others have logged under them since."""
        if isinstance(record, Installed):
            ts = max(ts, record.ts)
        for key in keys_in(record):
            self.records.add(key, InstallErased(key, name, ts, is_late=True))
