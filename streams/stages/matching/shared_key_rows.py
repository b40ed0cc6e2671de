"""Rows that report keys which met too many installs to be evidence."""

from __future__ import annotations

from attribution.matching.facts import KeyShared
from attribution.matching.sampled_paths import DEVICE_PREFIX
from schemas.outcomes import FraudVerdict
from schemas.records import app_of
from streams.stages.common.match_keys import ACCOUNT_PREFIX


def shared_key_row(fact: KeyShared) -> FraudVerdict:
    """The row about one install. It names no key, because keys are personal."""
    reason = _reason_of(fact.key)
    return FraudVerdict(
        verdict_id=f"{fact.install_id}:{reason}:{fact.ts}",
        install_id=fact.install_id,
        app_id=app_of(fact.key),
        stage="key",
        reason=reason,
        sub_reason=fact.bound,
        value=float(fact.installs),
        mode="tag",
        touch_id="",
        media_source="",
        campaign_id="",
        site_id="",
        real_source="",
        install_time=fact.time,
        decided_at=fact.ts,
    )


def _reason_of(key: str) -> str:
    if key.startswith(ACCOUNT_PREFIX):
        return "shared_account"
    return "shared_device_id" if key.startswith(DEVICE_PREFIX) else "shared_click_id"
