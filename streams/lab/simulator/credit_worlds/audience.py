"""People who see advertisements and may install: traits, visits, and what they are shown.

Intent comes and goes unseen. It makes people visit the advertiser's site, search for its name, and
install. Retargeting follows the visits and brand search the searches, so both precede installs,
whether or not they cause any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.lab.simulator.draws import BoolColumn, FloatColumn, IntColumn

CREDIT_DAYS = 21
STEP_D = 1 / 12
"""People act, and rates of installing change, every two hours."""

IMPRESSION_STRENGTH = 0.5
"""Effect of an impression, where that of a click is 1."""


@dataclass(frozen=True, slots=True)
class AdChannel:
    name: str
    per_day: float  # touchpoints of a person of average activity and intent
    by_activity: float  # exponents
    by_intent: float
    half_life_d: float  # of what a touchpoint leaves
    click_share: float
    is_search: bool = False


CHANNELS = (
    AdChannel("video", 0.09, 1.0, 0.0, 3.0, 0.05),
    AdChannel("social", 0.08, 1.0, 0.1, 1.6, 0.12),
    AdChannel("display", 0.14, 1.0, 0.0, 1.0, 0.04),
    AdChannel("influencer", 0.03, 0.6, 0.1, 4.0, 0.30),
    AdChannel("affiliate", 0.025, 0.3, 0.2, 0.4, 1.0),
    AdChannel("search", 0.035, 0.5, 0.3, 0.7, 1.0, is_search=True),
    AdChannel("retargeting", 0.7, 0.5, 0.0, 1.0, 0.20),  # per day, right after many visits
    AdChannel("brand_search", 0.04, 0.2, 1.1, 0.5, 1.0, is_search=True),
)
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)
RETARGETING = CHANNEL_NAMES.index("retargeting")
ZERO_EFFECT = ("retargeting", "brand_search")

_ACTIVITY_SPREAD = 0.7
_LASTING_INTENT = 0.75
_PASSING_INTENT = 0.65
_PASSING_INTENT_D = 5.0
_VISITS_PER_DAY = 0.15
_VISITS_BY_INTENT = 0.9
_VISITS_BY_ACTIVITY = 0.3
_RETARGETED_FOR_D = 2.0  # half-life
_PRIOR_INSTALLS = 0.4
_PRIOR_INSTALLS_BY_INTENT = 0.6
_FRAILTY_SHAPE = 1.5


@dataclass(slots=True)
class Audience:
    """Columns, one element per person; `strength` has one row per channel."""

    activity: FloatColumn
    lasting: FloatColumn  # intent
    passing: FloatColumn
    frailty: FloatColumn  # how easily persuaded; 1 on average
    prior_installs: IntColumn
    strength: FloatColumn
    visited: FloatColumn  # recent visits, fading
    is_watched: BoolColumn  # not installed yet

    @property
    def intent(self) -> FloatColumn:
        return _LASTING_INTENT * self.lasting + _PASSING_INTENT * self.passing


@dataclass(frozen=True, slots=True)
class Contacts:
    """Columns, one element per touchpoint or visit. A visit has channel -1."""

    person: IntColumn
    channel: IntColumn
    time_d: FloatColumn
    is_click: BoolColumn


def make_audience(rng: np.random.Generator, count: int) -> Audience:
    lasting = rng.normal(size=count)
    return Audience(
        activity=np.exp(rng.normal(0.0, _ACTIVITY_SPREAD, count) - _ACTIVITY_SPREAD**2 / 2),
        lasting=lasting,
        passing=rng.normal(size=count),
        frailty=rng.gamma(_FRAILTY_SHAPE, 1 / _FRAILTY_SHAPE, count),
        prior_installs=rng.poisson(_PRIOR_INSTALLS * np.exp(_PRIOR_INSTALLS_BY_INTENT * lasting)),
        strength=np.zeros((len(CHANNELS), count)),
        visited=np.zeros(count),
        is_watched=np.ones(count, bool),
    )


def live_one_step(rng: np.random.Generator, people: Audience, begin_d: float) -> Contacts:
    """Contacts of one step, of people who have not installed. Updates the audience."""
    shown = rng.poisson(_rates(people) * STEP_D) * people.is_watched
    visits = rng.poisson(_visit_rate(people) * STEP_D) * people.is_watched
    channel, person = np.nonzero(shown)
    times = shown[channel, person]
    channel, person = np.repeat(channel, times), np.repeat(person, times)
    is_click = rng.random(len(person)) < _CLICK_SHARES[channel]
    visitor = np.repeat(np.arange(len(visits)), visits)
    everyone = np.concatenate([person, visitor])
    contacts = Contacts(
        everyone,
        np.concatenate([channel, np.full(len(visitor), -1)]),
        begin_d + STEP_D * rng.random(len(everyone)),
        np.concatenate([is_click, np.ones(len(visitor), bool)]),
    )
    np.add.at(people.strength, (channel, person), np.where(is_click, 1.0, IMPRESSION_STRENGTH))
    people.strength *= _FADING[:, None]
    people.visited = (people.visited + visits) * 0.5 ** (STEP_D / _RETARGETED_FOR_D)
    kept = np.exp(-STEP_D / _PASSING_INTENT_D)
    fresh = rng.normal(size=len(visits))
    people.passing = kept * people.passing + np.sqrt(1 - kept**2) * fresh
    return contacts


def _rates(people: Audience) -> FloatColumn:
    """Touchpoints per day, by channel and person."""
    logs = np.multiply.outer(_BY_ACTIVITY, np.log(people.activity))
    rates = _PER_DAY[:, None] * np.exp(logs + np.multiply.outer(_BY_INTENT, people.intent))
    rates[RETARGETING] *= -np.expm1(-people.visited)
    return np.asarray(rates)


def _visit_rate(people: Audience) -> FloatColumn:
    tilt = _VISITS_BY_INTENT * people.intent + _VISITS_BY_ACTIVITY * np.log(people.activity)
    return np.asarray(_VISITS_PER_DAY * np.exp(tilt))


_PER_DAY = np.array([channel.per_day for channel in CHANNELS])
_BY_ACTIVITY = np.array([channel.by_activity for channel in CHANNELS])
_BY_INTENT = np.array([channel.by_intent for channel in CHANNELS])
_CLICK_SHARES = np.array([channel.click_share for channel in CHANNELS])
_FADING = np.array([0.5 ** (STEP_D / channel.half_life_d) for channel in CHANNELS])
