"""What tells one first open of an install from another: its keys, and what the store says."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from msgspec.structs import replace

from schemas.events import Install
from schemas.records import Installed, Signal


def install_evidence(
    installed: Installed,
    event: Install,
    lookups: Sequence[tuple[Signal, str]],
    consent: tuple[int, int],
) -> Installed:
    """The install with hashes of its evidence, and what its person refuses and so forbids. The
    network is left out: it changes from day to day."""
    devices = [_hash(key) for signal, key in lookups if signal is Signal.DEVICE_ID]
    clicks = [key for signal, key in lookups if signal in (Signal.REFERRER, Signal.CLICK_ID)]
    store = [f"begin {installed.begin_time}"] if installed.begin_time else []
    if event.is_reinstall:
        store.append("reinstall")
    if (claimed := installed.adservices) is not None:
        store.append(f"adservices {claimed.campaign_id} {claimed.ad_id} {claimed.time}")
    evidence = [_hash(text) for text in (*clicks, *store)]
    scope = "sandbox" if installed.is_sandbox else ""
    opening = _hash(repr((scope, sorted(devices), sorted(evidence))))
    refused, forbidden = consent
    return replace(
        installed,
        opening=opening,
        devices=devices,
        evidence=evidence,
        refused=refused,
        forbidden=forbidden,
    )


def _hash(text: str) -> int:
    """32 bits, never 0: only the first opens of one install are compared."""
    return zlib.crc32(text.encode()) or 1
