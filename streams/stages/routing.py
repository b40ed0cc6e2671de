"""Where an event goes: to which match keys, to which install, straight to storing."""

from __future__ import annotations

from schemas import topics
from schemas.decode import Unreadable
from schemas.events import (
    AakPostback,
    AdRevenue,
    Cost,
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
from schemas.records import (
    AccountLinked,
    ActivitySeen,
    Installed,
    InstallSeen,
    JourneyFrame,
    JourneyRecord,
    MatchFrame,
    MatchRecord,
    Money,
    MoneyKind,
    MoneySeen,
    Source,
    Touch,
    TouchKind,
    TouchSeen,
)
from streams.stage import Effects, LogRecord
from streams.stages import match_keys, rows
from streams.stages.observer import StageObserver
from streams.stages.outbox import FrameOutbox, Outbox
from streams.stages.pseudonyms import Pseudonyms
from streams.stages.signatures import Signatures, id_flags, install_flags


class Routing:
    """What one batch of source records turns into."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        pseudonyms: Pseudonyms,
        signatures: Signatures,
        observer: StageObserver,
    ) -> None:
        self.outbox = Outbox("intake", partition, observer)
        self._match: FrameOutbox[MatchRecord] = FrameOutbox(
            topics.MATCH.name, partitions, MatchFrame
        )
        self._journeys: FrameOutbox[JourneyRecord] = FrameOutbox(
            topics.JOURNEYS.name, partitions, JourneyFrame
        )
        self._pseudonyms = pseudonyms
        self._signatures = signatures

    def effects(self, positions: dict[tuple[str, int], int], watermarks: dict[str, int]) -> Effects:
        effects = Effects(positions=positions)
        self._match.flush(effects, watermarks)
        self._journeys.flush(effects, {})
        self.outbox.flush(effects)
        return effects

    def set_aside(self, record: LogRecord, source: Source, unreadable: Unreadable) -> None:
        letter = rows.dead_letter(record, unreadable)
        self.outbox.say(topics.DEAD_LETTERS.name, "", letter)
        self.outbox.settle(source, "dead_lettered")

    def route(self, event: InputEvent, source: Source, ts: int) -> None:
        match event:
            case Touchpoint():
                self._touchpoint(event, source, ts)
            case Session() | InAppEvent():
                self._activity(event, source, ts)
            case Install():
                self._install(event, source, ts)
            case Purchase() | Subscription() | Refund() | AdRevenue():
                self._money(event, source, ts)
            case Cost():
                self._cost(event, source)
            case ExchangeRate():
                self._rate(event, source)
            case SkanPostback() | AakPostback():
                self._postback(event, source)
            case PrivacyRequest():
                self._privacy_request(event, source)

    def _touchpoint(self, event: Touchpoint, source: Source, ts: int) -> None:
        device = match_keys.device_keys(event, self._pseudonyms)
        touch = Touch(
            event.event_id,
            event.touch_id,
            TouchKind.CLICK if event.touch_type == "click" else TouchKind.IMPRESSION,
            event.event_time,
            ts,
            event.media_source,
            event.channel or "",
            event.campaign_id or "",
            event.campaign_name or "",
            event.adset_id or "",
            event.ad_id or "",
            event.site_id or "",
            (event.click_lookback_s or 0) * 1_000,
            (event.view_lookback_s or 0) * 1_000,
            flags=self._signatures.flags(event, ts) | id_flags(event),
        )
        is_home = True
        for key in match_keys.touch_keys(event, device):
            self._match.add(key, TouchSeen(key, touch, source, is_home))
            is_home = False
        row = rows.touch_outcome(event, touch, source, device[0] if device else "")
        self.outbox.say(topics.TOUCHES.name, event.event_id, row)

    def _install(self, event: Install, source: Source, ts: int) -> None:
        lookups = match_keys.install_lookups(event, self._pseudonyms)
        installed = Installed(
            event.install_id,
            event.event_id,
            event.app_id,
            event.platform or "",
            event.country_code or "",
            event.app_version or "",
            event.os_version or "",
            event.event_time,
            ts,
            len(lookups),
            match_keys.is_organic_referrer(event.install_referrer),
            source,
            flags=install_flags(event),
        )
        self._journeys.add(event.install_id, installed)
        for ordinal, (signal, key) in enumerate(lookups):
            self._match.add(
                key, InstallSeen(key, event.install_id, signal, ordinal, event.event_time, ts)
            )
        self._link(event, event.install_id, ts)

    def _activity(self, event: Session | InAppEvent, source: Source, ts: int) -> None:
        is_session = isinstance(event, Session)
        name = "session" if isinstance(event, Session) else event.name
        self._journeys.add(
            event.install_id,
            ActivitySeen(
                event.install_id, event.event_id, name, is_session, event.event_time, ts, source
            ),
        )
        self._link(event, event.install_id, ts)

    def _link(
        self,
        event: Install | Session | InAppEvent | Purchase | Subscription | Refund | AdRevenue,
        install_id: str,
        ts: int,
    ) -> None:
        if event.customer_user_id is None:
            return
        key = match_keys.account_key(event.app_id, event.customer_user_id, self._pseudonyms)
        self._match.add(key, AccountLinked(key, install_id, event.event_time, ts))

    def _money(
        self, event: Purchase | Subscription | Refund | AdRevenue, source: Source, ts: int
    ) -> None:
        key, kind, booking_id, transaction_id = _money_names(event)
        account = ""
        if event.customer_user_id is not None:
            account = match_keys.account_key(event.app_id, event.customer_user_id, self._pseudonyms)
        money = Money(
            booking_id,
            transaction_id,
            kind,
            event.app_id,
            event.install_id or "",
            account,
            event.amount_micros,
            event.currency,
            getattr(event, "product_id", None) or "",
            event.event_time,
            ts,
            source,
        )
        self._match.add(key, MoneySeen(key, money))
        if event.install_id is not None:
            self._link(event, event.install_id, ts)

    def _cost(self, event: Cost, source: Source) -> None:
        row = rows.spend_row(event, source)
        self.outbox.say(topics.SPEND.name, row.campaign_id, row)
        self.outbox.settle(source, "decided")

    def _rate(self, event: ExchangeRate, source: Source) -> None:
        row = rows.rate_row(event, source)
        self.outbox.say(topics.RATES.name, row.rate_id, row)
        self.outbox.settle(source, "decided")

    def _postback(self, event: SkanPostback | AakPostback, source: Source) -> None:
        row = rows.postback_row(event, source)
        self.outbox.say(topics.POSTBACK_ROWS.name, row.postback_id, row)
        self.outbox.settle(source, "decided")

    def _privacy_request(self, event: PrivacyRequest, source: Source) -> None:
        row = rows.privacy_row(event, source, self._pseudonyms)
        self.outbox.say(topics.PRIVACY_ROWS.name, row.subject_request_id, row)
        self.outbox.settle(source, "decided")


def _money_names(
    event: Purchase | Subscription | Refund | AdRevenue,
) -> tuple[str, MoneyKind, str, str]:
    """Match key, kind, booking id and transaction id of a payment."""
    app_id = event.app_id
    if isinstance(event, AdRevenue):
        key = match_keys.impression_key(app_id, event.impression_id)
        return key, MoneyKind.AD_REVENUE, f"ad {app_id}:{event.impression_id}", event.impression_id
    transaction_id = event.transaction_id
    key = match_keys.transaction_key(app_id, transaction_id)
    if isinstance(event, Refund):
        booking_id = f"refund {app_id}:{transaction_id}:{event.refund_id}"
        return key, MoneyKind.REFUND, booking_id, transaction_id
    is_purchase = isinstance(event, Purchase)
    kind = MoneyKind.PURCHASE if is_purchase else MoneyKind.SUBSCRIPTION
    return key, kind, f"{app_id}:{transaction_id}", transaction_id
