"""Simulated people whose true chances to pay are known, for judging models of who will pay."""

from streams.lab.simulator.paying_worlds.disturbances import (
    BEGIN_MS,
    DAYS,
    DISTURBANCES,
    Disturbance,
)
from streams.lab.simulator.paying_worlds.lives import NEVER, Lives
from streams.lab.simulator.paying_worlds.paying_people import People
from streams.lab.simulator.paying_worlds.paying_world import (
    KEPT_WORLDS,
    WORLDS,
    PayingWorld,
    make_world,
)
from streams.lab.simulator.paying_worlds.payment_reports import Reports, report, seen_activity
from streams.lab.simulator.paying_worlds.spending import (
    Spending,
    log_payments,
    spend,
)

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
