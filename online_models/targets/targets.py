"""Targets: what is predicted of installs. They are declared; no code knows one by its name.

A target is an event that an install may bring about for the first time: a payment, or an
activity, inside the bins of its shape. Retention on day 7 is the first activity in the one bin
from day 7 to day 8. The value of an install, an amount of money, is declared beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from online_models.challengers.declaration import RiverDeclaration
from online_models.hazard.bins import PAYER, Shape
from schemas.time import DAY_MS

TargetEvent = Literal["payment", "activity"]

VALUE = "value"
"""Name of the value model; no target may have it."""


POSITIVES_MIN = 30
"""Installs that reached a target, below which what a model says of it is noise."""

PROVEN_POSITIVES = 200
"""Installs that reached a target, below which rates answer until a model is shown better."""


class Action(Struct, frozen=True):
    """An action on an install that pays off if the target is reached.

    In the reporting currency: `cost` per install, `benefit` per install that reaches the target.
    """

    name: str
    cost: float
    benefit: float


class Target(Struct, frozen=True):
    name: str
    event: TargetEvent
    shape: Shape
    headline: str
    """The horizon that decisions and views use."""
    event_name: str = ""
    """Of activity: the event name that counts; empty: any."""
    prior: float = 0.05
    """Share of installs that reach the target by the last horizon, before anything is learned."""
    actions: tuple[Action, ...] = ()
    positives_min: int = POSITIVES_MIN
    """Installs that reached it, below which no version of its model goes live: rates answer."""
    proven_positives: int = PROVEN_POSITIVES
    """Installs that reached it, below which the first version has to be shown better than rates."""
    challengers: tuple[RiverDeclaration, ...] = ()
    """River classifiers that learn it too."""

    @property
    def rates(self) -> str:
        """Name of the model of shrunk rates."""
        return f"{self.name}/rates"

    @property
    def challenger(self) -> str:
        """Name of the model of the best challenger."""
        return f"{self.name}/challenger"


VALUE_HORIZONS = {"d7": 7 * DAY_MS, "d30": 30 * DAY_MS, "d90": 90 * DAY_MS}


class ValueTarget(Struct, frozen=True):
    """Revenue until a horizon, in the reporting currency. Refunds and relinks count when they are
    known.

    `rates` are units of a currency for one of the reporting currency, fixed by configuration so
    that the same log gives the same models. Money in a currency without a rate does not count.
    """

    currency: str = "USD"
    rates: Mapping[str, float] = {}
    steps: tuple[int, ...] = tuple(DAY_MS * day for day in (0, 1, 7, 14, 30, 45, 60, 90))
    """Ages, in ms, between which money is summed."""
    bucket_ends: tuple[int, ...] = tuple(DAY_MS * day for day in (1, 7, 30, 90))
    """Ages, in ms, at which amounts after a landmark are learned; each is one of `steps`."""
    horizons: Mapping[str, int] = field(default_factory=lambda: dict(VALUE_HORIZONS))
    headline: str = "d30"

    def micros(self, amount_micros: int, currency: str) -> int | None:
        """An amount in micros of the reporting currency; None: the currency has no rate."""
        if currency == self.currency:
            return amount_micros
        rate = self.rates.get(currency)
        return None if rate is None else round(amount_micros / rate)


class Targets(Struct, frozen=True):
    hazards: tuple[Target, ...]
    value: ValueTarget

    def target(self, name: str) -> Target | None:
        """The declared target of this name."""
        return next((one for one in self.hazards if one.name == name), None)


DEFAULT_RATES = {
    "EUR": 0.92, "GBP": 0.79, "JPY": 150.0, "BRL": 5.4, "MXN": 18.5, "INR": 84.0, "CAD": 1.37,
    "AUD": 1.52, "KRW": 1370.0, "TRY": 34.0, "CHF": 0.88, "SEK": 10.6, "PLN": 4.0, "IDR": 15_800.0,
}  # fmt: skip
"""Units per US dollar, roughly: models need the size of an amount, not the exact rate."""

PAYING = Target(
    name="payer",
    event="payment",
    shape=PAYER,
    headline="d7",
    actions=(Action("nurture", cost=0.05, benefit=1.0), Action("vip", cost=1.0, benefit=8.0)),
)

DEFAULT_TARGETS = Targets(hazards=(PAYING,), value=ValueTarget(rates=DEFAULT_RATES))


def segment(actions: tuple[Action, ...], chance: float) -> str:
    """The action with the highest expected gain, chance × benefit - cost; "none" if none gains.

    Of equal gains the first that was declared.
    """
    if not actions:
        return ""
    best, gain = "none", 0.0
    for action in actions:
        expected = chance * action.benefit - action.cost
        if expected > gain:
            best, gain = action.name, expected
    return best
