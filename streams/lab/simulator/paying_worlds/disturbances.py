"""What may change in a paying world, or go wrong, from one day on.

Until that day a world is the same, install by install and payment by payment, whatever disturbs
it later. So the undisturbed run is learned once, and differences are due to the disturbance.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.time import DAY_MS
from streams.lab.simulator.scenario import START_MS

INSTALL_DAYS = 60
"""Days on which people install."""

BEGIN_DAY = 40
BEGIN_MS = START_MS + BEGIN_DAY * DAY_MS
"""When disturbances begin."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Shares are fractions. The default disturbs nothing."""

    new_campaigns: float = 0.0  # of paid traffic that comes through campaigns never seen before
    price: float = 1.0  # factor on all prices
    holiday_d: float = 0.0  # days on which people pay more readily
    late: float = 0.0  # of events logged minutes to two days late
    duplicated: float = 0.0  # of payments logged twice or more, under the same id
    outage_d: float = 0.0  # days whose payments are logged only when the outage is over
    poisoned_h: float = 0.0  # hours in which a third of young installs seem to pay
    bots: float = 0.0  # of the installs of one media source
    new_app: float = 0.0  # of installs that are of an app never seen before


DISTURBANCES = {
    "steady": Disturbance(),
    "campaign_shift": Disturbance(new_campaigns=0.5),
    "price_change": Disturbance(price=1.5),
    "holiday": Disturbance(holiday_d=4.0),
    "late_events": Disturbance(late=0.10),
    "duplicate_payments": Disturbance(duplicated=0.30),
    "label_outage": Disturbance(outage_d=2.0),
    "poisoned_labels": Disturbance(poisoned_h=6.0),
    "bot_installs": Disturbance(bots=0.5),
    "cold_start": Disturbance(new_app=0.25),
}
