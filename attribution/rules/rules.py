"""The rule set: windows, modes and bounds that every decision is made under.

Defaults follow the common defaults of measurement partners: click 7 days, view 24 hours,
never more than 30 days and 24 hours (AppsFlyer and Adjust, attribution windows); re-attribution
90 days (AppsFlyer), inactivity 7 days (Adjust, Branch).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import product

from msgspec import Struct, json
from msgspec.structs import replace

from attribution.decision.fraud import SITE_REASONS, FraudRules
from attribution.probabilistic.pair_model import DEFAULT_MODEL, PairModel
from schemas.records import Touch, TouchKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, Millis

POLICIES_KEPT = 10_000
"""Answers remembered at once. Producers make up the names, so there is no end to them."""


class Windows(Struct, frozen=True, kw_only=True):
    """How long things count, in milliseconds."""

    click: Millis = 7 * DAY_MS
    view: Millis = DAY_MS
    probabilistic_click: Millis = 6 * HOUR_MS
    probabilistic_view: Millis = 6 * HOUR_MS
    reattribution: Millis = 90 * DAY_MS  # an install this soon after another one is no new user
    retargeting_click: Millis = 7 * DAY_MS  # for users the app has, or had
    retargeting_view: Millis = DAY_MS
    inactivity: Millis = 7 * DAY_MS  # only who was away for so long is re-engaged
    reengagement: Millis = 30 * DAY_MS  # how long a re-engagement gets the revenue
    temporary: Millis = Millis(0)  # how long a re-attribution does; 0: for good
    post_install_fraud: Millis = 8 * DAY_MS  # later verdicts on an install change nothing


class Probabilistic(Struct, frozen=True, kw_only=True):
    """Matching without ids: off unless switched on, and only with consent on both sides."""

    click: bool = False
    view: bool = False
    confidence: float = 0.9  # less certain matches are rejected


class Policy(Struct, frozen=True, kw_only=True):
    """What holds for one app, media source and campaign."""

    windows: Windows = Windows()
    probabilistic: Probabilistic = Probabilistic()
    fraud: FraudRules = FraudRules()

    def window_ms(self, touch: Touch, *, is_probabilistic: bool, is_known_user: bool) -> Millis:
        """How long before the install this touchpoint may have happened, by the rule alone."""
        windows, is_click = self.windows, touch.kind is TouchKind.CLICK
        if is_probabilistic:
            return windows.probabilistic_click if is_click else windows.probabilistic_view
        if is_known_user:
            return windows.retargeting_click if is_click else windows.retargeting_view
        return windows.click if is_click else windows.view


Override = tuple[str, int | float | str | bool]


class Scope(Struct, frozen=True, kw_only=True):
    """Single values that differ where the selectors match; "" matches everything.

    It holds for installs from `since` until before `until` (0: without end).
    """

    app_id: str = ""
    media_source: str = ""
    campaign_id: str = ""
    since: EventMs = EventMs(0)
    until: EventMs = EventMs(0)
    windows: tuple[Override, ...] = ()
    probabilistic: tuple[Override, ...] = ()
    fraud: tuple[Override, ...] = ()

    @property
    def selectors(self) -> tuple[str, str, str]:
        """Most specific first."""
        return self.campaign_id, self.media_source, self.app_id

    def holds_at(self, time: EventMs) -> bool:
        return self.since <= time and (time < self.until or self.until == 0)

    def over(self, policy: Policy) -> Policy:
        """The policy with the values of this scope in place of its own."""
        return Policy(
            windows=replace(policy.windows, **dict(self.windows)),
            probabilistic=replace(policy.probabilistic, **dict(self.probabilistic)),
            fraud=replace(policy.fraud, **dict(self.fraud)),
        )


class Rules(Struct, frozen=True, kw_only=True, dict=True):
    """Durations are milliseconds."""

    default: Policy = Policy()
    scopes: tuple[Scope, ...] = ()
    pair_model: PairModel = DEFAULT_MODEL

    click_window_ms_max: Millis = (
        30 * DAY_MS
    )  # what rules and a touchpoint's own lookback may ask for
    view_window_ms_max: Millis = DAY_MS

    late_ms_max: Millis = 7 * DAY_MS
    """A record logged longer than this after what it would change no longer changes it."""

    decision_wait_ms: Millis = HOUR_MS
    """A journey decides without the missing answers of matching after this much log time."""

    parking_ms: Millis = 7 * DAY_MS
    """How long money and activity wait for their purchase, account or install."""

    journey_retention_ms: Millis = 400 * DAY_MS
    """A journey nothing was logged for is forgotten after this much log time."""

    install_memory_ms: Millis = 400 * DAY_MS
    """How long an install is known to those that follow it on the device."""

    postback_retention_ms: Millis = 90 * DAY_MS
    """How long a postback is remembered, so that a copy of it counts as one."""

    watched_one_in: int = 8
    """Of so many devices one is watched, to learn what moves people to install; 0: none."""

    watch_window_ms: Millis = 7 * DAY_MS
    """How long a device is watched from a touchpoint on."""

    touches_per_key_max: int = 64
    installs_per_key_max: int = 16
    erasures_per_key_max: int = 16
    links_per_account_max: int = 64
    money_per_account_max: int = 1_000
    refunds_per_purchase_max: int = 64
    candidates_per_journey_max: int = 64
    retargeting_per_journey_max: int = 32
    sessions_per_journey_max: int = 64
    priors_per_journey_max: int = 16
    waiting_per_journey_max: int = 256
    activity_ids_per_journey_max: int = 128

    def policy(self, app_id: str, media_source: str, campaign_id: str, time: EventMs) -> Policy:
        """What holds for an install at `time` and a touchpoint of this source and campaign.

        The most specific scope that says something wins: campaign over media source over app.
        """
        if not self.scopes:
            return self.default
        name = app_id, media_source, campaign_id
        if (known := self._policies.get(name)) is not None:
            return known
        matching = self.scopes_for(app_id, media_source, campaign_id)
        policy = self.default
        for scope in matching:
            if scope.holds_at(time):
                policy = scope.over(policy)
        if not any(scope.since or scope.until for scope in matching):
            if len(self._policies) >= POLICIES_KEPT:
                self._policies.clear()
            self._policies[name] = policy
        return policy

    def scopes_for(self, app_id: str, media_source: str, campaign_id: str) -> list[Scope]:
        """Scopes of these names at whatever time; the most specific one has its say last."""
        name = app_id, media_source, campaign_id
        # From `product` the least specific come first.
        selectors = product(*(("", part) if part else ("",) for part in reversed(name)))
        return [one for chosen in selectors for one in self._scopes_by_selectors.get(chosen, ())]

    def app_policy(self, app_id: str, time: EventMs) -> Policy:
        """What holds whatever the source."""
        return self.policy(app_id, "", "", time)

    @cached_property
    def allows_probabilistic(self) -> bool:
        """Whether anybody anywhere matches without ids."""
        switches = [one.probabilistic for one in self._variants]
        return any(one.click or one.view for one in switches)

    @cached_property
    def heeds_sites(self) -> bool:
        """Whether what the history of a site says may change a decision anywhere."""
        modes = {getattr(one.fraud, reason) for one in self._variants for reason in SITE_REASONS}
        return bool(modes & {"suspicious", "reject"})

    @property
    def touch_retention_ms(self) -> Millis:
        """How long a touchpoint is remembered after it was logged; frees memory, never decides."""
        return self.click_window_ms_max + 2 * self.late_ms_max

    @property
    def _variants(self) -> list[Policy]:
        return [self.default, *(scope.over(self.default) for scope in self.scopes)]

    @cached_property
    def _policies(self) -> dict[tuple[str, str, str], Policy]:
        """Answers without a period, by app, media source and campaign."""
        return {}

    @cached_property
    def _scopes_by_selectors(self) -> dict[tuple[str, ...], list[Scope]]:
        found: dict[tuple[str, ...], list[Scope]] = {}
        for scope in self.scopes:
            found.setdefault(scope.selectors, []).append(scope)
        return found


def rule_set_id(rules: Rules) -> str:
    """Names these rules: equal ids mean equal rules."""
    content = json.encode(rules, order="deterministic")
    return hashlib.sha256(content).hexdigest()[:12]
