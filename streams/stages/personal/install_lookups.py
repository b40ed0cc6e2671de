"""The records by which an install looks itself up under its keys."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.rules.consent import Use
from schemas.events import Install
from schemas.records import FOR_REQUESTS, Installed, InstallSeen, Signal
from streams.stages.common import match_keys
from streams.stages.personal.personal_keys import Lookups, PersonalKeys


def lookup_records(
    event: Install, installed: Installed, lookups: Lookups, keys: PersonalKeys
) -> Iterator[InstallSeen]:
    """One for each lookup, and one for each device id that the person forbids to match by: it gets
    no answer, but requests by the id concern the install."""
    named = [(key, signal, number) for number, (signal, key) in enumerate(lookups)]
    withheld = keys.withheld(event, installed.ts, installed.forbidden)
    named += [(key, Signal.WITHHELD, FOR_REQUESTS) for key in withheld]
    vendor = keys.vendor(event, installed.ts)
    scoped = match_keys.in_scope(event, [key for key, _, _ in named])
    for (key, signal, ordinal), in_scope in zip(named, scoped, strict=True):
        device_ids = 0
        if signal is Signal.DEVICE_ID or signal is Signal.WITHHELD:
            device_ids = Use.VENDOR_ID if key in vendor else Use.ADVERTISING_ID
        yield InstallSeen(
            in_scope,
            event.install_id,
            signal,
            ordinal,
            event.event_time,
            installed.ts,
            installed.opening,
            device_ids,
        )
