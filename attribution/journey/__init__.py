"""One install from its first trace to its last: candidates, decision, activity and money.

Records arrive in any order. Money and activity that come before their install wait for it until
a deadline; whatever changes the decision after it was made leads to a new version.
"""

from attribution.journey.conversion_path import Shown, shown
from attribution.journey.erasure import purge_due
from attribution.journey.state import (
    ActivityApplied,
    Decision,
    Journey,
    JourneyFact,
    MoneyApplied,
    Reason,
    Reengagement,
    Step,
    Waiting,
)
from attribution.journey.steps import (
    change_rules,
    expire,
    is_forgotten,
    next_due,
    see_activity,
    see_candidates,
    see_erasure,
    see_install,
    see_money,
    see_site_verdict,
    winner_known_by,
)
from attribution.journey.waitlist import deadline_of

__all__ = [
    "ActivityApplied",
    "Decision",
    "Journey",
    "JourneyFact",
    "MoneyApplied",
    "Reason",
    "Reengagement",
    "Shown",
    "Step",
    "Waiting",
    "change_rules",
    "deadline_of",
    "expire",
    "is_forgotten",
    "next_due",
    "purge_due",
    "see_activity",
    "see_candidates",
    "see_erasure",
    "see_install",
    "see_money",
    "see_site_verdict",
    "shown",
    "winner_known_by",
]
