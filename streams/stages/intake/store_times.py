"""The times that a store tells of an install, brought to one clock as far as that is possible."""

from __future__ import annotations

from msgspec import Struct

from schemas.clocks import CorrectedTime, measured_error
from schemas.events import Install
from schemas.records import Flag
from schemas.time import MINUTE_MS, SECOND_MS, EventMs, LogMs, Millis

_SENT_AT_ONCE_MS = MINUTE_MS
"""An event that was sent so shortly before it was logged, by its clock, shows that clock right."""


class StoreTimes(Struct, frozen=True, gc=False):
    """When the download began and the referrer's click happened; 0: unknown."""

    begin_time: EventMs
    referrer_click_time: EventMs
    flags: int  # which of the two are by the clock of the device alone


def store_times(event: Install, ts: LogMs, clock: CorrectedTime | None) -> StoreTimes:
    """The clock of a device may be wrong, so a time stamped by the store's servers is preferred.

    One stamped by the device is corrected like the first open, which has the same clock.
    """
    error = measured_error(event)
    shift, is_known = error or Millis(0), error is not None
    if error is None:
        shift = clock.time - clock.reported_time if clock else Millis(0)
        is_known = (
            event.sent_time is not None and abs(ts - LogMs(event.sent_time)) <= _SENT_AT_ONCE_MS
        )
    begun, by_device = _moment(event.install_begin_time_server_s, event.install_begin_time_s, shift)
    flags = Flag.DEVICE_CLOCK if by_device and not is_known else 0
    clicked, by_device = _moment(
        event.referrer_click_time_server_s, event.referrer_click_time_s, shift
    )
    flags |= Flag.DEVICE_CLICK_TIME if by_device and not is_known else 0
    return StoreTimes(begun, clicked, int(flags))


def _moment(by_server: int | None, by_device: int | None, shift: Millis) -> tuple[EventMs, bool]:
    """The moment in milliseconds, and whether it is by the clock of the device."""
    if by_server:
        return EventMs(by_server * SECOND_MS), False
    if by_device:
        return EventMs(max(by_device * SECOND_MS + shift, 0)), True
    return EventMs(0), False
