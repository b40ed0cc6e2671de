"""The journey of one install: candidates, decision, activity and money, as a pure state machine.

Every function takes a journey and a record, and returns the next journey with the facts to report.
Records may arrive in any order. Money and activity that arrive before their install wait for it
until a deadline; a record that changes a decision already made leads to a new version of it.
"""

from attribution.journey.activity_marks import ActiveDay, Milestone
from attribution.journey.conversion_path import ConversionPath, conversion_path
from attribution.journey.erasure import purge_due
from attribution.journey.requests import request_erasure
from attribution.journey.site_verdicts import add_site_verdict
from attribution.journey.state import (
    ActivityApplied,
    Decision,
    Journey,
    JourneyFact,
    JourneyStep,
    MoneyApplied,
    Reengagement,
    Waiting,
    is_test,
)
from attribution.journey.steps import (
    ALL_READ,
    add_activity,
    add_candidates,
    add_install,
    add_money,
    advance,
    change_rules,
    is_forgotten,
    journey_due,
    meet_deadlines,
    read_log,
    unread_install,
    winner_known_by,
)
from attribution.journey.waitlist import deadline_of

__all__ = [
    "ALL_READ",
    "ActiveDay",
    "ActivityApplied",
    "ConversionPath",
    "Decision",
    "Journey",
    "JourneyFact",
    "JourneyStep",
    "Milestone",
    "MoneyApplied",
    "Reengagement",
    "Waiting",
    "add_activity",
    "add_candidates",
    "add_install",
    "add_money",
    "add_site_verdict",
    "advance",
    "change_rules",
    "conversion_path",
    "deadline_of",
    "is_forgotten",
    "is_test",
    "journey_due",
    "meet_deadlines",
    "purge_due",
    "read_log",
    "request_erasure",
    "unread_install",
    "winner_known_by",
]
