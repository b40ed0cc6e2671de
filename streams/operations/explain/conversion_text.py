"""Every version of every decision on an install in plain words: who has the credit, why, and which
other touchpoints were compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from streams.operations.explain.rows import Row

_NEVER = "1970-01-01"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))

_WHY = {
    "first_decision": "every lookup was answered",
    "deadline": "the deadline passed before every lookup was answered",
    "read_later": "what was logged before the install had not been read in time",
    "late_touchpoint": "a touchpoint was logged after the install",
    "late_install": "an earlier install on the device was logged after this one",
    "late_activity": "a session arrived late",
    "fraud_verdict": "the history of a site changed the verdict",
    "erasure": "the user asked for erasure: this version has no ids and no receipt; "
    "`headwater privacy run` makes earlier versions anonymous",
    "rule_change": "the rules changed",
}

_RULES: Mapping[str, str] = {
    "last_touch": "the last touchpoint of the best kind",
    "better_tier": "another has better evidence: a click beats a view, an id beats none",
    "later_touch": "another of its kind is later",
    "stronger_signal": "another at the same time has stronger evidence",
    "id_order": "another is equal, and has the higher id",
    "after_install": "it happened after the install",
    "logged_too_late": "it was logged too long after the install",
    "outside_click_window": "the click is older than its lookback window",
    "outside_view_window": "the view is older than its lookback window",
    "before_prior_install": "it belongs to an earlier install on the device",
    "not_retargeting": "the user had the app before, and this is not retargeting",
    "probabilistic_off": "it matches only probabilistically, and such matches are off",
    "low_confidence": "it matches only probabilistically, with too low a probability",
    "engagement_injection": "fraud: it happened while the app was being downloaded",
    "incorrect_signature": "fraud: its source must sign, and the signature is missing or wrong",
    "stale_signature": "fraud: a signed event was replayed much later",
    "too_many_engagements": "fraud: one of far too many from one source and site within a day",
    "duplicate_click_id": "fraud: another source claimed the same click id first",
    "ctit_anomalies": "fraud: the install followed too quickly",
    "impossible_order": "its times are in an impossible order",
    "referrer_time_mismatch": "the store's referrer gives another time for the click",
    "malformed_advertising_id": "its advertising id is not a valid one",
    "click_flood": "its site floods clicks: installs follow them at random times",
    "distribution_outlier": "its site injects clicks: too many installs follow them at once",
    "behavioral_anomalies": "its site brings too many devices that were never seen before",
}


def conversion_text(decisions: Sequence[Row], fraud: Sequence[Row]) -> Iterator[str]:
    """Lines for the install itself, its re-engagements and its fraud verdicts.

    `decisions` are the versions in order, those of one conversion after another.
    """
    for conversion_id, group in groupby(decisions, key=lambda decision: decision["conversion_id"]):
        versions = list(group)
        if conversion_id != versions[0]["install_id"]:
            yield f"  re-engagement {conversion_id}"
        for before, decision in zip([None, *versions], versions, strict=False):
            yield from _decision(decision, before)
    for verdict in fraud:
        yield f"  {verdict['decided_at']}  {_verdict(verdict)}"


def _decision(decision: Row, earlier: Row | None) -> Iterator[str]:
    why = _WHY.get(decision["reason"], decision["reason"])
    before = f"; replaces version {decision['supersedes']}" if decision["supersedes"] else ""
    yield (
        f"  {decision['decided_at']}  version {decision['version']}: {_credit(decision)} "
        f"({why}{before}; rules {decision['rule_set']})"
    )
    windows = _windows(decision)
    if earlier is not None and windows == _windows(earlier):
        windows = ""
    notes = (_kind(decision), _confidence(decision), windows, _expiry(decision), _settles(decision))
    for note in (*notes, *_fraud(decision), *_contributors(decision["contributors"])):
        if note:
            yield f"      {note}"
    for candidate in decision["candidates"]:
        if "rule" not in candidate:  # An anonymous id alone: of somebody who asked to be forgotten.
            continue
        rule = candidate["rule"]
        meaning = f": {_RULES[rule]}" if rule in _RULES else ""
        yield f"      {candidate['touch_id']}: {candidate['verdict']} ({rule}{meaning})"


def _credit(decision: Row) -> str:
    if decision["status"] == "withdrawn":
        return "withdrawn: the user did not come back"
    if decision["status"] == "organic":
        return "organic"
    touch = f"{decision['touch_type']} {decision['touch_id'] or '(erased)'}"
    return (
        f"{_channel(decision['media_source'], decision['campaign_name'], decision['campaign_id'])},"
        f" by {decision['match_type']} of {touch}, {_lead(decision)}"
    )


def _lead(decision: Row) -> str:
    seconds = decision["ctit_s"]
    return f"{_roughly(seconds)} before" if seconds >= 0 else "at an unknown time"


def _kind(decision: Row) -> str:
    prior = decision["prior_install_id"]
    match decision["conversion_type"]:
        case "reinstall":
            return f"reinstall: the device had the app before ({prior}), so this is no new user"
        case "reattribution":
            return f"re-attribution: retargeting won back the user of install {prior}"
        case "reengagement" if decision["status"] != "withdrawn":
            inactive = _duration(decision["inactivity_s"])
            return (
                f"came back at {decision['conversion_time']} after {inactive} or more of inactivity"
            )
    return ""


def _confidence(decision: Row) -> str:
    if decision["match_type"] != "probabilistic":
        return ""
    return (
        f"probabilistic match: {decision['match_confidence']:.1%} likely by model"
        f" {decision['model_version']}"
    )


def _windows(decision: Row) -> str:
    probabilistic = [
        f"{name} {_duration(decision[column])}"
        for name, column in (
            ("click", "probabilistic_click_window_s"),
            ("view", "probabilistic_view_window_s"),
        )
        if decision[column]
    ]
    return (
        f"lookback windows: click {_duration(decision['click_window_s'])}, view"
        f" {_duration(decision['view_window_s'])}, probabilistic"
        f" {', '.join(probabilistic) or 'off'}, re-attribution"
        f" {_duration(decision['reattribution_window_s'])}"
    )


def _expiry(decision: Row) -> str:
    if not decision["expires_at"] or decision["expires_at"].startswith(_NEVER):
        return ""
    return f"until {decision['expires_at']}, then the credit returns to the previous source"


def _settles(decision: Row) -> str:
    at = decision.get("settles_at") or _NEVER
    return "" if at.startswith(_NEVER) else f"late records may change it until {at}"


def _fraud(decision: Row) -> Iterator[str]:
    if decision["fraud_status"]:
        yield f"the credited touchpoint looks like fraud ({decision['fraud_reason']})"
    if decision["rejected_media_source"]:
        source = _channel(decision["rejected_media_source"], "", decision["rejected_campaign_id"])
        rule = decision["rejected_reason"]
        yield (
            f"{source} would have had the credit with"
            f" {decision['rejected_touch_id'] or 'a touchpoint'}, but for {rule}{_meaning(rule)}"
        )


def _contributors(contributors: Sequence[Row]) -> Iterator[str]:
    for touch in contributors:
        source = _channel(touch["media_source"], "", touch["campaign_id"])
        at = _at(touch["touch_time"])
        yield f"contributed: {source}, {touch['touch_type']} {touch['touch_id']} at {at}"


def _verdict(verdict: Row) -> str:
    """What looks like fraud, by which evidence, and who has the credit instead."""
    source = _channel(verdict["media_source"], "", verdict["campaign_id"])
    reason = " ".join(part for part in (verdict["reason"], verdict["sub_reason"]) if part)
    by = "the history of its site" if verdict["stage"] == "site" else "its own times and ids"
    instead = ""
    if verdict["mode"] == "reject":
        instead = f"; the credit goes to {verdict['real_source']}"
    return (
        f"{verdict['mode']}: {verdict['touch_id'] or 'a touchpoint'} of {source}: {reason}"
        f" {verdict['value']:g}, by {by}{instead}"
    )


def _meaning(rule: str) -> str:
    return f" ({_RULES[rule].removeprefix('fraud: ')})" if rule in _RULES else ""


def _channel(media_source: str, campaign_name: str, campaign_id: str) -> str:
    campaign = campaign_name or campaign_id
    return f"{media_source}, campaign {campaign}" if campaign else media_source


def _duration(seconds: int) -> str:
    """The largest unit that is exact, else seconds: 7 d, 36 h, 40 s."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds:,} s"


def _roughly(seconds: int) -> str:
    """The two largest units: 22 h 4 min."""
    parts: list[str] = []
    for size, unit in (*_UNITS, (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _at(time_ms: int) -> str:
    if not time_ms:
        return "an unknown time"
    moment = datetime.fromtimestamp(time_ms / 1_000, UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
