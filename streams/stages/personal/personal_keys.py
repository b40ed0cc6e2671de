"""Match keys of personal ids under the secret in force and, until its date, under the former one.

While two secrets are in force, everything is known under the keys of both: so a pair is found
whichever of its records was logged, or read by a worker with the former secret, first. The former
keys stay the ones by which repeats are told and money of accounts is looked up: what was logged
before the change has no others. From the date on, the keys of the new secret know all that was
logged in between.
"""

from __future__ import annotations

from collections.abc import Iterator

from attribution.matching.referrer import Referrer
from attribution.rules.consent import Use
from schemas.events import (
    AdRevenue,
    InAppEvent,
    Install,
    Purchase,
    Refund,
    Session,
    Subscription,
    Touchpoint,
)
from schemas.parts import Identity
from schemas.records import SANDBOX_SCOPE, AccountLinked, Signal
from schemas.time import LogMs
from streams.stages.common import match_keys
from streams.stages.common.pseudonyms import FormerPseudonyms, Pseudonyms

Lookups = list[tuple[Signal, str]]
LinkingEvent = Install | Session | InAppEvent | Purchase | Subscription | Refund | AdRevenue


class PersonalKeys:
    """Makes the match keys of device ids and accounts."""

    def __init__(self, pseudonyms: Pseudonyms, former: FormerPseudonyms | None) -> None:
        self.pseudonyms = pseudonyms
        self._former = former

    def of_touch(self, touch: Touchpoint, ts: LogMs, forbidden: int) -> tuple[list[str], str]:
        """The keys of its devices, and the one that its row shows; empty: it has none that may be
        used."""
        device = match_keys.device_keys(touch, self.pseudonyms, forbidden)
        if not device:
            return device, ""
        shown = device[0]
        if former := self._former_at(ts):
            device = [*match_keys.device_keys(touch, former, forbidden), *device]
        return device, shown

    def of_install(
        self, event: Install, ts: LogMs, referrer: Referrer, forbidden: int
    ) -> tuple[Lookups, Lookups]:
        """The lookups of an install, and those that tell a repeat of it from another life."""
        lookups = match_keys.install_lookups(event, referrer, self.pseudonyms, forbidden)
        former = self._former_at(ts)
        if former is None:
            return lookups, lookups
        device = match_keys.device_keys(event, former, forbidden)
        before = [(Signal.DEVICE_ID, key) for key in device]
        by_click = [one for one in lookups if one[0] is not Signal.DEVICE_ID]
        return [*lookups, *before], [*by_click, *before]

    def withheld(self, event: Install, ts: LogMs, forbidden: int) -> list[str]:
        """The keys of the install that are for privacy requests alone."""
        if not forbidden & (Use.ADVERTISING_ID | Use.VENDOR_ID):
            return []
        found = [match_keys.withheld_keys(event, one, forbidden) for one in self._in_force(ts)]
        return [key for keys in found for key in keys]

    def vendor(self, event: Install, ts: LogMs) -> set[str]:
        """The keys among those of the install that are of Apple's vendor id."""
        if event.idfv is None:
            return set()
        return {match_keys.vendor_key(event, one) for one in self._in_force(ts)}

    def of_link(self, app_id: str, customer_user_id: str, ts: LogMs) -> list[str]:
        """The keys under which an account is linked to an install."""
        return [
            match_keys.account_key(app_id, customer_user_id, pseudonyms)
            for pseudonyms in self._in_force(ts)
        ]

    def links(self, event: LinkingEvent, install_id: str, ts: LogMs) -> list[AccountLinked]:
        """The links of the account that an event names, if it names one, to an install."""
        if event.customer_user_id is None:
            return []
        is_sandbox = event.environment == "sandbox"
        return [
            AccountLinked(key, install_id, event.event_time, ts, is_sandbox)
            for key in self.of_link(event.app_id, event.customer_user_id, ts)
        ]

    def of_payer(self, app_id: str, customer_user_id: str, ts: LogMs) -> str:
        """The one key under which money of an account is placed: the one that knows all links."""
        pseudonyms = self._former_at(ts) or self.pseudonyms
        return match_keys.account_key(app_id, customer_user_id, pseudonyms)

    def of_identity(self, app_id: str, identity: Identity, ts: LogMs) -> Iterator[str]:
        """The keys that a privacy request concerns. Test traffic has keys of devices of its own."""
        for pseudonyms in self._in_force(ts):
            for key in match_keys.identity_keys(app_id, identity, pseudonyms):
                yield key
                if identity.identity_type in match_keys.DEVICE_IDENTITIES:
                    yield SANDBOX_SCOPE + key

    def _former_at(self, ts: LogMs) -> Pseudonyms | None:
        return None if self._former is None else self._former.at(ts)

    def _in_force(self, ts: LogMs) -> tuple[Pseudonyms, ...]:
        former = self._former_at(ts)
        return (self.pseudonyms,) if former is None else (self.pseudonyms, former)
