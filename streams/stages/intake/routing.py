"""Routes an event: to match keys, to the journey of an install, or straight to storing."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from attribution.matching.referrer import ReferrerReader
from attribution.postbacks.postback_check import PostbackCheck
from attribution.rules.rules import Rules
from schemas import topics
from schemas.clocks import CorrectedTime, at_right_time
from schemas.decode import Unreadable
from schemas.events import (
    AakPostback,
    AdRevenue,
    Cost,
    DeviceEvent,
    ExchangeRate,
    InAppEvent,
    InputEvent,
    Install,
    PrivacyRequest,
    Purchase,
    Refund,
    Session,
    SkanPostback,
    Subscription,
    Touchpoint,
)
from schemas.outcomes import Outcome
from schemas.records import (
    Flag,
    InstallSeen,
    JourneyFrame,
    JourneyRecord,
    MatchFrame,
    MatchRecord,
    PostbackSeen,
    Signal,
    SiteFrame,
    SiteRecord,
    Source,
    TouchSeen,
    journey_key,
)
from schemas.time import LogMs
from streams.stages.common import erasure, match_keys
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.common.pseudonyms import FormerPseudonyms, Pseudonyms
from streams.stages.contract import Effects, LogRecord, TopicPartition
from streams.stages.experiments.intake_records import route_experiment
from streams.stages.intake import rows, stage_records
from streams.stages.intake.install_evidence import install_evidence
from streams.stages.intake.money_steps import money_seen
from streams.stages.intake.signatures import Signatures, id_flags
from streams.stages.intake.site_touches import TouchCounts
from streams.stages.intake.traits import network_key
from streams.stages.personal.access_request import ask_for_access
from streams.stages.personal.consent_check import ConsentCheck
from streams.stages.personal.install_lookups import lookup_records
from streams.stages.personal.personal_keys import LinkingEvent, PersonalKeys
from streams.stages.personal.request_records import install_records, key_records


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Pseudonyms, signatures, referrers and postback rules that routing applies."""

    pseudonyms: Pseudonyms
    signatures: Signatures
    is_probabilistic: bool  # whether probabilistic matching is switched on
    postbacks: PostbackCheck
    referrers: ReferrerReader = field(default_factory=ReferrerReader)
    former: FormerPseudonyms | None = None
    attribution: Rules = field(default_factory=Rules)


