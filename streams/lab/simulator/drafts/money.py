"""Payments as SDKs, servers, stores and ad mediation would send them."""

from __future__ import annotations

from msgspec import json

from schemas import topics
from schemas.time import DAY_MS
from streams.lab.simulator.drafts.message_parts import PLATFORMS, Draft, MessageFields, MessageParts
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS
from streams.lab.simulator.people.money import PaymentKind

_STORE_FEE = 0.15
_MEDIATION = "tidemix"
_AD_NETWORKS = ("vidora", "bannerly", "meadow")
_AD_FORMATS = ("rewarded", "interstitial", "banner")


def draft_money(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    drafts: list[Draft] = []
    for number in rows.tolist():
        key, fields = payment(parts, number)
        drafts.append(Draft(topics.PAYMENTS.name, key.encode(), json.encode(fields)))
    return drafts


def payment(parts: MessageParts, number: int) -> tuple[str, MessageFields]:
    """The key and the fields of one payment."""
    money, installs = parts.plan.money, parts.plan.installs
    who, kind = int(money.install[number]), int(money.kind[number])
    is_ad = kind == PaymentKind.AD_REVENUE
    fields: MessageFields = {
        "schema_version": 1,
        "event_id": f"{parts.run}-m{number:x}-e",
        "app_id": MARKET_APPS[int(installs.app[who])].app_id,
        "event_time": int(money.time[number]),
        "amount_micros": int(money.amount_micros[number]),
        "currency": "USD" if is_ad else COUNTRIES[int(installs.country[who])].currency,
        **_specific(parts, number, kind),
    }
    if kind == PaymentKind.REFUND:
        return _key(fields, number), fields
    return _name_payer(parts, fields, who, kind, bool(money.by_account[number])), fields


def _key(fields: MessageFields, number: int) -> str:
    return str(fields.get("transaction_id", number))


def _name_payer(
    parts: MessageParts, fields: MessageFields, who: int, kind: int, by_account: bool
) -> str:
    """Add who paid; the key is whatever names the payer."""
    installs = parts.plan.installs
    if kind == PaymentKind.STRANGER:
        fields["source"] = "s2s"
        fields["customer_user_id"] = f"guest-{fields['event_id']}"
        return str(fields["customer_user_id"])
    if by_account:
        fields["source"] = "s2s"
        fields["customer_user_id"] = parts.account(int(installs.account_owner[who]))
        return str(fields["customer_user_id"])
    fields["install_id"] = parts.install_id(who)
    fields["platform"] = PLATFORMS[bool(installs.is_ios[who])]
    fields["country_code"] = COUNTRIES[int(installs.country[who])].code
    return str(fields["install_id"])


def _specific(parts: MessageParts, number: int, kind: int) -> MessageFields:
    if kind == PaymentKind.AD_REVENUE:
        return _ad_revenue(parts, number)
    if kind == PaymentKind.REFUND:
        return _refund(parts, number)
    if kind == PaymentKind.SUBSCRIPTION:
        return _subscription(parts, number)
    return _purchase(parts, number)


def _transaction(parts: MessageParts, number: int) -> str:
    return f"{parts.run}-t{number:x}"


def _purchase(parts: MessageParts, number: int) -> MessageFields:
    micros = int(parts.plan.money.amount_micros[number])
    return {
        "type": "purchase",
        "transaction_id": _transaction(parts, number),
        "product_id": f"item_{1 + number % 12}",
        "net_micros": int(micros * (1.0 - _STORE_FEE)),
        "receipt_status": "valid",
    }


def _subscription(parts: MessageParts, number: int) -> MessageFields:
    money = parts.plan.money
    nth, at = int(money.ordinal[number]), int(money.time[number])
    return {
        "type": "subscription",
        "kind": "start" if nth == 0 else "renewal",
        "transaction_id": _transaction(parts, number),
        "original_transaction_id": _transaction(parts, number - nth),
        "product_id": "weekly",
        "period_start_time": at,
        "period_end_time": at + 7 * DAY_MS,
    }


def _refund(parts: MessageParts, number: int) -> MessageFields:
    return {
        "type": "refund",
        "source": "store",
        "refund_id": f"{parts.run}-r{number:x}",
        "transaction_id": _transaction(parts, int(parts.plan.money.purchase[number])),
        "kind": "chargeback" if number % 8 == 0 else "refund",
        "reason": "requested_by_customer",
    }


def _ad_revenue(parts: MessageParts, number: int) -> MessageFields:
    return {
        "type": "ad_revenue",
        "impression_id": f"{parts.run}-n{number:x}",
        "mediation_network": _MEDIATION,
        "monetization_network": _AD_NETWORKS[number % 3],
        "ad_format": _AD_FORMATS[number // 3 % 3],
        "precision": "exact",
    }
