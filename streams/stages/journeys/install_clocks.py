"""What rows say of the clocks of an install and its touchpoint, and of the time between them."""

from __future__ import annotations

from typing import Any

from attribution.decision.candidates import Candidate, is_younger
from schemas.records import Flag, Installed, Touch
from schemas.time import Millis


def ctit_s(install: Installed, winner: Candidate) -> int:
    """Click-to-install time in seconds; -1 if the time of the touchpoint is unknown, or clocks put
    it after the install that names it."""
    is_known = 0 < winner.touch.time <= install.time
    return (install.time - winner.touch.time) // 1_000 if is_known else -1


def after_begin_ms(touch: Touch, install: Installed) -> Millis | None:
    """How long after the begin of the download; None: unknown, or by the phone's clock alone."""
    if not install.begin_time or install.flags & Flag.DEVICE_CLOCK:
        return None
    return touch.time - install.begin_time


def clock_columns(install: Installed, winner: Candidate | None) -> dict[str, Any]:
    """What the producer said, and why the time of the install is another or in doubt."""
    reason = install.time_correction
    if not reason and winner is not None and is_younger(winner, install):
        return {"reported_time": install.time, "time_correction": "click_after_open"}
    return {"reported_time": install.reported_time, "time_correction": reason}
