"""The waterfall: the latest touchpoint of the best tier gets the credit; without one, organic.

The tiers follow Adjust's waterfall: a click beats a view, however recent the view, and a match by
an id beats a probabilistic match. Of two touchpoints at the same time the stronger signal wins
(Play referrer, click id, device id, AdServices); remaining ties break by event id, so that the
answer never depends on the order of arrival. A device that had the app before can only be won back
by retargeting (AppsFlyer, reinstalls and re-attribution).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from attribution.decision.candidates import Candidate, is_named
from attribution.decision.fraud import SITE_REASONS, FraudReason, Hit, hits
from attribution.privacy.choices import PrivacyChoice, is_candidate_refused
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
    "opted_out",
]
Rule = (
    Rejection
    | FraudReason
    | Literal["last_touch", "better_tier", "later_touch", "stronger_signal", "id_order"]
)
ConversionType = Literal["install", "reinstall", "reattribution"]
CONTRIBUTORS_MAX = 3
"""Touchpoints listed as contributors beside the winner, as in AppsFlyer's raw data reports."""


class Case(Struct, frozen=True, gc=False):
    """The input of a decision, apart from its candidates."""

    install: Installed
    prior: Prior | None = None
    site_verdicts: Sequence[SiteVerdict] = ()
    choices: Sequence[PrivacyChoice] = ()  # of the person: to be opted out, or in again


class Receipt(Struct, frozen=True, gc=False):
    """The verdict on one candidate, and the rule behind it."""

    touch_id: str
    event_id: str
    verdict: CandidateVerdict
    rule: Rule


class WaterfallResult(Struct, frozen=True, gc=False):
    """The touchpoint that gets the credit, and the one that would have, were it not for fraud."""

    winner: Candidate | None = None  # None: organic
    hits: tuple[Hit, ...] = ()  # fraud rules that the winner breaks without being rejected
    confidence: float = 1.0
    robbed: Candidate | None = None  # the best candidate that was rejected for fraud
    robbed_by: Hit | None = None


class Review(Struct, frozen=True, gc=False):
    """The explanation of a decision: receipts, contributors and fraud hits."""

    receipts: list[Receipt]  # best candidate first
    contributors: list[Candidate]
    suspicions: list[tuple[Candidate, Hit]]
    reviewed: list[Candidate]  # the candidate of each receipt


def tier(candidate: Candidate) -> int:
    """3: a click matched by an id; 2: a view matched by an id; 1 and 0: the same, probabilistic."""
    is_click = candidate.touch.kind is TouchKind.CLICK
    return is_click + (0 if candidate.signal is Signal.PROBABILISTIC else 2)


def rank(candidate: Candidate) -> tuple[int, EventMs, int, str]:
    """Total order of candidates: the highest wins. An unknown touch time is 0 and comes last."""
    touch = candidate.touch
    return tier(candidate), touch.time, -candidate.signal, touch.event_id


def policy_for(candidate: Candidate, install: Installed, rules: Rules) -> Policy:
    """The policy for this touchpoint at the time of the install."""
    touch = candidate.touch
    return rules.policy(install.app_id, touch.media_source, touch.campaign_id, install.time)


def lookback_ms(
    candidate: Candidate, policy: Policy, rules: Rules, *, is_known_user: bool
) -> Millis:
    """The lookback window in force: the touchpoint's own, up to the maximum, or else the rule's."""
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
    """The rule by which this touchpoint can never win; None: it is eligible."""
    touch, install = candidate.touch, case.install
    if touch.time > install.time and not is_named(candidate):
        return "after_install"
    if case.choices and is_candidate_refused(case.choices, candidate, install, rules):
        return "opted_out"
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
    """Find the winner: the best eligible candidate that no fraud rule rejects."""
    ordered = sorted(candidates, key=rank, reverse=True)
    eligible = [one for one in ordered if rejection(one, case, rules) is None]
    confidence_of = _confidences(eligible, case, rules)
    robbed: Candidate | None = None  # the best candidate that was rejected for fraud
    robbed_by: Hit | None = None
    for candidate in eligible:
        policy = policy_for(candidate, case.install, rules)
        confidence = confidence_of.get(candidate.touch.identity, 1.0)
        if confidence < policy.probabilistic.confidence:
            continue
        found = hits(candidate, ordered, case.install, case.site_verdicts, policy.fraud)
        rejecting = _rejecting(found)
        if rejecting is None:
            return WaterfallResult(candidate, found, confidence, robbed, robbed_by)
        if robbed is None:
            robbed, robbed_by = candidate, rejecting
    return WaterfallResult(robbed=robbed, robbed_by=robbed_by)


