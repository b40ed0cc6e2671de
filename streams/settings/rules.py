"""Settings that decide: attribution, intake, postbacks and models."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from attribution.rules.rules import Rules
from schemas.clocks import ClockRules
from schemas.time import DAY_MS, MINUTE_MS, EventMs, LogMs, Millis
from streams.settings.declaration import DURATION
from streams.settings.values import (
    ChallengerRates,
    Placeholders,
    ReferrerParameters,
    SecretsByName,
)

_RULES = Rules()


class RuleSettings(Struct, frozen=True, kw_only=True):
    signature_secrets: Annotated[
        SecretsByName | None,
        Meta(
            description="Keys of the media sources that sign their touchpoints: an unsigned "
            "touchpoint of theirs is then suspicious.",
            examples=['{"meadow": "s3cret"}'],
        ),
    ] = field(name="HEADWATER_SIGNATURE_SECRETS", default=None)
    signature_age_ms: Annotated[
        Millis,
        Meta(
            ge=MINUTE_MS,
            le=90 * DAY_MS,
            description="Maximum time from a signed touchpoint to its arrival: a later one counts "
            "as a replayed signature.",
            examples=["12h"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_SIGNATURE_AGE", default=Millis(2 * DAY_MS))
    old_signatures_until_date: Annotated[
        date,
        Meta(
            description="Day, in UTC, from which signatures without `v2:` are wrong: they cover "
            "neither device ids nor prices. Until then they are accepted and counted.",
            examples=["2027-01-31"],
        ),
    ] = field(name="HEADWATER_OLD_SIGNATURES_UNTIL", default=date(2027, 7, 1))
    placeholder_ids: Annotated[
        Placeholders | None,
        Meta(
            description="Texts that your producers send in place of an id, beside known ones such "
            "as null. An optional id is then absent; in place of a required one: a dead letter.",
            examples=["no-device,test-user"],
        ),
    ] = field(name="HEADWATER_PLACEHOLDER_IDS", default=None)
    normal_ids: Annotated[
        bool | None,
        Meta(
            description="Whether ids of people, events and money are read in their normal form. "
            "Not set: as in force, which is yes unless an earlier build began the installation.",
            examples=["no"],
        ),
    ] = field(name="HEADWATER_NORMAL_IDS", default=None)
    referrer_parameters: Annotated[
        ReferrerParameters | None,
        Meta(
            description="Parameters of Play install referrers that carry a click id, beside the "
            "known ones such as gclid and af_tranid: for one media source, as utm_source names "
            "it, or for every source.",
            examples=["north:n_click,south:ref,partner_click"],
        ),
    ] = field(name="HEADWATER_REFERRER_PARAMETERS", default=None)
    earliest_event_date: Annotated[
        date,
        Meta(
            description="Earliest day of an event, in UTC: events from before become dead letters.",
            examples=["2024-01-01"],
        ),
    ] = field(name="HEADWATER_EARLIEST_EVENT_TIME", default=date(2010, 1, 1))
    sdk_event_age_ms: Annotated[
        Millis,
        Meta(
            ge=30 * DAY_MS,
            le=36_500 * DAY_MS,
            description="Maximum age at which an event of an SDK may still be sent: an older one "
            "tells of a wrong clock and counts at a corrected time. Raise it to load older history "
            "that does not say `source`.",
            examples=["3650d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_SDK_EVENT_AGE", default=ClockRules().sdk_event_age_ms_max)
    attribution: Annotated[
        Path | None,
        Meta(
            description="TOML file of attribution rules: lookback windows, fraud, exceptions by "
            "app, source and campaign. Not set: the usual defaults of the trade.",
            examples=["/etc/headwater/rules.toml"],
        ),
    ] = field(name="HEADWATER_RULES", default=None)
    rules_change: Annotated[
        Literal["refuse", "accept"],
        Meta(
            description="What a core worker does whose rules are not those in force: `refuse` to "
            "start, until `headwater rules apply FILE` has put them into force, or `accept` them.",
            examples=["accept"],
        ),
    ] = field(name="HEADWATER_RULES_CHANGE", default="refuse")
    late_ms: Annotated[
        Millis,
        Meta(
            ge=0,
            le=90 * DAY_MS,
            description="Maximum lateness of a touchpoint: later ones are ignored.",
            examples=["3d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_LATENESS", default=Millis(_RULES.late_ms_max))
    decision_wait_ms: Annotated[
        Millis,
        Meta(
            ge=0,
            le=7 * DAY_MS,
            description="Maximum time that an install waits for its candidates, and for what was "
            "logged before it, until it is attributed with what was read.",
            examples=["10m"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_DECISION_WAIT", default=Millis(_RULES.decision_wait_ms))
    parking_ms: Annotated[
        Millis,
        Meta(
            ge=MINUTE_MS,
            le=365 * DAY_MS,
            description="Maximum time that a payment waits for its install, account or purchase: "
            "then it expires, and no install gets the money.",
            examples=["14d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_PARKING", default=Millis(_RULES.parking_ms))
    journey_retention_ms: Annotated[
        Millis,
        Meta(
            ge=DAY_MS,
            le=3650 * DAY_MS,
            description="How long an install is remembered after its last event.",
            examples=["180d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_JOURNEY_RETENTION", default=Millis(_RULES.journey_retention_ms))
    shared_key_installs: Annotated[
        int,
        Meta(
            ge=1,
            le=_RULES.installs_per_key_max - 1,
            description="Maximum number of installs that a device id or click id meets within a "
            "day; one that meets more belongs to nobody, and matches nothing for a while.",
            examples=["5"],
        ),
    ] = field(name="HEADWATER_SHARED_KEY_INSTALLS", default=_RULES.installs_per_key_day_max)
    shared_account_installs: Annotated[
        int,
        Meta(
            ge=1,
            le=_RULES.links_per_account_max - 1,
            description="The same for an account: payments that name nothing else are parked.",
            examples=["50"],
        ),
    ] = field(name="HEADWATER_SHARED_ACCOUNT_INSTALLS", default=_RULES.installs_per_account_day_max)
    shared_key_rest_ms: Annotated[
        Millis,
        Meta(
            ge=DAY_MS,
            le=365 * DAY_MS,
            description="How long such an id matches nothing after it last met too many installs.",
            examples=["7d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_SHARED_KEY_REST", default=Millis(_RULES.shared_key_rest_ms))
    watched_one_in: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Samples one device in so many: the touchpoints of sampled devices, with "
            "and without an install, teach multi-touch attribution. 0: none.",
            examples=["100"],
        ),
    ] = field(name="HEADWATER_WATCHED_ONE_IN", default=_RULES.watched_one_in)
    dead_letter_share: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1.0,
            description="Maximum share of a source topic that is set aside with its bytes as "
            "unreadable messages of one app. Of further ones the bytes stay in the topic.",
            examples=["0.05"],
        ),
    ] = field(name="HEADWATER_DEAD_LETTER_SHARE", default=0.2)
    dead_letter_window: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Offsets of a source partition over which that share is measured.",
            examples=["50000"],
        ),
    ] = field(name="HEADWATER_DEAD_LETTER_WINDOW", default=10_000)

    @property
    def earliest_event_time(self) -> EventMs:
        """The beginning of the earliest day of an event."""
        return EventMs(_beginning_ms(self.earliest_event_date))

    @property
    def old_signatures_until(self) -> LogMs:
        """The beginning of the day from which signatures of version 1 are wrong."""
        return LogMs(_beginning_ms(self.old_signatures_until_date))


def _beginning_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


class PostbackSettings(Struct, frozen=True, kw_only=True):
    keys: Annotated[
        Path | None,
        Meta(
            description="JSON file of public keys to trust beside Apple's: an object of base64 "
            "(DER, P-256) by key id.",
            examples=["/etc/headwater/postback_keys.json"],
        ),
    ] = field(name="HEADWATER_POSTBACK_KEYS", default=None)
    takes_development_keys: Annotated[
        bool,
        Meta(
            description="Whether to count postbacks that Apple signs for developers. Leave it off "
            "in production: anybody with a device can have them signed.",
            examples=["yes"],
        ),
    ] = field(name="HEADWATER_POSTBACK_DEVELOPMENT_KEYS", default=False)
    conversion_values: Annotated[
        Path | None,
        Meta(
            description="TOML file of the meaning of conversion values. Not set: none is decoded.",
            examples=["/etc/headwater/conversion_values.toml"],
        ),
    ] = field(name="HEADWATER_CONVERSION_VALUES", default=None)


class ModelSettings(Struct, frozen=True, kw_only=True):
    targets: Annotated[
        Path | None,
        Meta(
            description="TOML file of what to predict beside payers, and of what actions cost and "
            "bring.",
            examples=["/etc/headwater/targets.toml"],
        ),
    ] = field(name="HEADWATER_TARGETS", default=None)
    stale_after_ms: Annotated[
        Millis,
        Meta(
            ge=10 * MINUTE_MS,
            le=365 * DAY_MS,
            description="Maximum age of a model version: an older one gives way to observed rates "
            "until a new one is published.",
            examples=["3d"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_MODEL_STALE_AFTER", default=Millis(14 * DAY_MS))
    challenger_share: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1.0,
            description="Share of installs that the challenger scores instead of the champion.",
            examples=["0.1"],
        ),
    ] = field(name="HEADWATER_CHALLENGER_SHARE", default=0.0)
    challengers: Annotated[
        ChallengerRates | None,
        Meta(
            description="Challengers by name, each with its learning rate: they learn from the "
            "same examples as the champion, and replace it when they are better.",
            examples=["fast:0.1,slow:0.01"],
        ),
    ] = field(name="HEADWATER_CHALLENGERS", default=None)
