"""Features: what is known of an install at a landmark, as named numbers.

Activity is counted in one bucket per landmark, by when it became known. Features at a landmark
add up the buckets until there, so that nothing later can reach them in any order of arrival,
and the same features can be computed again when the label matures.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

from msgspec import Struct

from online_models.scoring.landmarks import LANDMARKS
from schemas.time import DAY_MS, HOUR_MS

FEATURES_CODE_VERSION = 2
"""Raise it when the same install gets other features. Models of another version are unusable."""

COUNT_MAX = 999
"""Counts stop here: a broken client must not dominate the model."""

EVENT_NAMES_MAX = 6
"""Distinct in-app event names counted in a bucket, and shown in the features."""

CATEGORY_LENGTH_MAX = 64
"""Longer category values are cut."""

CAMPAIGN = 4.0
APP = 2.0
MINOR = 0.5
"""Values of categories; all others have 1.0. A model's step grows with the square of a value, so
the value states how far a category is expected to be from the average, and how soon: campaigns and
apps come and go, and a new one differs much. Hours and weekdays carry little, crosses the rest."""

_LOG_OF_COUNT = tuple(round(math.log1p(count), 4) for count in range(COUNT_MAX + 1))


class InstallFacts(Struct, frozen=True, array_like=True, gc=False):
    """Facts that never change after the install. `installed_at`: ms since 1970."""

    install_id: str
    app_id: str
    installed_at: int
    platform: str
    country_code: str
    os_version: str


class InstallCredit(Struct, frozen=True, array_like=True, gc=False):
    """Who gets the credit for the install, as decided when a landmark was reached."""

    media_source: str
    campaign_id: str
    site_id: str
    match_type: str
    touch_type: str  # "": organic
    ctit_s: int  # click-to-install time; -1: organic


class ActivityBucket(Struct, frozen=True, array_like=True, gc=False):
    """Counts of activity that became known between two landmarks."""

    sessions: int = 0
    events: int = 0
    names: dict[str, int] = {}


class ActivityTally(Struct, frozen=True, array_like=True, gc=False):
    """One bucket per landmark after the install; none before the first activity."""

    buckets: tuple[ActivityBucket, ...] = ()


_NO_ACTIVITY = (ActivityBucket(),) * (len(LANDMARKS) - 1)


def bucket_of(elapsed_ms: int) -> int:
    """The bucket of the first landmark after an age; len(LANDMARKS) - 1 when all have passed."""
    for bucket, landmark in enumerate(LANDMARKS[1:]):
        if elapsed_ms < landmark.after_ms:
            return bucket
    return len(LANDMARKS) - 1


def count(tally: ActivityTally, bucket: int, name: str, is_session: bool) -> ActivityTally:
    """The tally with one more session or in-app event. Counting commutes."""
    buckets = list(tally.buckets)
    buckets.extend(_NO_ACTIVITY[len(buckets) :])
    counted = buckets[bucket]
    if is_session:
        buckets[bucket] = ActivityBucket(_more(counted.sessions), counted.events, counted.names)
    else:
        names = _with_name(counted.names, name[:CATEGORY_LENGTH_MAX])
        buckets[bucket] = ActivityBucket(counted.sessions, _more(counted.events), names)
    return ActivityTally(tuple(buckets))


def features_at(
    landmark: int, facts: InstallFacts, credit: InstallCredit, tally: ActivityTally
) -> dict[str, float]:
    """Features at a landmark, at most 31, always in the same order of keys."""
    features = install_features(facts, credit)
    if landmark:
        features.update(activity_until(LANDMARKS[landmark].name, tally.buckets[:landmark]))
    return features


def install_features(facts: InstallFacts, credit: InstallCredit) -> dict[str, float]:
    """Features known from the install on, which stay unless the credit changes."""
    country, platform = facts.country_code, facts.platform
    source = credit.media_source[:CATEGORY_LENGTH_MAX]
    campaign = credit.campaign_id[:CATEGORY_LENGTH_MAX]
    app = facts.app_id[:CATEGORY_LENGTH_MAX]
    hours = facts.installed_at // HOUR_MS
    return {
        f"app={app}": APP,
        f"platform={platform}": 1.0,
        f"country={country}": 1.0,
        f"os={facts.os_version.partition('.')[0][:CATEGORY_LENGTH_MAX]}": MINOR,
        f"hour={hours % 24}": MINOR,
        f"weekday={facts.installed_at // DAY_MS % 7}": MINOR,
        f"media_source={source}": 1.0,
        f"campaign={campaign}": CAMPAIGN,
        f"site={credit.site_id[:CATEGORY_LENGTH_MAX]}": 1.0,
        f"match={credit.match_type}": 1.0,
        f"touch={credit.touch_type}": 1.0,
        # One value per doubling: seconds suggest fraud, days view-through.
        f"ctit_log2={credit.ctit_s.bit_length() if credit.ctit_s >= 0 else 'none'}": MINOR,
        f"media_source×country={source}|{country}": 1.0,
        f"campaign×platform={campaign}|{platform}": MINOR,
        f"app×media_source={app}|{source}": MINOR,
    }


def activity_until(landmark: str, buckets: Sequence[ActivityBucket]) -> dict[str, float]:
    """Features of all buckets until a landmark; of the newest, where it is not the only one; and
    which one is the newest."""
    sessions = events = newest = 0
    names: dict[str, int] = {}
    for number, bucket in enumerate(buckets, start=1):
        sessions += bucket.sessions
        events += bucket.events
        if bucket.sessions or bucket.events:
            newest = number
        for name, seen in bucket.names.items():
            names[name] = names.get(name, 0) + seen
    features = {
        f"sessions@{landmark}": _log_of(sessions),
        f"events@{landmark}": _log_of(events),
        f"active@{landmark}={newest}": 1.0,
    }
    kept = sorted(names) if len(names) <= EVENT_NAMES_MAX else _lowest(names)
    for name in kept:
        features[f"event:{name}@{landmark}"] = _log_of(names[name])
    if newest == len(buckets) > 1:
        last = buckets[-1]
        features[f"new_sessions@{landmark}"] = _log_of(last.sessions)
        for name in kept:
            if name in last.names:
                features[f"new_event:{name}@{landmark}"] = _log_of(last.names[name])
    return features


def _log_of(count: int) -> float:
    return _LOG_OF_COUNT[min(count, COUNT_MAX)]


def _more(counted: int) -> int:
    return min(counted + 1, COUNT_MAX)


def _with_name(names: dict[str, int], name: str) -> dict[str, int]:
    """Count a name, remembering those with the lowest hashes.

    A name that was pushed out can never return, since the bound only tightens; so names that are
    kept have been counted from their first occurrence, whatever the order.
    """
    grown = {**names, name: _more(names.get(name, 0))}
    if len(grown) <= EVENT_NAMES_MAX:
        return grown
    return {kept: grown[kept] for kept in _lowest(grown)}


def _lowest(names: dict[str, int]) -> list[str]:
    ranked = sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))
    return sorted(ranked[:EVENT_NAMES_MAX])
