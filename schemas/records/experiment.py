"""Records on `journeys` about experiments: orders, which go to every partition, and exposures."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from schemas.records.touch import Source
from schemas.time import EventMs, LogMs

OrderKind = Literal["start", "ramp", "stop", "ship"]


class OrderGiven(Struct, frozen=True, array_like=True, gc=False, tag=10):
    """An order about an experiment. It holds from its log time on, wherever it is read."""

    order_id: str
    kind: OrderKind
    experiment_id: str
    app_id: str
    ts: LogMs
    source: Source
    definition: str = ""  # TOML, of a start
    share: float = -1.0  # of a ramp; below 0: not stated
    variant: str = ""  # that is shipped
    ordered_by: str = ""
    reason: str = ""
    evidence: str = ""


class ExposureSeen(Struct, frozen=True, array_like=True, gc=False, tag=11):
    """An install has met the variant of an experiment."""

    install_id: str
    event_id: str
    experiment_id: str
    variant: str
    time: EventMs
    ts: LogMs
    source: Source
    app_id: str
    reported_time: EventMs = EventMs(0)  # what the producer said, where `time` is corrected
    time_correction: str = ""  # see `schemas.clocks.TimeCorrection`
    is_sandbox: bool = False


class UnitAssignment(Struct, frozen=True, array_like=True, gc=False):
    """What an install keeps of an experiment. Version 0: it met a variant, and is in none."""

    experiment_id: str
    version: int
    variant: str = ""  # empty: none, as of the holdout
    index: int = -1  # of the variant; 0: the control
    landmark: int = 0  # number of the landmark at which it was assigned
    at: LogMs = LogMs(0)  # of the assignment
    copies: int = 1  # how often its labels are learned from then on; 0: never, it is treated
    reported: int = 0  # which exposures: bits of `REPORTED`
