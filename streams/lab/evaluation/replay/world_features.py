"""Features of simulated installs, by the names that the product gives them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from online_models.features import features
from online_models.features.features import ActivityBucket
from online_models.scoring.shrunk_rates import InstallOrigin
from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS, MEDIA_SOURCES
from streams.lab.simulator.paying_worlds import Lives, PayingPeople
from streams.lab.simulator.paying_worlds.lives import IN_APP_NAMES
from streams.lab.simulator.paying_worlds.paying_people import ORGANIC_SOURCE
from streams.lab.simulator.paying_worlds.steps import LANDMARK_NAMES

NamedFeatures = dict[str, float]

_VALUES = {"app": features.APP, "campaign": features.CAMPAIGN} | dict.fromkeys(
    ("os", "hour", "weekday", "ctit_log2", "campaign×platform", "app×media_source"), features.MINOR
)
_APPS = (*(app.app_id for app in MARKET_APPS), "com.tidewood.fresh")
_COUNTRIES = tuple(one.code for one in COUNTRIES)
_SOURCES = (*(one.name for one in MEDIA_SOURCES), "organic")
_PLATFORMS = ("android", "ios")


class WorldFeatures:
    """Asked by number of install and number of landmark."""

    def __init__(self, people: PayingPeople, lives: Lives) -> None:
        self._keys = _keys(people)
        self.platforms = [_PLATFORMS[one] for one in people.is_ios.tolist()]
        self.places = _places(people)
        self._sessions = lives.sessions.tolist()
        self._names = lives.names.tolist()

    def at(self, install: int, landmark: int) -> NamedFeatures:
        found = {column[install]: value for column, value in self._keys}
        name = LANDMARK_NAMES[landmark]
        if landmark:
            counted = zip(self._sessions[install], self._names[install][:landmark], strict=False)
            found.update(features.activity_until(name, [_bucket(*one) for one in counted]))
        return found


def _bucket(sessions: int, counts: list[int]) -> ActivityBucket:
    names = {name: count for name, count in zip(IN_APP_NAMES, counts, strict=True) if count}
    return ActivityBucket(sessions, sum(counts), names)


def _keys(people: PayingPeople) -> list[tuple[list[str], float]]:
    """The names of what is known at the install: a column for each, and their value."""
    is_organic = people.source == ORGANIC_SOURCE
    lead = [str(one.bit_length()) if one >= 0 else "none" for one in people.click_lead_s.tolist()]
    platform = _named(_PLATFORMS, people.is_ios.astype(np.int64))
    country, source = _named(_COUNTRIES, people.country), _named(_SOURCES, people.source)
    app = _named(_APPS, people.app)
    campaign = [f"c{one}" if one >= 0 else "" for one in people.campaign.tolist()]
    touch = [
        "" if organic else "impression" if view else "click"
        for organic, view in zip(is_organic.tolist(), people.is_view.tolist(), strict=True)
    ]
    columns = {
        "app": app,
        "platform": platform,
        "country": country,
        "os": people.system.tolist(),
        "hour": (people.time // HOUR_MS % 24).tolist(),
        "weekday": (people.time // DAY_MS % 7).tolist(),
        "media_source": source,
        "campaign": campaign,
        "site": [f"s{one}" if one >= 0 else "" for one in people.site.tolist()],
        "match": ["none" if one else "click_id" for one in is_organic.tolist()],
        "touch": touch,
        "ctit_log2": lead,
        "media_source×country": _crossed(source, country),
        "campaign×platform": _crossed(campaign, platform),
        "app×media_source": _crossed(app, source),
    }
    return [
        (_shared(f"{name}={value}" for value in values), _VALUES.get(name, 1.0))
        for name, values in columns.items()
    ]


def _named(names: tuple[str, ...], index: IntColumn) -> list[str]:
    return [names[one] for one in index.tolist()]


def _crossed(first: list[str], second: list[str]) -> list[str]:
    return [f"{left}|{right}" for left, right in zip(first, second, strict=True)]


def _shared(texts: Iterable[str]) -> list[str]:
    """Equal texts as one object, to save memory."""
    known: dict[str, str] = {}
    return [known.setdefault(text, text) for text in texts]


def _places(people: PayingPeople) -> list[InstallOrigin]:
    columns = (people.app, people.source, people.country, people.is_ios.astype(np.int64))
    known: dict[tuple[int, ...], InstallOrigin] = {}
    for key in set(zip(*(column.tolist() for column in columns), strict=True)):
        app, source, country, ios = key
        place = InstallOrigin(_APPS[app], _SOURCES[source], _COUNTRIES[country], _PLATFORMS[ios])
        known[key] = place
    return [known[key] for key in zip(*(column.tolist() for column in columns), strict=True)]
