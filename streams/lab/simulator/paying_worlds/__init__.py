"""Simulated people whose true chances to pay are known, to judge payer and value models by."""

from streams.lab.simulator.paying_worlds.disturbances import (
    BEGIN_MS,
    DISTURBANCES,
    INSTALL_DAYS,
    Disturbance,
)
from streams.lab.simulator.paying_worlds.lives import NEVER_PAYS, Lives
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople
from streams.lab.simulator.paying_worlds.paying_world import (
    HELD_OUT_WORLDS,
    PAYING_WORLDS,
    PayingWorld,
    make_paying_world,
)
from streams.lab.simulator.paying_worlds.payment_reports import (
    PaymentReports,
    logged_activity,
    report_payments,
)
from streams.lab.simulator.paying_worlds.spending import (
    Spending,
    log_payments,
    spend,
)

__all__ = [
    "BEGIN_MS",
    "DISTURBANCES",
    "HELD_OUT_WORLDS",
    "INSTALL_DAYS",
    "NEVER_PAYS",
    "PAYING_WORLDS",
    "Disturbance",
    "Lives",
    "PayingPeople",
    "PayingWorld",
    "PaymentReports",
    "Spending",
    "log_payments",
    "logged_activity",
    "make_paying_world",
    "report_payments",
    "spend",
]
