"""The rule set: lookback windows, fraud modes and bounds under which every decision is made.

The defaults are those common among measurement partners: 7 days for clicks and 24 hours for views,
at most 30 days and 24 hours (AppsFlyer and Adjust, attribution windows); 90 days for re-attribution
(AppsFlyer); 7 days of inactivity before a re-engagement (Adjust, Branch).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import product

from msgspec import Struct, json
from msgspec.structs import replace

from attribution.decision.fraud import SITE_REASONS, FraudRules
from attribution.probabilistic.pair_model import DEFAULT_MODEL, PairModel
from attribution.rules.consent import ConsentRules
from schemas.records import Touch, TouchKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, Millis

POLICIES_KEPT = 10_000
"""Policies cached at once. Producers choose the names, so their number has no limit of its own."""


class Windows(Struct, frozen=True, kw_only=True):
    """Lookback windows and other periods, in milliseconds."""

    click: Millis = 7 * DAY_MS
    view: Millis = DAY_MS
    probabilistic_click: Millis = 6 * HOUR_MS
    probabilistic_view: Millis = 6 * HOUR_MS
    reattribution: Millis = 90 * DAY_MS  # an earlier install within it: no new user
    retargeting_click: Millis = 7 * DAY_MS  # for users who have, or had, the app
    retargeting_view: Millis = DAY_MS
    inactivity: Millis = 7 * DAY_MS  # away at least this long before a re-engagement
    reengagement: Millis = 30 * DAY_MS  # how long a re-engagement is credited with revenue
    temporary: Millis = Millis(0)  # how long a re-attribution is; 0: for good
    post_install_fraud: Millis = 8 * DAY_MS  # later verdicts on an install are ignored


class Probabilistic(Struct, frozen=True, kw_only=True):
    """Probabilistic matching. Off by default; needs consent for the touchpoint and the install."""

    click: bool = False
    view: bool = False
    confidence: float = 0.9  # matches below this probability are rejected


class Policy(Struct, frozen=True, kw_only=True):
    """The rules for one app, media source and campaign."""

    windows: Windows = Windows()
    probabilistic: Probabilistic = Probabilistic()
    fraud: FraudRules = FraudRules()
    consent: ConsentRules = ConsentRules()

    def window_ms(self, touch: Touch, *, is_probabilistic: bool, is_known_user: bool) -> Millis:
        """The lookback window of this touchpoint by the rule, whatever it asks for itself."""
        windows, is_click = self.windows, touch.kind is TouchKind.CLICK
        if is_probabilistic:
            return windows.probabilistic_click if is_click else windows.probabilistic_view
        if is_known_user:
            return windows.retargeting_click if is_click else windows.retargeting_view
        return windows.click if is_click else windows.view


Override = tuple[str, int | float | str | bool | tuple[str, ...]]


class Scope(Struct, frozen=True, kw_only=True):
    """Overrides of single values where the selectors match; an empty selector matches everything.

    A scope applies to installs from `since` up to, but excluding, `until` (0: no end).
    """

    app_id: str = ""
    media_source: str = ""
    campaign_id: str = ""
    since: EventMs = EventMs(0)
    until: EventMs = EventMs(0)
    windows: tuple[Override, ...] = ()
    probabilistic: tuple[Override, ...] = ()
    fraud: tuple[Override, ...] = ()
    consent: tuple[Override, ...] = ()

    @property
    def selectors(self) -> tuple[str, str, str]:
        """Campaign, media source and app: the most specific selector first."""
        return self.campaign_id, self.media_source, self.app_id

    def holds_at(self, time: EventMs) -> bool:
        return self.since <= time and (time < self.until or self.until == 0)

    def over(self, policy: Policy) -> Policy:
        """The policy with its values replaced by those of this scope."""
        return Policy(
            windows=replace(policy.windows, **dict(self.windows)),
            probabilistic=replace(policy.probabilistic, **dict(self.probabilistic)),
            fraud=replace(policy.fraud, **dict(self.fraud)),
            consent=replace(policy.consent, **dict(self.consent)),
        )


class Rules(Struct, frozen=True, kw_only=True, dict=True):
    """A whole rule set. Its id is a hash of all fields, so a new field changes the id."""

    default: Policy = Policy()
    scopes: tuple[Scope, ...] = ()
    pair_model: PairModel = DEFAULT_MODEL

    click_window_ms_max: Millis = 30 * DAY_MS  # also for what touchpoints ask
    view_window_ms_max: Millis = DAY_MS

    late_ms_max: Millis = 7 * DAY_MS
    """Maximum lateness: a record logged later than this after the one it affects is ignored."""

    decision_wait_ms: Millis = HOUR_MS
    """After this much log time a journey decides, even if answers from matching are missing."""

    parking_ms: Millis = 7 * DAY_MS
    """How long parked money and activity wait for their purchase, account or install."""

    journey_retention_ms: Millis = 400 * DAY_MS
    """A journey is forgotten after this much log time without a record."""

    install_memory_ms: Millis = 400 * DAY_MS
    """How long an install is remembered for later installs on the same device."""

    second_life_after_ms: Millis = HOUR_MS
    """First opens of one install id that are closer are repeats of one another."""

    transaction_retention_ms: Millis = 400 * DAY_MS
    """How long a transaction is remembered after its last step: to count it once, and for refunds.

    Longer than a year, for refunds of yearly subscriptions. The state lives on disk."""

    impression_retention_ms: Millis = 30 * DAY_MS
    """How long an ad impression is remembered after its revenue, to count it once."""

    postback_retention_ms: Millis = 90 * DAY_MS
    """How long a postback is remembered, to recognise copies of it."""

    watched_one_in: int = 8
    """One device in this many is sampled to learn which touchpoints lead to installs; 0: none."""

    watch_window_ms: Millis = 7 * DAY_MS
    """Length of a sampled path, from its first touchpoint."""

    installs_per_key_day_max: int = 10
    """A device id or click id that meets more different installs within a day of log time is no
    evidence for a while: people install again, but hardly ever so often."""

    installs_per_account_day_max: int = 20
    """The same for an account: families and shared tablets have several devices, guests all."""

    shared_key_rest_ms: Millis = 30 * DAY_MS
    """How long such a key is no evidence, after it last met too many installs."""

    installs_per_request_max: int = 10
    """A privacy request by an id that more installs than this are known under concerns nobody: the
    id is of more people than the one who asks."""

    choice_memory_ms: Millis = 1_095 * DAY_MS
    """How long an opt-out is remembered under a device id after this was last seen."""

    # Bounds on state. Exceeding one evicts entries and counts an eviction by its name: touchpoints
    # by a fair share among sources and sites, of other lists the oldest.
    touches_per_key_max: int = 64
    installs_per_key_max: int = 16
    erasures_per_key_max: int = 16
    choices_per_key_max: int = 16
    keys_per_install_max: int = 64
    links_per_account_max: int = 64
    money_per_account_max: int = 1_000
    settled_sales_per_account_max: int = 10_000
    refunds_per_purchase_max: int = 64
    steps_per_purchase_max: int = 64
    restores_per_purchase_max: int = 64
    candidates_per_journey_max: int = 64
    retargeting_per_journey_max: int = 32
    sessions_per_journey_max: int = 64
    priors_per_journey_max: int = 16
    lives_per_install_max: int = 8
    waiting_per_journey_max: int = 256
    activity_ids_per_journey_max: int = 128
    active_days_max: int = 1_095
    milestones_per_install_max: int = 256

    def policy(self, app_id: str, media_source: str, campaign_id: str, time: EventMs) -> Policy:
        """The policy for an install at `time` and a touchpoint of this source and campaign.

        For every single value the most specific scope wins: campaign over media source over app.
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
        """All scopes that match these names, at any time; the most specific come last."""
        name = app_id, media_source, campaign_id
        # From `product` the least specific come first.
        selectors = product(*(("", part) if part else ("",) for part in reversed(name)))
        return [scope for key in selectors for scope in self._scopes_by_selectors.get(key, ())]

    def app_policy(self, app_id: str, time: EventMs) -> Policy:
        """The policy of an app, whatever the media source."""
        return self.policy(app_id, "", "", time)

    @cached_property
    def allows_probabilistic(self) -> bool:
        """Whether probabilistic matching is switched on anywhere."""
        switches = [one.probabilistic for one in self._variants]
        return any(one.click or one.view for one in switches)

    @cached_property
    def heeds_sites(self) -> bool:
        """Whether a verdict from a site's history can change any decision."""
        modes = {getattr(one.fraud, reason) for one in self._variants for reason in SITE_REASONS}
        return bool(modes & {"suspicious", "reject"})

    @property
    def touch_retention_ms(self) -> Millis:
        """How long a touchpoint is kept after it was logged. Only frees memory, never decides."""
        return self.click_window_ms_max + 2 * self.late_ms_max

    @property
    def _variants(self) -> list[Policy]:
        return [self.default, *(scope.over(self.default) for scope in self.scopes)]

    @cached_property
    def _policies(self) -> dict[tuple[str, str, str], Policy]:
        """Cached policies that do not depend on time, by app, media source and campaign."""
        return {}

    @cached_property
    def _scopes_by_selectors(self) -> dict[tuple[str, ...], list[Scope]]:
        found: dict[tuple[str, ...], list[Scope]] = {}
        for scope in self.scopes:
            found.setdefault(scope.selectors, []).append(scope)
        return found


def rule_set_id(rules: Rules) -> str:
    """The id of a rule set, 12 hexadecimal digits: equal ids mean equal rules."""
    content = json.encode(rules, order="deterministic")
    return hashlib.sha256(content).hexdigest()[:12]
