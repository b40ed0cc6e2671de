"""What the runtime reports: to the metrics, and to health checks."""

from __future__ import annotations

from typing import NamedTuple

from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects, OffsetRange


class LoggedReason(str):
    """A reason that whoever found it has logged."""

    __slots__ = ()


class Readiness(NamedTuple):
    """Whether a worker does its work, and a phrase that says what it does or waits for."""

    is_ready: bool
    reason: str


class LaneObserver:
    """The null observer: every report is ignored. Observers override what they care about.

    Lanes call it on the event loop, so it has to return at once and must not raise.
    """

    def on_arrival(self, polled: OffsetRange) -> None:
        """A poll brought these records to their lane. Topics are named without the prefix."""

    def on_decided(self, stage: str, p: int, effects: Effects) -> None:
        """A batch was decided; `on_checkpoint` follows once these effects are committed."""

    def on_checkpoint(
        self, stage: str, p: int, records: int, seconds_decide: float, seconds_commit: float
    ) -> None:
        """A batch was decided in `seconds_decide` of CPU time and committed in `seconds_commit`."""

    def on_transaction_full(self, log: str, waiting: int) -> None:
        """A transaction is as large as may be, and so many checkpoints wait for the next one."""

    def on_restore(self, stage: str, p: int, records: int, seconds: float) -> None:
        """The state was restored from `records` changelog records."""

    def on_backpressure(self, stage: str, p: int, held: bool) -> None:
        """The lane stopped reading because enough is queued (`held`), or reads again."""

    def on_standstill(self, seconds: float) -> None:
        """For so long work waits and none was done; 0: it goes on, or there is none."""

    def on_undelivered(self, stage: str, offsets: int) -> None:
        """So many offsets were read and did not come to their lane, which reads them again."""

    def on_quarantined(self, stage: str, kind: str) -> None:
        """What made a stage raise, which the stage could not tell itself, was set aside."""


class GuardReports(StageObserver):
    """Passes on what the guard of a lane's stage reports."""

    def __init__(self, observer: LaneObserver) -> None:
        self.on_quarantined = observer.on_quarantined  # type: ignore[method-assign]  # The same report.
