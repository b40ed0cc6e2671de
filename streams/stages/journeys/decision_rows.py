"""Outcome rows of decisions, and what models and sites are told of an install."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from attribution.decision.candidates import Candidate, is_delay_known
from attribution.decision.fraud import SITE_REASONS
from attribution.decision.settlement import settles_at
from attribution.decision.waterfall import (
    conversion_type,
    expires_at,
    fraud_status,
    lookback_ms,
    policy_for,
)
from attribution.journey import Decision, Reengagement
from attribution.rules.rules import Policy, Rules
from online_models.features.features import InstallCredit, InstallFacts
from schemas.outcomes import Attribution, FraudVerdict
from schemas.records import (
    Installed,
    Signal,
    SiteInstall,
    Touch,
    TouchKind,
    site_key,
)
from streams.stages.common.source_columns import environment_of, source_columns
from streams.stages.journeys.described_columns import (
    RESTRICTED,
    described_columns,
    is_restricted,
)
from streams.stages.journeys.install_clocks import after_begin_ms, clock_columns, ctit_s
from streams.stages.personal.consent_columns import consent_columns

MatchType = Literal["referrer", "click_id", "device_id", "adservices", "probabilistic"]
_MATCH_TYPES: dict[Signal, MatchType] = {
    Signal.REFERRER: "referrer",
    Signal.CLICK_ID: "click_id",
    Signal.DEVICE_ID: "device_id",
    Signal.ADSERVICES: "adservices",
    Signal.PROBABILISTIC: "probabilistic",
}
_TOUCH_TYPES = {TouchKind.CLICK: "click", TouchKind.IMPRESSION: "impression"}
_ORGANIC = "organic"
_json = msgspec.json.Encoder()


def install_facts(install: Installed) -> InstallFacts:
    """The facts of an install that models may use."""
    return InstallFacts(
        install.install_id,
        install.app_id,
        install.time,
        install.platform,
        install.country_code,
        install.os_version,
    )


def credit_features(install: Installed, winner: Candidate | None) -> InstallCredit:
    if winner is None:
        return InstallCredit(_ORGANIC, "", "", "none", "", -1)
    touch = winner.touch
    return InstallCredit(
        touch.media_source,
        touch.campaign_id,
        touch.site_id,
        _MATCH_TYPES[winner.signal],
        _TOUCH_TYPES[touch.kind],
        ctit_s(install, winner),
    )


def attribution_row(decision: Decision, rules: Rules, rule_set: str) -> Attribution:
    """The row of one version of a decision."""
    case, judgement = decision.case, decision.judgement
    install, winner = case.install, judgement.winner
    kind = conversion_type(case, judgement)
    is_known_user = case.prior is not None
    status, reason = fraud_status(judgement.hits)
    robbed, review = judgement.robbed, decision.review
    row = _row(install, winner, is_erased=decision.is_erased) | {
        **_windows(install, winner, rules, is_known_user=is_known_user),
        **consent_columns(install, winner, case.choices, rules),
        "attribution_id": f"{install.life_id}:{decision.version}",
        "conversion_id": install.life_id,
        "version": decision.version,
        "supersedes": decision.version - 1,
        "reason": decision.reason,
        "conversion_type": kind,
        "status": _status(kind, winner),
        "match_confidence": judgement.confidence,
        "conversion_time": install.time,
        "expires_at": expires_at(case, judgement, rules),
        "prior_install_id": case.prior.install_id if case.prior else "",
        "ctit_s": ctit_s(install, winner) if winner else -1,
        "fraud_status": status,
        "fraud_reason": reason,
        "rejected_media_source": robbed.touch.media_source if robbed else "",
        "rejected_campaign_id": robbed.touch.campaign_id if robbed else "",
        "rejected_site_id": robbed.touch.site_id if robbed else "",
        "rejected_touch_id": robbed.touch.touch_id if robbed and not decision.is_erased else "",
        "rejected_reason": judgement.robbed_by.reason if judgement.robbed_by else "",
        "contributors": "[]" if decision.is_erased else _contributors(review.contributors),
        "candidates": "[]" if decision.is_erased else _json.encode(review.receipts).decode(),
        "rule_set": rule_set,
        "decided_at": decision.decided_at,
        "settles_at": settles_at(install, rules),
    }
    if winner is not None and winner.signal is Signal.PROBABILISTIC:
        row["model_version"] = rules.pair_model.version
    return Attribution(**row)


def reengagement_row(fact: Reengagement, rules: Rules, rule_set: str) -> Attribution:
    """The row of a re-engagement: a conversion of its own beside that of the install."""
    install, candidate = fact.install, fact.candidate
    is_withdrawn = fact.session_time == 0
    conversion_id = f"{install.install_id}~{candidate.touch.event_id}"
    row = _row(install, candidate, is_erased=fact.is_erased) | {
        **_windows(install, candidate, rules, is_known_user=True),
        **consent_columns(install, candidate, fact.choices, rules),
        "attribution_id": f"{conversion_id}:{fact.version}",
        "conversion_id": conversion_id,
        "version": fact.version,
        "supersedes": fact.version - 1,
        "reason": fact.reason,
        "conversion_type": "reengagement",
        "status": "withdrawn" if is_withdrawn else "reengaged",
        "conversion_time": fact.session_time or candidate.touch.time,
        "expires_at": fact.expires_at,
        "ctit_s": max(fact.session_time - candidate.touch.time, -1_000) // 1_000,
        "rule_set": rule_set,
        "decided_at": fact.decided_at,
    }
    return Attribution(**row)


def verdict_rows(decision: Decision) -> Iterator[FraudVerdict]:
    """Rows of fraud rules that otherwise eligible touchpoints break."""
    install, winner = decision.case.install, decision.judgement.winner
    for candidate, hit in decision.review.suspicions:
        touch = candidate.touch
        if hit.mode == "off":
            continue
        yield FraudVerdict(
            verdict_id=f"{install.life_id}:{decision.version}:{touch.event_id}:{hit.reason}"
            f"{hit.sub_reason and ':'}{hit.sub_reason}",
            install_id=install.install_id,
            app_id=install.app_id,
            environment=environment_of(is_sandbox=install.is_sandbox),
            stage="realtime",
            reason=hit.reason,
            sub_reason=hit.sub_reason,
            value=hit.value,
            mode=hit.mode,
            touch_id="" if decision.is_erased else touch.touch_id,
            media_source=touch.media_source,
            campaign_id=touch.campaign_id,
            site_id=touch.site_id,
            real_source=winner.touch.media_source if winner else _ORGANIC,
            install_time=install.time,
            decided_at=decision.decided_at,
        )


def site_claim(decision: Decision) -> SiteInstall | None:
    """The record for the site whose click claims the install, rightly or not; None: there is none.

    Verdicts of the sites stage are not fed back to it, and erased installs are left out.
    """
    install, judgement = decision.case.install, decision.judgement
    claimant = judgement.robbed or judgement.winner
    if claimant is None or decision.is_erased or not is_delay_known(claimant, install):
        return None
    touch, robbed_by = claimant.touch, judgement.robbed_by
    if touch.kind is not TouchKind.CLICK:
        return None
    return SiteInstall(
        key=site_key(install.app_id, touch.media_source, touch.site_id),
        install_id=install.install_id,
        event_id=touch.event_id,
        ctit_ms=install.time - touch.time,
        sign=1,
        is_new_device=decision.case.prior is None and len(decision.review.receipts) == 1,
        time=install.time,
        ts=install.ts,
        after_begin_ms=after_begin_ms(touch, install),
        is_rejected=robbed_by is not None and robbed_by.reason not in SITE_REASONS,
        touch_id=touch.touch_id,
        campaign_id=touch.campaign_id,
    )


def _policy(winner: Candidate | None, install: Installed, rules: Rules) -> Policy:
    if winner is None:
        return rules.app_policy(install.app_id, install.time)
    return policy_for(winner, install, rules)


def _status(kind: str, winner: Candidate | None) -> str:
    if winner is None:
        return "organic"
    return "reattributed" if kind == "reattribution" else "non_organic"


def _row(install: Installed, winner: Candidate | None, *, is_erased: bool) -> dict[str, Any]:
    """Columns that all conversions share."""
    return {
        **_touch_columns(winner.touch if winner is not None else None, is_erased=is_erased),
        **described_columns(install, winner.touch if winner else None, is_erased=is_erased),
        "environment": environment_of(is_sandbox=install.is_sandbox),
        "install_id": install.install_id,
        "event_id": "" if is_erased else install.event_id,
        "match_type": _MATCH_TYPES[winner.signal] if winner else "none",
        "match_confidence": 1.0,
        "app_id": install.app_id,
        "platform": install.platform,
        "country_code": install.country_code,
        "install_time": install.time,
        **clock_columns(install, winner),
        "prior_install_id": "",
        "fraud_status": "",
        "fraud_reason": "",
        "rejected_media_source": "",
        "rejected_campaign_id": "",
        "rejected_site_id": "",
        "rejected_touch_id": "",
        "rejected_reason": "",
        "contributors": "[]",
        "model_version": "",
        "candidates": "[]",
        **source_columns(install.source),
    }


def _touch_columns(touch: Touch | None, *, is_erased: bool) -> dict[str, Any]:
    """Columns of the credited touchpoint; None: organic."""
    return {
        "touch_id": touch.touch_id if touch and not is_erased else "",
        "touch_type": _TOUCH_TYPES[touch.kind] if touch else "",
        "touch_time": touch.time if touch else 0,
        "media_source": touch.media_source if touch else _ORGANIC,
        "channel": touch.channel if touch else "",
        "campaign_id": touch.campaign_id if touch else "",
        "campaign_name": touch.campaign_name if touch else "",
        "adset_id": touch.adset_id if touch else "",
        "ad_id": touch.ad_id if touch else "",
        "site_id": touch.site_id if touch else "",
    }


def _windows(
    install: Installed, winner: Candidate | None, rules: Rules, *, is_known_user: bool
) -> dict[str, int]:
    """The lookback windows in force. Known users have other windows than new ones, and the winner
    may have asked for its own."""
    policy = _policy(winner, install, rules)
    windows, switches = policy.windows, policy.probabilistic
    click = windows.retargeting_click if is_known_user else windows.click
    view = windows.retargeting_view if is_known_user else windows.view
    if winner is not None and winner.signal is not Signal.PROBABILISTIC:
        in_force = lookback_ms(winner, policy, rules, is_known_user=is_known_user)
        is_click = winner.touch.kind is TouchKind.CLICK
        click, view = (in_force, view) if is_click else (click, in_force)
    return {
        "click_window_s": click // 1_000,
        "view_window_s": view // 1_000,
        "probabilistic_click_window_s": windows.probabilistic_click // 1_000 * switches.click,
        "probabilistic_view_window_s": windows.probabilistic_view // 1_000 * switches.view,
        "reattribution_window_s": windows.reattribution // 1_000,
        "inactivity_s": windows.inactivity // 1_000,
    }


def _contributors(candidates: list[Candidate]) -> str:
    contributors = [
        {
            "media_source": RESTRICTED if is_restricted(one.touch) else one.touch.media_source,
            "campaign_id": "" if is_restricted(one.touch) else one.touch.campaign_id,
            "touch_id": one.touch.touch_id,
            "touch_type": _TOUCH_TYPES[one.touch.kind],
            "touch_time": one.touch.time,
            "match_type": _MATCH_TYPES[one.signal],
        }
        for one in candidates
    ]
    return _json.encode(contributors).decode()
