"""The steps of a journey: how one record, or a deadline, changes it."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.reengagement import may_win_back
from attribution.decision.waterfall import run_waterfall
from attribution.journey.decisions import (
    case_of,
    decide_if_complete,
    is_answered,
    make_decision,
    merge,
    note_priors,
    reconsider,
)
from attribution.journey.erasure import is_cut_off, purge_due, purged, without_cut
from attribution.journey.requests import cut_links, make_choice, request_erasure
from attribution.journey.retargeting import note_retargeting, win_back
from attribution.journey.site_verdicts import add_site_verdict
from attribution.journey.state import Journey, JourneyFact, JourneyStep, event_hash
from attribution.journey.waitlist import (
    apply_or_wait,
    deadline_of,
    release,
    remember_activity,
    settle_waiting,
    take_back,
)
from attribution.matching.facts import Evicted, Settled
from attribution.privacy.known_keys import note_keys
from attribution.rules.rules import Rules
from schemas.outcomes import DecisionReason
from schemas.records import (
    NAMED_BY_SESSION,
    ActivitySeen,
    Candidates,
    ChoiceMade,
    Erased,
    ExposureSeen,
    Installed,
    JourneyRecord,
    LinksCut,
    ModelMarker,
    MoneyRouted,
    OrderGiven,
    Signal,
    SiteVerdict,
)
from schemas.time import MILLISECOND, LogMs

ALL_READ = LogMs((1 << 63) - 1)
"""A log time that every touchpoint and install is read up to."""


def advance(
    journey: Journey, record: JourneyRecord, rules: Rules, read_until: LogMs = ALL_READ
) -> JourneyStep:
    """The step of any record that names an install; a marker is for the whole partition.

    Touchpoints and installs logged before `read_until` have been read by matching.
    """
    journey, evicted = note_keys(journey, record, rules)
    journey, facts = _advance(journey, record, rules, read_until)
    return journey, [*evicted, *facts] if evicted else facts


def _advance(
    journey: Journey, record: JourneyRecord, rules: Rules, read_until: LogMs
) -> JourneyStep:
    match record:
        case Installed():
            return add_install(journey, record, rules, read_until)
        case Candidates():
            return add_candidates(journey, record, rules, read_until)
        case ActivitySeen():
            return add_activity(journey, record, rules)
        case MoneyRouted():
            return add_money(journey, record, rules)
        case SiteVerdict():
            return add_site_verdict(journey, record, rules)
        case Erased():
            return request_erasure(journey, record, rules)
        case LinksCut():
            return cut_links(journey, record, rules)
        case ChoiceMade():
            return make_choice(journey, record, rules)
        case ModelMarker() | OrderGiven():
            raise AssertionError("markers are for the partition, not for one install")
        case ExposureSeen():
            raise AssertionError("exposures decide nothing of a journey")
    assert_never(record)


def add_install(
    journey: Journey, installed: Installed, rules: Rules, read_until: LogMs = ALL_READ
) -> JourneyStep:
    """Add the install, decide if matching has answered, and release records that waited for it."""
    if journey.install is not None:
        return journey, [Settled(installed.source, "duplicate")]
    last_ts = max(journey.last_ts, installed.ts)
    # Its keys are remembered with those of later records.
    journey = replace(journey, install=replace(installed, keys=[]), last_ts=last_ts)
    reported: list[Candidate] = []  # by Apple
    if installed.adservices is not None:
        reported.append(Candidate(Signal.ADSERVICES, installed.adservices))
    later = [one for one in journey.retargeting if one.touch.time > installed.time]
    journey = replace(journey, retargeting=later)
    journey, facts = merge(journey, reported, rules)
    journey, decided = decide_if_complete(journey, rules, read_until)
    journey, released = release(journey, installed, rules)
    journey, won_back = win_back(journey, "first_decision", installed.ts, rules)
    return journey, facts + decided + released + won_back


def add_candidates(
    journey: Journey, seen: Candidates, rules: Rules, read_until: LogMs = ALL_READ
) -> JourneyStep:
    """Add an answer of matching, or touchpoints and prior installs that matching found later."""
    answered = journey.answered | (1 << seen.ordinal) if seen.ordinal >= 0 else journey.answered
    is_by_device = seen.ordinal >= 0 and seen.signal is Signal.DEVICE_ID
    journey, facts = replace(journey, answered=answered), list[JourneyFact]()
    if is_by_device and not journey.has_device_lookup:
        journey = replace(journey, has_device_lookup=True)
    if journey.is_purged:
        return journey, facts
    found = [Candidate(seen.signal, touch, seen.device_ids) for touch in seen.touches]
    found = [one for one in found if not is_cut_off(journey, one)]
    if seen.ordinal == NAMED_BY_SESSION:
        return _add_named(journey, found, rules)
    if found:
        journey, facts = merge(journey, found, rules)
    if seen.priors:
        journey, evicted = note_priors(journey, seen.priors, rules)
        journey = without_cut(journey)
        facts += evicted
    logged = [touch.ts for touch in seen.touches] + [prior.ts for prior in seen.priors]
    reason: DecisionReason = "late_touchpoint" if seen.touches else "late_install"
    if journey.version == 0:
        journey, decided = decide_if_complete(journey, rules, read_until)
    elif logged and journey.install is not None:
        installed_ts = journey.install.ts
        is_late = max(logged) > installed_ts
        at = max([installed_ts, *logged])
        journey, decided = reconsider(journey, reason if is_late else "read_later", at, rules)
    else:
        return journey, facts
    if not logged:
        return journey, facts + decided
    journey, won_back = win_back(journey, reason, max(logged), rules)
    return journey, facts + decided + won_back


def unread_install(journey: Journey) -> LogMs | None:
    """Log time of an install that waits for nothing but what was logged up to it; None: none."""
    install = journey.install
    if install is None or journey.version > 0 or journey.is_purged or not is_answered(journey):
        return None
    return install.ts


def read_log(journey: Journey, rules: Rules) -> JourneyStep:
    """Decide an install that waited until the log was read up to it."""
    if unread_install(journey) is None:
        return journey, []
    return decide_if_complete(journey, rules, ALL_READ)


def _add_named(journey: Journey, found: list[Candidate], rules: Rules) -> JourneyStep:
    """Add touchpoints that a session names: they may win a user back, but explain no install."""
    install = journey.install
    if install is not None:
        found = [one for one in found if may_win_back(one, install)]
    journey, facts = note_retargeting(journey, found, rules)
    at = max((one.touch.ts for one in found), default=LogMs(0))
    journey, won_back = win_back(journey, "late_touchpoint", at, rules)
    return journey, facts + won_back


def change_rules(journey: Journey, at: LogMs, rules: Rules) -> JourneyStep:
    """Decide again under new rules; `at` is the log time from which they apply."""
    if journey.version == 0:
        return journey, []
    journey, facts = reconsider(journey, "rule_change", at, rules)
    journey, won_back = win_back(journey, "rule_change", at, rules)
    return journey, facts + won_back


def add_activity(journey: Journey, activity: ActivitySeen, rules: Rules) -> JourneyStep:
    """Add a session or an in-app event; duplicates are recognised by event id.

    The life that is known first settles the activity of all, and others only remember theirs.
    """
    is_other = journey.install is not None and journey.install.opening == activity.opening
    if activity.opening and is_other:
        journey = replace(journey, last_ts=max(journey.last_ts, activity.ts))
        journey, noted = remember_activity(journey, activity, rules)
        journey, won_back = win_back(journey, "late_activity", activity.ts, rules)
        return journey, noted + won_back
    name = event_hash(activity.event_id)
    if name in journey.activity_ids:
        return journey, [Settled(activity.source, "duplicate")]
    ids = [*journey.activity_ids, name][-rules.activity_ids_per_journey_max :]
    facts: list[JourneyFact] = []
    if len(ids) == len(journey.activity_ids):
        facts.append(Evicted("activity_ids_per_journey_max", 1))
    journey = replace(journey, activity_ids=ids, last_ts=max(journey.last_ts, activity.ts))
    journey, applied = apply_or_wait(journey, activity, rules)
    journey, won_back = win_back(journey, "late_activity", activity.ts, rules)
    return journey, facts + applied + won_back


def add_money(journey: Journey, routed: MoneyRouted, rules: Rules) -> JourneyStep:
    """Book money to the install, or take it away again (`sign` -1) after a relink."""
    journey = replace(journey, last_ts=max(journey.last_ts, routed.money.ts))
    if routed.sign > 0:
        return apply_or_wait(journey, routed, rules)
    return take_back(journey, routed)


def meet_deadlines(journey: Journey, now: LogMs, rules: Rules) -> JourneyStep:
    """Act on deadlines before log time `now`: decide without missing answers, expire records."""
    facts: list[JourneyFact] = []
    install = journey.install
    if install is not None and journey.version == 0 and _decision_due(install, rules) <= now:
        decided_at = install.ts + rules.decision_wait_ms
        journey, facts = make_decision(journey, "deadline", decided_at, rules)
    for record in journey.waiting:
        if deadline_of(record, rules) < now:
            facts += settle_waiting(record, "expired", rules)
    waiting = [one for one in journey.waiting if deadline_of(one, rules) >= now]
    journey = replace(journey, waiting=waiting)
    purge_at = purge_due(journey, rules)
    return (purged(journey) if purge_at is not None and purge_at <= now else journey), facts


def journey_due(journey: Journey, rules: Rules) -> LogMs:
    """Log time at which a deadline has to be met, or the journey can be forgotten."""
    due = journey.last_ts + rules.journey_retention_ms
    if journey.install is not None and journey.version == 0:
        due = min(due, _decision_due(journey.install, rules))
    for record in journey.waiting:
        due = min(due, deadline_of(record, rules) + MILLISECOND)
    return min(due, purge_due(journey, rules) or due)


def is_forgotten(journey: Journey, now: LogMs, rules: Rules) -> bool:
    """Whether the journey holds nothing that is still needed at log time `now`."""
    if journey.waiting:
        return False
    is_noted = journey.candidates or journey.erased_ts or journey.choices
    if journey.install is None and not is_noted:
        return True
    return journey.last_ts + rules.journey_retention_ms <= now


def winner_known_by(journey: Journey, known_by: LogMs, rules: Rules) -> Candidate | None:
    """The winner by the records logged up to `known_by`; None: organic."""
    candidates = [one for one in journey.candidates if one.touch.ts <= known_by]
    if journey.install is None or not candidates:
        return None
    known = replace(
        journey,
        priors=[one for one in journey.priors if one.ts <= known_by],
        site_verdicts=[one for one in journey.site_verdicts if one.ts <= known_by],
        choices=[one for one in journey.choices if one.ts <= known_by],
    )
    return run_waterfall(candidates, case_of(known, rules), rules).winner


def _decision_due(install: Installed, rules: Rules) -> LogMs:
    return install.ts + rules.decision_wait_ms + MILLISECOND
