"""The stored state of one install, and when it is due."""

from __future__ import annotations

from msgspec import Struct

from attribution import journey as journeys
from attribution.journey import Journey
from attribution.journey.lives import Life
from online_models.scoring import prospects
from online_models.scoring.prospects import Prospect
from schemas.records import SiteInstall
from streams.stages.common.working_set import UNREAD_FROM
from streams.stages.journeys import prospect_steps
from streams.stages.journeys.active_models import JourneyContext
from streams.stages.journeys.credit_revision import NOT_CREDITED, CreditRevision


class InstallState(Struct, frozen=True, array_like=True):
    """State of one install. Stored as an array: new fields go to the end."""

    journey: Journey = Journey()
    prospect: Prospect = prospects.NEW_PROSPECT
    claim: SiteInstall | None = None  # the record that a site last received
    credited: CreditRevision = NOT_CREDITED
    lives: list[Life] = []  # after the first one; each has a state of its own


NEW_INSTALL = InstallState()


def install_due(state: InstallState, stage: JourneyContext) -> int:
    """Log time at which an install is due, or `UNREAD_FROM` + the log time that must be read."""
    if (unread := journeys.unread_install(state.journey)) is not None:
        return UNREAD_FROM + unread + 1  # Another record may have the same log time.
    due = journeys.journey_due(state.journey, stage.rules)
    return min(due, prospect_steps.prospect_due(state.prospect, state.journey) or due)
