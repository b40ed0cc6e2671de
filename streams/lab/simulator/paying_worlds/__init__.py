"""Simulated people whose true chances to pay are known, for judging models of who will pay."""

from streams.lab.simulator.paying_worlds.disturbances import (
    BEGIN_MS,
    DAYS,
    DISTURBANCES,
    Disturbance,
)
from streams.lab.simulator.paying_worlds.lives import NEVER, Lives
from streams.lab.simulator.paying_worlds.people import People
from streams.lab.simulator.paying_worlds.reports import Reports, report, seen_activity
from streams.lab.simulator.paying_worlds.spending import (
    Spending,
    log_payments,
    spend,
)
from streams.lab.simulator.paying_worlds.worlds import KEPT_WORLDS, WORLDS, PayingWorld, make_world

__all__ = [
    "BEGIN_MS",
    "DAYS",
    "DISTURBANCES",
    "KEPT_WORLDS",
    "NEVER",
    "WORLDS",
    "Disturbance",
    "Lives",
    "PayingWorld",
    "People",
    "Reports",
    "Spending",
    "log_payments",
    "make_world",
    "report",
    "seen_activity",
    "spend",
]