class Routing:
    """Collects the records and outcomes that follow from one batch of source events."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        rules: RoutingRules,
        observer: StageObserver,
    ) -> None:
        self.outbox = Outbox("intake", partition, observer)
        self._match: FrameOutbox[MatchRecord] = FrameOutbox(
            topics.MATCH.name, partitions, MatchFrame
        )
        self._journeys: FrameOutbox[JourneyRecord] = FrameOutbox(
            topics.JOURNEYS.name, partitions, JourneyFrame
        )
        self._sites: FrameOutbox[SiteRecord] = FrameOutbox(topics.SITES.name, partitions, SiteFrame)
        self._touches_by_site = TouchCounts()
        self._pseudonyms = rules.pseudonyms
        self._keys = PersonalKeys(rules.pseudonyms, rules.former)
        self._consent = ConsentCheck(rules.attribution, rules.pseudonyms, rules.is_probabilistic)
        self._signatures = rules.signatures
        self._postbacks = rules.postbacks
        self._referrers = rules.referrers
        self._observer = observer

    def effects(
        self, positions: dict[TopicPartition, int], marks: dict[str, LogMs], *, is_for_all: bool
    ) -> Effects:
        """The effects of the batch; `is_for_all`: watermarks go to every partition."""
        effects = Effects(positions=positions)
        self._match.flush(effects, marks, is_for_all=is_for_all)
        self._journeys.flush(effects, {})
        for tally in self._touches_by_site.records():
            self._sites.add(tally.key, tally)
        self._sites.flush(effects, {})
        self.outbox.flush(effects)
        return effects

    def set_aside(self, record: LogRecord, source: Source, unreadable: Unreadable) -> None:
        """Turn a message that cannot be read into a dead letter."""
        letter = rows.dead_letter(record, source, unreadable)
        self.outbox.add(topics.DEAD_LETTERS.name, "", letter)
        self.outbox.settle(source, "dead_lettered")
        if record.topic == topics.PRIVACY_REQUESTS.name:
            receipt = erasure.refused_receipt(record, unreadable)
            if receipt is not None:
                self.outbox.add(topics.PRIVACY_RECEIPTS.name, receipt.receipt_id, receipt)

    def route(
        self,
        event: InputEvent,
        source: Source,
        ts: LogMs,
        raw: bytes,
        clock: CorrectedTime | None = None,
    ) -> None:
        """Route one event, logged at `ts`; `raw` is the message as it was sent, and `clock`
        corrects its time."""
        match event:
            case Touchpoint():
                self._touchpoint(event, source, ts, raw, clock)
            case Session() | InAppEvent():
                self._activity(at_right_time(event, clock), source, ts, clock)
            case Install():
                self._install(event, source, ts, clock)
            case Purchase() | Subscription() | Refund() | AdRevenue():
                self._money(at_right_time(event, clock), source, ts, clock)
            case Cost():
                spend = rows.spend_row(event, source)
                self._store(topics.SPEND.name, spend.campaign_id, spend, source)
            case ExchangeRate():
                rate = rows.rate_row(event, source)
                self._store(topics.RATES.name, rate.rate_id, rate, source)
            case SkanPostback() | AakPostback():
                self._postback(event, source, ts)
            case PrivacyRequest():
                self._privacy_request(event, source, ts)
            case _:
                route_experiment(event, source, ts, clock, (self._journeys, self.outbox))

    def _touchpoint(
        self,
        event: Touchpoint,
        source: Source,
        ts: LogMs,
        raw: bytes,
        clock: CorrectedTime | None,
    ) -> None:
        forbidden = self._consent.forbidden(event)
        device, shown = self._keys.of_touch(event, ts, forbidden)
        # What is signed is the time that was sent.
        flags = self._signatures.flags(event, ts, raw) | id_flags(event)
        event = at_right_time(event, clock)
        # A touchpoint with a device id is matched by that id only.
        traits = self._consent.traits(event, forbidden) if not device else []
        touch = stage_records.touch_seen(event, ts, flags, traits, clock)
        if event.environment == "production":
            self._touches_by_site.add(event.app_id, touch)
        is_home = True
        keys = match_keys.touch_keys(event, device)
        if traits:
            keys = [*keys, network_key(event.app_id, traits)]
        keys = match_keys.in_scope(event, keys)
        if flags & Flag.SIGNATURE_OLD:
            self._observer.on_old_signature(event.media_source)
            (home,) = match_keys.in_scope(event, [match_keys.signed_key(event)])
            more = [key for key in keys if key != home]
            self._match.add(home, TouchSeen(home, touch, source, is_home, more))
            keys = []
        for key in keys:
            self._match.add(key, TouchSeen(key, touch, source, is_home))
            is_home = False
        row = rows.touch_outcome(event, touch, source, shown)
        self.outbox.add(topics.TOUCHES.name, event.event_id, row)

    def _install(
        self, event: Install, source: Source, ts: LogMs, clock: CorrectedTime | None
    ) -> None:
        referrer = self._referrers.read(event.install_referrer)
        if referrer.dropped:
            self._observer.on_evicted("referrer_click_ids_max", referrer.dropped)
        if referrer.is_sealed:
            self._observer.on_dropped(event.app_id, "install_referrer.utm_content")
        forbidden = self._consent.forbidden(event)
        lookups, known_by = self._keys.of_install(event, ts, referrer, forbidden)
        traits = self._consent.traits(event, forbidden)
        if traits:
            lookups.append((Signal.PROBABILISTIC, network_key(event.app_id, traits)))
        installed = stage_records.installed(
            event, source, ts, len(lookups), traits, is_organic=referrer.is_organic
        )
        installed = stage_records.installed_at_right_time(installed, event, clock)
        event = at_right_time(event, clock)
        consent = self._consent.refused(event), forbidden
        installed = install_evidence(installed, event, known_by, consent)
        accounts = self._link(event, event.install_id, ts)
        looked_up = list(lookup_records(event, installed, lookups, self._keys))
        for seen in looked_up:
            self._match.add(seen.key, seen)
        installed = replace(installed, keys=[*(one.key for one in looked_up), *accounts])
        self._journeys.add(_journey_of(event, event.install_id), installed)

    def _activity(
        self, event: Session | InAppEvent, source: Source, ts: LogMs, clock: CorrectedTime | None
    ) -> None:
        keys = self._link(event, event.install_id, ts)
        if isinstance(event, Session) and event.touch_id is not None:
            click = match_keys.click_key(event.app_id, event.touch_id)
            (key,) = match_keys.in_scope(event, [click])
            time = event.event_time
            looked_up = InstallSeen(key, event.install_id, Signal.CLICK_ID, -1, time, ts)
            self._match.add(key, looked_up)
            keys = [key, *keys]
        seen = stage_records.activity_seen(event, source, ts, clock, keys)
        self._journeys.add(_journey_of(event, event.install_id), seen)

    def _link(self, event: LinkingEvent, install_id: str, ts: LogMs) -> list[str]:
        """Link the account of an event, if it names one, to an install; returns its keys."""
        links = self._keys.links(event, install_id, ts)
        for linked in links:
            self._match.add(linked.key, linked)
        return [linked.key for linked in links]

    def _money(
        self,
        event: Purchase | Subscription | Refund | AdRevenue,
        source: Source,
        ts: LogMs,
        clock: CorrectedTime | None,
    ) -> None:
        account = ""
        if event.customer_user_id is not None:
            account = self._keys.of_payer(event.app_id, event.customer_user_id, ts)
        seen = money_seen(event, account, source, ts, clock)
        self._match.add(seen.key, seen)
        if event.install_id is not None:
            self._link(event, event.install_id, ts)

    def _store(self, topic: str, row_id: str, row: Outcome, source: Source) -> None:
        self.outbox.add(topic, row_id, row)
        self.outbox.settle(source, "decided")

    def _postback(self, event: SkanPostback | AakPostback, source: Source, ts: LogMs) -> None:
        row = rows.postback_row(event, source, self._postbacks)
        self.outbox.add(topics.POSTBACK_ROWS.name, row.postback_id, row)
        key = match_keys.postback_key(row.postback_id)
        self._match.add(key, PostbackSeen(key, ts, source))
        self._observer.on_postback(row.framework, row.signature_state, row.signature_reason)

    def _privacy_request(self, event: PrivacyRequest, source: Source, ts: LogMs) -> None:
        row = rows.privacy_row(event, source, self._pseudonyms)
        self._store(topics.PRIVACY_ROWS.name, row.subject_request_id, row, source)
        if event.request_type == "access":
            ask_for_access(event, ts, self._keys, self.outbox, self._match)
        else:
            self._ask(event, ts)

    def _ask(self, event: PrivacyRequest, ts: LogMs) -> None:
        """Route a request to every key of the person, with a receipt of each identity."""
        for receipt in erasure.identity_receipts(event, ts, self._pseudonyms):
            self.outbox.add(topics.PRIVACY_RECEIPTS.name, event.subject_request_id, receipt)
        for record in key_records(event, ts, self._keys):
            self._match.add(record.key, record)
        for journey, named in install_records(event, ts):
            self._journeys.add(journey, named)


def _journey_of(event: DeviceEvent, install_id: str) -> str:
    return journey_key(event.app_id, install_id, is_sandbox=event.environment == "sandbox")
