"""When somebody who asked to be forgotten is, and what counts until then."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.journey.state import Journey
from attribution.rules.rules import Rules
from schemas.time import MILLISECOND, LogMs


def last_heard(journey: Journey, rules: Rules) -> LogMs:
    """Log time of the last record that may change what is said of somebody who asked to be
    forgotten; 0: nobody asked, or nothing is known of the install yet."""
    install = journey.install
    if journey.erased_ts == 0 or install is None:
        return LogMs(0)
    return max(journey.erased_ts, install.ts) + rules.late_ms_max


def purge_due(journey: Journey, rules: Rules) -> LogMs | None:
    """Log time at which nothing that counts can come any more; None: never."""
    until = last_heard(journey, rules)
    return None if until == 0 or journey.is_purged else until + MILLISECOND


def heard(journey: Journey, rules: Rules) -> Journey:
    """Without what came after that: whether it came before the purge must make no difference."""
    until = last_heard(journey, rules)
    if until == 0:
        return journey
    return replace(
        journey,
        sessions=[one for one in journey.sessions if one[1] <= until],
        retargeting=[one for one in journey.retargeting if one.touch.ts <= until],
    )


def purged(journey: Journey) -> Journey:
    """What is left is who has the credit, which rows have told, and what money needs."""
    install = journey.install
    assert install is not None
    return replace(
        journey,
        install=replace(install, adservices=None, traits=[]),
        candidates=[],
        decided="",
        retargeting=[],
        reengaged=[],
        sessions=[],
        priors=[],
        site_verdicts=[],
        is_purged=True,
    )
