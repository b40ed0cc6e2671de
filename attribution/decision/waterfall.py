"""Who gets the credit: the best tier, in it the latest touchpoint, else nobody (organic).

Tiers after Adjust's waterfall: a click beats a view however recent the view, and what shares an
id beats what only looks alike. At the same time the stronger signal wins (Play referrer, click
id, device id, AdServices); ties break by event id, so the answer never depends on the order of
arrival. A device that had the app before can only be won back, by retargeting (AppsFlyer,
reinstalls and re-attribution).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from attribution.decision.candidates import Candidate
from attribution.decision.fraud import SITE_REASONS, FraudReason, Hit, hits
from attribution.probabilistic.pair_score import confidences
from attribution.rules.rules import Policy, Rules
from schemas.records import Installed, Prior, Signal, SiteVerdict, TouchKind
from schemas.time import EventMs, Millis

CandidateVerdict = Literal["credited", "outranked", "rejected"]
Rejection = Literal[
    "after_install",
    "logged_too_late",
    "outside_click_window",
    "outside_view_window",
    "before_prior_install",
    "not_retargeting",
    "probabilistic_off",
    "low_confidence",
]
Rule = (
    Rejection
    | FraudReason
    | Literal["last_touch", "better_tier", "later_touch", "stronger_signal", "id_order"]
)
ConversionType = Literal["install", "reinstall", "reattribution"]
CONTRIBUTORS_MAX = 3


class Case(Struct, frozen=True, gc=False):
    """What a decision is about, apart from its candidates."""

    install: Installed
    prior: Prior | None = None
    site_verdicts: Sequence[SiteVerdict] = ()


class Receipt(Struct, frozen=True, gc=False):
    """What became of one candidate, and by which rule."""

    touch_id: str
    event_id: str
    verdict: CandidateVerdict
    rule: Rule


class WaterfallResult(Struct, frozen=True, gc=False):
    """Who gets the credit, and who only fraud kept from it."""

    winner: Candidate | None = None  # None: organic
    hits: tuple[Hit, ...] = ()  # what speaks against the winner, not enough to reject it
    confidence: float = 1.0
    robbed: Candidate | None = None
    robbed_by: Hit | None = None


class Review(Struct, frozen=True, gc=False):
    """All that is told about a decision beside the winner."""

    receipts: list[Receipt]  # best candidate first
    contributors: list[Candidate]
    suspicions: list[tuple[Candidate, Hit]]


def tier(candidate: Candidate) -> int:
    """3 click with an id, 2 view with an id, 1 click without, 0 view without."""
    is_click = candidate.touch.kind is TouchKind.CLICK
    return is_click + (0 if candidate.signal is Signal.PROBABILISTIC else 2)


def rank(candidate: Candidate) -> tuple[int, EventMs, int, str]:
    """Total order of candidates; the highest wins. A touch time that is unknown is 0, so last."""
    touch = candidate.touch
    return tier(candidate), touch.time, -candidate.signal, touch.event_id


def policy_for(candidate: Candidate, install: Installed, rules: Rules) -> Policy:
    """What holds for this touchpoint, at the time of the install."""
    touch = candidate.touch
    return rules.policy(install.app_id, touch.media_source, touch.campaign_id, install.time)


def lookback_ms(
    candidate: Candidate, policy: Policy, rules: Rules, *, is_known_user: bool
) -> Millis:
    """The window in force: the touchpoint's own within limits, or the rule's."""
    touch = candidate.touch
    if candidate.signal is Signal.PROBABILISTIC:
        return policy.window_ms(touch, is_probabilistic=True, is_known_user=is_known_user)
    if touch.kind is TouchKind.CLICK:
        own, most = touch.click_lookback_ms, rules.click_window_ms_max
    else:
        own, most = touch.view_lookback_ms, rules.view_window_ms_max
    by_rule = policy.window_ms(touch, is_probabilistic=False, is_known_user=is_known_user)
    return min(own or by_rule, most)


def rejection(candidate: Candidate, case: Case, rules: Rules) -> Rejection | None:
    """The rule that forbids this touchpoint to win whatever else is known, or None."""
    touch, install = candidate.touch, case.install
    if touch.time > install.time:
        return "after_install"
    if touch.ts - install.ts > rules.late_ms_max:
        return "logged_too_late"
    policy = policy_for(candidate, install, rules)
    is_time_known = touch.time > 0
    window = lookback_ms(candidate, policy, rules, is_known_user=case.prior is not None)
    if is_time_known and install.time - touch.time > window:
        is_click = touch.kind is TouchKind.CLICK
        return "outside_click_window" if is_click else "outside_view_window"
    if case.prior is not None:
        if is_time_known and touch.time <= case.prior.time:
            return "before_prior_install"
        if not touch.is_retargeting:
            return "not_retargeting"
    if candidate.signal is Signal.PROBABILISTIC:
        switches = policy.probabilistic
        is_on = switches.click if touch.kind is TouchKind.CLICK else switches.view
        return None if is_on else "probabilistic_off"
    return None


def run_waterfall(candidates: Iterable[Candidate], case: Case, rules: Rules) -> WaterfallResult:
    """The winner of the waterfall."""
    ordered = sorted(candidates, key=rank, reverse=True)
    eligible = [one for one in ordered if rejection(one, case, rules) is None]
    certain = _confidences(eligible, case, rules)
    robbed: Candidate | None = None
    robbed_by: Hit | None = None
    for one in eligible:
        policy = policy_for(one, case.install, rules)
        confidence = certain.get(one.touch.event_id, 1.0)
        if confidence < policy.probabilistic.confidence:
            continue
        found = hits(one, ordered, case.install, case.site_verdicts, policy.fraud)
        rejecting = _rejecting(found)
        if rejecting is None:
            return WaterfallResult(one, found, confidence, robbed, robbed_by)
        if robbed is None:
            robbed, robbed_by = one, rejecting
    return WaterfallResult(robbed=robbed, robbed_by=robbed_by)


def review(
    candidates: Iterable[Candidate], case: Case, judgement: WaterfallResult, rules: Rules
) -> Review:
    """Why each candidate won or lost, who helped, and what is suspicious."""
    ordered = sorted(candidates, key=rank, reverse=True)
    eligible = [one for one in ordered if rejection(one, case, rules) is None]
    certain = _confidences(eligible, case, rules)
    told = Review([], [], [])
    for one in ordered:
        rule: Rule | None = rejection(one, case, rules)
        if rule is None:
            policy = policy_for(one, case.install, rules)
            if certain.get(one.touch.event_id, 1.0) < policy.probabilistic.confidence:
                rule = "low_confidence"
            else:
                found = hits(one, ordered, case.install, case.site_verdicts, policy.fraud)
                told.suspicions.extend((one, hit) for hit in found)
                rejecting = _rejecting(found)
                rule = rejecting.reason if rejecting else None
        told.receipts.append(_receipt(one, rule, judgement.winner))
        is_helper = rule is None and judgement.winner is not None and one != judgement.winner
        if is_helper and len(told.contributors) < CONTRIBUTORS_MAX:
            told.contributors.append(one)
    return told


def prior_of(install: Installed, priors: Iterable[Prior], rules: Rules) -> Prior | None:
    """The install this one follows on the same device; None: a new user."""
    window = rules.app_policy(install.app_id, install.time).windows.reattribution
    name = install.time, install.install_id
    earlier = (
        one
        for one in priors
        if (one.time, one.install_id) < name
        and install.time - one.time <= window
        and one.ts - install.ts <= rules.late_ms_max
    )
    return max(earlier, key=lambda one: (one.time, one.install_id), default=None)


def conversion_type(case: Case, judgement: WaterfallResult) -> ConversionType:
    if case.prior is None:
        return "install"
    return "reinstall" if judgement.winner is None else "reattribution"


def expires_at(case: Case, judgement: WaterfallResult, rules: Rules) -> EventMs:
    """When a re-attribution gives the credit back to whom it was taken from; 0: never."""
    winner = judgement.winner
    if case.prior is None or winner is None:
        return EventMs(0)
    temporary = policy_for(winner, case.install, rules).windows.temporary
    return case.install.time + temporary if temporary else EventMs(0)


def fraud_status(found: Sequence[Hit]) -> tuple[Literal["", "tag", "suspicious"], str]:
    """The worst that is said of the winner, and why. What a site's history merely tags is told
    apart from the decision, because it depends on what was known of the site by then."""
    counting = [hit for hit in found if hit.mode != "tag" or hit.reason not in SITE_REASONS]
    for mode in ("suspicious", "tag"):
        for hit in counting:
            if hit.mode == mode:
                return mode, hit.reason
    return "", ""


def _rejecting(found: Sequence[Hit]) -> Hit | None:
    return next((hit for hit in found if hit.mode == "reject"), None)


def _confidences(eligible: Sequence[Candidate], case: Case, rules: Rules) -> dict[str, float]:
    """How sure each match without ids is, by event id of the touchpoint."""
    touches = [one.touch for one in eligible if one.signal is Signal.PROBABILISTIC]
    if not touches:
        return {}
    certain = confidences(touches, case.install, rules.pair_model)
    return {touch.event_id: value for touch, value in zip(touches, certain, strict=True)}


def _receipt(candidate: Candidate, rule: Rule | None, winner: Candidate | None) -> Receipt:
    touch = candidate.touch
    if rule is not None:
        return Receipt(touch.touch_id, touch.event_id, "rejected", rule)
    if winner is None or candidate == winner:
        return Receipt(touch.touch_id, touch.event_id, "credited", "last_touch")
    return Receipt(touch.touch_id, touch.event_id, "outranked", _outranked_by(candidate, winner))


def _outranked_by(candidate: Candidate, winner: Candidate) -> Rule:
    if tier(candidate) != tier(winner):
        return "better_tier"
    if candidate.touch.time != winner.touch.time:
        return "later_touch"
    if candidate.signal != winner.signal:
        return "stronger_signal"
    return "id_order"
