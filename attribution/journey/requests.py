"""What a privacy request does to a journey: to be forgotten, or to be opted out."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.journey.decisions import make_decision, reconsider
from attribution.journey.erasure import without_cut
from attribution.journey.retargeting import win_back
from attribution.journey.state import Journey, JourneyFact, JourneyStep
from attribution.privacy.choices import PrivacyChoice, is_refused_now, note_choice
from attribution.rules.rules import Rules
from schemas.records import ChoiceMade, Erased, LinksCut


def request_erasure(journey: Journey, erased: Erased, rules: Rules) -> JourneyStep:
    """Take an erasure request: rows omit personal ids from now on, and the journey is purged later.

    The credit itself stays. Of several requests the first by log time counts, in whatever order
    they arrive.
    """
    is_new = journey.erased_ts == 0
    if journey.is_purged or 0 < journey.erased_ts <= erased.ts:
        return journey, []
    last_ts = max(journey.last_ts, erased.ts)
    journey = replace(journey, erased_ts=erased.ts, erased_by=erased.request_id, last_ts=last_ts)
    facts: list[JourneyFact] = []
    journey = without_cut(journey)
    if is_new and journey.version > 0:
        journey, facts = make_decision(journey, "erasure", erased.ts, rules)
    elif not is_new:
        journey, facts = reconsider(journey, "erasure", erased.ts, rules)
    journey, won_back = win_back(journey, "erasure", erased.ts, rules, is_repeated=is_new)
    return journey, facts + won_back


def cut_links(journey: Journey, cut: LinksCut, rules: Rules) -> JourneyStep:
    """Forget what any device id says of the time before somebody asked to be forgotten, after whom
    this install has one of them."""
    if journey.is_purged:
        return journey, []
    if cut.touch_id:
        named = cut.touch_id, cut.ts
        if named in journey.cut_clicks:
            return journey, []
        clicks = [*journey.cut_clicks, named][-rules.erasures_per_key_max :]
        journey = without_cut(replace(journey, cut_clicks=clicks))
    elif cut.ts <= journey.cut_ts:
        return journey, []
    else:
        journey = without_cut(replace(journey, cut_ts=cut.ts))
    journey, facts = reconsider(journey, "erasure", cut.ts, rules)
    journey, won_back = win_back(journey, "erasure", cut.ts, rules)
    return journey, facts + won_back


def make_choice(journey: Journey, made: ChoiceMade, rules: Rules) -> JourneyStep:
    """Take an opt-out, or an opt-in. What it forbids counts for what was logged after it; a version
    says so, even if the credit stays. A purged journey keeps it for lives that begin later."""
    choice = PrivacyChoice(made.ts, made.request_id, made.is_refused)
    choices, evicted = note_choice(journey.choices, choice, rules)
    if choices == journey.choices:
        return journey, []
    was_refused = is_refused_now(journey.choices)
    last_ts = max(journey.last_ts, made.ts)
    journey = replace(journey, choices=choices, last_ts=last_ts)
    if journey.is_purged:
        return journey, []
    facts: list[JourneyFact] = list(evicted)
    if journey.version > 0 and is_refused_now(choices) != was_refused:
        journey, decided = make_decision(journey, "privacy_choice", made.ts, rules)
    else:
        journey, decided = reconsider(journey, "privacy_choice", made.ts, rules)
    journey, won_back = win_back(journey, "privacy_choice", made.ts, rules)
    return journey, facts + decided + won_back
