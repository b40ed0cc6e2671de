"""The rule set: windows and bounds that every decision is made under.

Defaults follow the common defaults of measurement partners: click 7 days, view 24 hours,
never more than 30 days and 24 hours (AppsFlyer and Adjust, attribution windows).
"""

from __future__ import annotations

import hashlib

from msgspec import Struct, json

from schemas.records import Touch, TouchKind

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Rules(Struct, frozen=True, kw_only=True):
    """Durations are milliseconds."""

    click_window_ms: int = 7 * DAY_MS
    view_window_ms: int = DAY_MS
    click_window_ms_max: int = 30 * DAY_MS  # what a touchpoint's own lookback may ask for
    view_window_ms_max: int = DAY_MS

    late_ms_max: int = 7 * DAY_MS
    """A record logged longer than this after what it would change no longer changes it."""

    decision_wait_ms: int = HOUR_MS
    """A journey decides without the missing answers of matching after this much log time."""

    parking_ms: int = 7 * DAY_MS
    """How long money and activity wait for their purchase, account or install."""

    journey_retention_ms: int = 400 * DAY_MS
    """A journey nothing was logged for is forgotten after this much log time."""

    touches_per_key_max: int = 64
    installs_per_key_max: int = 16
    links_per_account_max: int = 64
    money_per_account_max: int = 1_000
    refunds_per_purchase_max: int = 64
    candidates_per_journey_max: int = 32
    waiting_per_journey_max: int = 256
    activity_ids_per_journey_max: int = 128

    def window_ms(self, touch: Touch) -> int:
        """The window in force for this touchpoint: its own lookback, or the rule's."""
        if touch.kind is TouchKind.CLICK:
            return min(touch.click_lookback_ms or self.click_window_ms, self.click_window_ms_max)
        return min(touch.view_lookback_ms or self.view_window_ms, self.view_window_ms_max)

    @property
    def touch_retention_ms(self) -> int:
        """How long a touchpoint is remembered after it was logged; frees memory, never decides."""
        return self.click_window_ms_max + 2 * self.late_ms_max


def rule_set_id(rules: Rules) -> str:
    """Names these rules: equal ids mean equal rules."""
    return hashlib.sha256(json.encode(rules)).hexdigest()[:12]
