"""The rules as a person writes them: one value for all, and exceptions for some."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from schemas.records import Touch

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LATE_MAX = 7 * DAY
CLICK_MAX = 30 * DAY
VIEW_MAX = DAY
MEMORY = 400 * DAY
FOREVER = 1 << 62

REASONS = (
    "engagement_injection",
    "incorrect_signature",
    "stale_signature",
    "too_many_engagements",
    "duplicate_click_id",
    "ctit_anomalies",
    "impossible_order",
    "referrer_time_mismatch",
    "malformed_advertising_id",
)
"""In the order in which they are told."""

SITE_REASONS = ("click_flood", "distribution_outlier", "behavioral_anomalies")

Value = int | bool | str | float

DEFAULTS: dict[str, Value] = {
    "windows.click": 7 * DAY,
    "windows.view": DAY,
    "windows.probabilistic_click": 6 * HOUR,
    "windows.probabilistic_view": 6 * HOUR,
    "windows.retargeting_click": 7 * DAY,
    "windows.retargeting_view": DAY,
    "windows.reattribution": 90 * DAY,
    "windows.inactivity": 7 * DAY,
    "windows.reengagement": 30 * DAY,
    "windows.temporary": 0,
    "windows.post_install_fraud": 8 * DAY,
    "probabilistic.click": False,
    "probabilistic.view": False,
    "probabilistic.confidence": 0.9,
    "fraud.engagement_injection": "reject",
    "fraud.incorrect_signature": "reject",
    "fraud.stale_signature": "reject",
    "fraud.too_many_engagements": "reject",
    "fraud.duplicate_click_id": "reject",
    "fraud.ctit_anomalies": "suspicious",
    "fraud.impossible_order": "tag",
    "fraud.referrer_time_mismatch": "tag",
    "fraud.malformed_advertising_id": "tag",
    "fraud.click_flood": "tag",
    "fraud.distribution_outlier": "tag",
    "fraud.behavioral_anomalies": "tag",
    "fraud.engagements_max": 15,
    "fraud.site_posterior_min": 0.95,
}
"""Under the names of the rule file; windows are milliseconds."""


class Scope(NamedTuple):
    """An exception: for installs of this app, source or campaign ("": any) in this time."""

    app_id: str
    media_source: str
    campaign_id: str
    since: int
    until: int  # excluded
    values: dict[str, Value]

    def matches(self, app_id: str, media_source: str, campaign_id: str, time: int) -> bool:
        return (
            self.app_id in ("", app_id)
            and self.media_source in ("", media_source)
            and self.campaign_id in ("", campaign_id)
            and self.since <= time < self.until
        )

    def specificity(self) -> tuple[bool, bool, bool]:
        """A campaign says more than a media source, and that more than an app."""
        return self.campaign_id != "", self.media_source != "", self.app_id != ""


class Rulebook(NamedTuple):
    values: dict[str, Value]
    scopes: tuple[Scope, ...]

    def find(self, name: str, app_id: str, touch: Touch | None, time: int) -> Value:
        """What the most specific scope that sets `name` says; without a touchpoint, for the app."""
        source, campaign = (touch.media_source, touch.campaign_id) if touch else ("", "")
        saying = [
            scope
            for scope in self.scopes
            if name in scope.values and scope.matches(app_id, source, campaign, time)
        ]
        if saying:
            return max(saying, key=Scope.specificity).values[name]
        return self.values.get(name, DEFAULTS[name])

    def guesses(self) -> bool:
        """Whether anybody anywhere matches probabilistically."""
        rules = [self.values, *(scope.values for scope in self.scopes)]
        switches = "probabilistic.click", "probabilistic.view"
        return any(values.get(name) for values in rules for name in switches)

    def text(self) -> str:
        """The same as a rule file."""
        lines = [f"{name} = {_literal(name, value)}" for name, value in self.values.items()]
        for scope in self.scopes:
            lines.append("[[scope]]")
            names = ("app_id", "media_source", "campaign_id")
            lines += [f'{name} = "{one}"' for name, one in zip(names, scope, strict=False) if one]
            lines += [f"from = {_moment(scope.since)}"] if scope.since else []
            lines += [f"until = {_moment(scope.until)}"] if scope.until < FOREVER else []
            lines += [f"{name} = {_literal(name, one)}" for name, one in scope.values.items()]
        return "\n".join(lines)


def _literal(name: str, value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return f'"{value}ms"' if name.startswith("windows.") else str(value)


def _moment(time: int) -> str:
    moment = datetime.fromtimestamp(time / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