def review(
    candidates: Iterable[Candidate], case: Case, result: WaterfallResult, rules: Rules
) -> Review:
    """Explain a decision: why each candidate won or lost, who contributed, what is suspicious."""
    ordered = sorted(candidates, key=rank, reverse=True)
    eligible = [one for one in ordered if rejection(one, case, rules) is None]
    confidence_of = _confidences(eligible, case, rules)
    winner = result.winner
    explained = Review([], [], [], ordered)
    for candidate in ordered:
        rule: Rule | None = rejection(candidate, case, rules)
        if rule is None:
            policy = policy_for(candidate, case.install, rules)
            confidence = confidence_of.get(candidate.touch.identity, 1.0)
            if confidence < policy.probabilistic.confidence:
                rule = "low_confidence"
            else:
                found = hits(candidate, ordered, case.install, case.site_verdicts, policy.fraud)
                explained.suspicions.extend((candidate, hit) for hit in found)
                rejecting = _rejecting(found)
                rule = rejecting.reason if rejecting else None
        explained.receipts.append(_receipt(candidate, rule, winner))
        is_contributor = rule is None and winner is not None and candidate != winner
        if is_contributor and len(explained.contributors) < CONTRIBUTORS_MAX:
            explained.contributors.append(candidate)
    return explained


def prior_of(install: Installed, priors: Iterable[Prior], rules: Rules) -> Prior | None:
    """The earlier install on the same device that this one follows; None: a new user."""
    window = rules.app_policy(install.app_id, install.time).windows.reattribution
    name = install.time, install.install_id
    earlier = (
        one
        for one in priors
        if (one.time, one.install_id) < name
        and install.time - one.time <= window
        and one.ts - install.ts <= rules.late_ms_max
    )
    return max(earlier, key=lambda prior: (prior.time, prior.install_id), default=None)


def conversion_type(case: Case, result: WaterfallResult) -> ConversionType:
    if case.prior is None:
        return "install"
    return "reinstall" if result.winner is None else "reattribution"


def expires_at(case: Case, result: WaterfallResult, rules: Rules) -> EventMs:
    """When a temporary re-attribution ends and the previous source counts again; 0: never."""
    winner = result.winner
    if case.prior is None or winner is None:
        return EventMs(0)
    temporary = policy_for(winner, case.install, rules).windows.temporary
    return case.install.time + temporary if temporary else EventMs(0)


def fraud_status(found: Sequence[Hit]) -> tuple[Literal["", "tag", "suspicious"], str]:
    """The most severe fraud mode against the winner, and its reason.

    Tags from a site's history are left out: they are reported apart from the decision, because they
    depend on how much was known of the site by then.
    """
    counting = [hit for hit in found if hit.mode != "tag" or hit.reason not in SITE_REASONS]
    for mode in ("suspicious", "tag"):
        for hit in counting:
            if hit.mode == mode:
                return mode, hit.reason
    return "", ""


def _rejecting(found: Sequence[Hit]) -> Hit | None:
    return next((hit for hit in found if hit.mode == "reject"), None)


def _confidences(
    eligible: Sequence[Candidate], case: Case, rules: Rules
) -> dict[tuple[TouchKind, str], float]:
    """Confidence of each probabilistic match, by identity of the touchpoint."""
    touches = [one.touch for one in eligible if one.signal is Signal.PROBABILISTIC]
    if not touches:
        return {}
    values = confidences(touches, case.install, rules.pair_model)
    return {touch.identity: value for touch, value in zip(touches, values, strict=True)}


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
