"""What an experiment is ordered to do, and who has seen its treatment."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.events.event import DeviceEvent, Event
from schemas.parts import Id, LongText, NameText, NormalId, Text


class ExperimentExposure(
    DeviceEvent, frozen=True, kw_only=True, gc=False, tag="experiment_exposure"
):
    """An install has met what its variant is: send it of the control, too, at the same moment. The
    first one counts."""

    install_id: NormalId
    experiment_id: NameText
    variant: NameText


class ExperimentOrder(Event, frozen=True, kw_only=True, gc=False, tag="experiment_order"):
    """Starts, widens, stops or ships an experiment, from its log time on. `headwater experiment`
    writes it; a start carries the definition as it was written."""

    order_id: Id
    kind: Literal["start", "ramp", "stop", "ship"]
    experiment_id: NameText
    definition: LongText = ""
    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    variant: Text = ""
    ordered_by: Text = ""
    reason: Text = ""
    evidence: LongText = ""
