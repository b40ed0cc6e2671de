"""Transactions of an account whose money was evicted, and where it stays."""

from __future__ import annotations

import hashlib

from msgspec import Struct

from schemas.records import Money, MoneyKind
from schemas.time import LogMs


class SettledSale(Struct, frozen=True, array_like=True, gc=False):
    """A transaction whose money is not remembered any more, and where it stays."""

    sale: int  # hash of its id
    install_id: str  # "": nowhere, because it expired
    deadline: LogMs


def sale_hash(money: Money) -> int:
    """Of the transaction that the money belongs to, also for its refunds."""
    is_ad = money.kind is MoneyKind.AD_REVENUE
    name = f"{is_ad:d}{money.is_sandbox:d}{money.app_id}:{money.transaction_id}"
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest())
