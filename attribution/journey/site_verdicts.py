"""Verdicts of the sites stage on the touchpoints that claim an install."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.journey.decisions import reconsider
from attribution.journey.state import Journey, JourneyStep
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import SiteVerdict

SITE_VERDICTS_PER_JOURNEY_MAX = 64
"""Beyond it the oldest verdict is forgotten: as many touchpoints as a journey remembers would each
have to claim the install and be judged."""


def add_site_verdict(journey: Journey, verdict: SiteVerdict, rules: Rules) -> JourneyStep:
    """Add a verdict from a site's history; a late one, or one that no rule uses, is ignored."""
    install = journey.install
    if install is None or journey.is_purged or not rules.heeds_sites:
        return journey, []
    windows = rules.app_policy(install.app_id, install.time).windows
    if verdict.ts > install.ts + windows.post_install_fraud:
        return journey, []
    charge = verdict.event_id, verdict.reason
    others = [one for one in journey.site_verdicts if (one.event_id, one.reason) != charge]
    same = [one for one in journey.site_verdicts if (one.event_id, one.reason) == charge]
    latest = max([verdict, *same], key=lambda each: (each.ts, each.value))
    verdicts, evicted = [*others, latest], list[Evicted]()
    if len(verdicts) > SITE_VERDICTS_PER_JOURNEY_MAX:
        oldest = min(verdicts, key=lambda each: (each.ts, each.event_id, each.reason))
        verdicts = [each for each in verdicts if each is not oldest]
        evicted.append(Evicted("site_verdicts_per_journey_max", 1))
    journey = replace(journey, site_verdicts=verdicts)
    journey, facts = reconsider(journey, "fraud_verdict", verdict.ts, rules)
    return journey, [*facts, *evicted]
