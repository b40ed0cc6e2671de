"""What the stages report to the metrics."""

from __future__ import annotations

from schemas.outcomes import DriftAlarm, ModelQuality
from schemas.time import LogMs


class StageObserver:
    """The null observer: every report is ignored. Observers override what they care about.

    Stages call the methods from `decide`, so an observer has to return at once and must not raise.
    Nothing is ever read back from it: no decision depends on an observer. A batch that is decided
    again after a crash is reported again.
    """

    def on_dead_letter(self, topic: str, reason: str) -> None:
        """A message of `topic` was rejected; `reason` is one of the reason codes."""

    def on_flood(self, topic: str, app_id: str, reason: str) -> None:
        """More messages of an app cannot be read than are copied; `reason` is that of the first."""

    def on_not_copied(self, topic: str, app_id: str) -> None:
        """An unreadable message of a flood was counted, and its bytes were not copied."""

    def on_quarantined(self, stage: str, kind: str) -> None:
        """What made a stage raise was set aside. `kind`: event, record, timer or frame."""

    def on_dropped(self, app_id: str, field: str) -> None:
        """An event was read without a field: a placeholder id, or an unreadable attribute."""

    def on_old_signature(self, media_source: str) -> None:
        """A touchpoint with a right signature of version 1, which is accepted until a date."""

    def on_time_corrected(self, event_type: str, source: str, reason: str) -> None:
        """The time of an event cannot be right; `reason` is one of `schemas.clocks`."""

    def on_postback(self, framework: str, state: str, reason: str) -> None:
        """A postback of Apple's was received, copies included."""

    def on_settled(self, stage: str, disposition: str, count: int) -> None:
        """`count` source events reached their final disposition in `stage`."""

    def on_evicted(self, bound: str, count: int) -> None:
        """`count` entries were forgotten because the bound of this name was reached."""

    def on_forgotten(self, stage: str, count: int) -> None:
        """`count` state keys were deleted at the end of their retention."""

    def on_stage_time(self, stage: str, partition: int, stage_time: LogMs) -> None:
        """The log time, in milliseconds since 1970, up to which a partition is decided."""

    def on_rule_change(self, partition: int, pending: int) -> None:
        """`pending` installs are still to be decided again under new rules."""

    def on_prediction(self, target: str, tier: str, count: int) -> None:
        """`count` predictions of a target were made by a tier."""

    def on_model(self, model: str, version: str) -> None:
        """A version of a model was activated; an empty version suspends the model."""

    def on_learned(self, model: str, rows: int) -> None:
        """A model learned from `rows` labelled examples."""

    def on_skipped(self, model: str, rows: int) -> None:
        """A model could not learn from `rows` examples."""

    def on_gate(self, model: str, verdict: str) -> None:
        """The gate judged a candidate version of a model."""

    def on_quality(self, row: ModelQuality) -> None:
        """The quality of predictions whose labels have matured."""

    def on_drift(self, row: DriftAlarm) -> None:
        """A drift detector raised an alarm."""
