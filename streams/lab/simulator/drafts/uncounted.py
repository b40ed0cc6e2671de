"""Sandbox traffic, invalid receipts and pending sales, as SDKs and servers would send them."""

from __future__ import annotations

from msgspec import json

from schemas import topics
from streams.lab.simulator.drafts.message_parts import (
    INSTALLER_DEVICES,
    PLATFORMS,
    Draft,
    MessageFields,
    MessageParts,
)
from streams.lab.simulator.drafts.money import payment
from streams.lab.simulator.draws import IntColumn
from streams.lab.simulator.market.market import MARKET_APPS
from streams.lab.simulator.people.uncounted import UncountedKind

_LARGE_MICROS = 99_990_000  # sums show at once whether it was counted


def draft_uncounted(parts: MessageParts, rows: IntColumn) -> list[Draft]:
    return [_uncounted(parts, number) for number in rows.tolist()]


def _uncounted(parts: MessageParts, number: int) -> Draft:
    kind = int(parts.plan.uncounted.kind[number])
    if kind == UncountedKind.SANDBOX_INSTALL:
        return _sandbox_install(parts, number)
    if kind == UncountedKind.PENDING:
        return _pending(parts, number)
    return _sale(parts, number, is_sandbox=kind == UncountedKind.SANDBOX_PURCHASE)


def _sandbox_install(parts: MessageParts, number: int) -> Draft:
    """On a device whose owner has the app from the store as well."""
    install_id, owner = _tester(parts, number), parts.plan.uncounted.about[number : number + 1]
    installs = parts.plan.installs
    columns = (owner, installs.is_ios[owner], installs.has_device_id[owner])
    (device,) = parts.devices(INSTALLER_DEVICES, *columns)
    fields = {
        "type": "install",
        **_common(parts, number, int(owner[0])),
        "environment": "sandbox",
        "install_id": install_id,
        **device,
    }
    return Draft(topics.INSTALLS.name, install_id.encode(), json.encode(fields))


def _sale(parts: MessageParts, number: int, *, is_sandbox: bool) -> Draft:
    about = int(parts.plan.uncounted.about[number])
    who = int(parts.plan.uncounted.about[about]) if is_sandbox else about
    install_id = _tester(parts, about) if is_sandbox else parts.install_id(who)
    fields = {
        "type": "purchase",
        **_common(parts, number, who),
        "environment": "sandbox" if is_sandbox else "production",
        "install_id": install_id,
        "transaction_id": f"{parts.run}-u{number:x}",
        "amount_micros": _LARGE_MICROS,
        "currency": "USD",
        "receipt_status": "valid" if is_sandbox else "invalid",
    }
    return Draft(topics.PAYMENTS.name, install_id.encode(), json.encode(fields))


def _pending(parts: MessageParts, number: int) -> Draft:
    """What the purchase says, but earlier."""
    plan = parts.plan
    key, fields = payment(parts, int(plan.uncounted.about[number]))
    fields["event_id"] = _event_id(parts, number)
    fields["event_time"] = int(plan.uncounted.time[number])
    fields["receipt_status"] = "pending"
    return Draft(topics.PAYMENTS.name, key.encode(), json.encode(fields))


def _common(parts: MessageParts, number: int, who: int) -> MessageFields:
    installs = parts.plan.installs
    return {
        "schema_version": 1,
        "event_id": _event_id(parts, number),
        "app_id": MARKET_APPS[int(installs.app[who])].app_id,
        "event_time": int(parts.plan.uncounted.time[number]),
        "platform": PLATFORMS[bool(installs.is_ios[who])],
    }


def _tester(parts: MessageParts, number: int) -> str:
    return f"{parts.run}-z{number:x}"


def _event_id(parts: MessageParts, number: int) -> str:
    return f"{parts.run}-u{number:x}-e"
