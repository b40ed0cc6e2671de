"""Match keys: the keys under which an event is looked up. All are within one app; personal ids in
them are pseudonyms."""

from __future__ import annotations

from attribution.matching.referrer import Referrer
from attribution.matching.sampled_paths import DEVICE_PREFIX
from attribution.rules.consent import Use
from schemas.events import DeviceEvent, Install, Touchpoint
from schemas.ids import normal_click_id, normal_device_id, normal_id
from schemas.parts import Identity
from schemas.records import SANDBOX_SCOPE, Signal
from streams.stages.common.pseudonyms import Pseudonyms

DEVICE_IDENTITIES = frozenset({"gaid", "idfa", "idfv", "oaid"})

ACCOUNT_IDENTITIES = frozenset({"customer_user_id", "email"})
"""Where accounts are addresses, an address names one."""

ACCOUNT_PREFIX = "u:"


def click_key(app_id: str, click_id: str) -> str:
    return f"c:{app_id}:{normal_click_id(click_id)}"


def account_key(app_id: str, customer_user_id: str, pseudonyms: Pseudonyms) -> str:
    return f"{ACCOUNT_PREFIX}{app_id}:{pseudonyms.of(customer_user_id)}"


def transaction_key(app_id: str, transaction_id: str) -> str:
    return f"t:{app_id}:{transaction_id}"


def impression_key(app_id: str, impression_id: str) -> str:
    """The key of ad revenue: its impression id takes the place of a transaction id."""
    return f"i:{app_id}:{impression_id}"


def event_key(app_id: str, event_id: str) -> str:
    """The key of a touchpoint without any other key, so that it is settled somewhere."""
    return f"e:{app_id}:{event_id}"


def postback_key(postback_id: str) -> str:
    """The key of a postback: its own id, apart from devices and installs."""
    return f"p:{postback_id}"


def device_keys(event: DeviceEvent, pseudonyms: Pseudonyms, forbidden: int = 0) -> list[str]:
    """One key per device id: Google's and Apple's advertising ids, OAID, and Apple's vendor id.
    `forbidden`: bits of `Use`."""
    ids: tuple[str | None, ...] = event.gaid, event.idfa, event.oaid, event.idfv
    if forbidden:
        ids = () if forbidden & Use.ADVERTISING_ID else ids[:3]
        ids = ids if forbidden & Use.VENDOR_ID else (*ids, event.idfv)
    return [
        f"{DEVICE_PREFIX}{event.app_id}:{device_pseudonym(device_id, pseudonyms)}"
        for device_id in ids
        if device_id is not None
    ]


def withheld_keys(event: DeviceEvent, pseudonyms: Pseudonyms, forbidden: int) -> list[str]:
    """The keys of the device ids that may not be used; `forbidden`: bits of `Use`."""
    used = device_keys(event, pseudonyms, forbidden)
    return [key for key in device_keys(event, pseudonyms) if key not in used]


def vendor_key(event: DeviceEvent, pseudonyms: Pseudonyms) -> str:
    """The key of Apple's vendor id; empty: there is none."""
    if event.idfv is None:
        return ""
    return f"{DEVICE_PREFIX}{event.app_id}:{device_pseudonym(event.idfv, pseudonyms)}"


def identity_keys(app_id: str, identity: Identity, pseudonyms: Pseudonyms) -> list[str]:
    """The match keys of an identity in a privacy request; some have none."""
    if identity.identity_type in ACCOUNT_IDENTITIES:
        forms = written_forms(identity.identity_value)
        return [account_key(app_id, form, pseudonyms) for form in forms]
    if identity.identity_type in DEVICE_IDENTITIES:
        return [f"{DEVICE_PREFIX}{app_id}:{identity_pseudonym(identity, pseudonyms)}"]
    return []


def written_forms(identifier: str) -> list[str]:
    """The forms in which state may know an id. Earlier builds kept ids as they were sent, and who
    is to be forgotten is to be forgotten in all of them."""
    normal = normal_id(identifier)
    forms = dict.fromkeys((normal, identifier, normal.upper()))
    return [form for form in forms if normal_id(form) == normal]


def identity_pseudonym(identity: Identity, pseudonyms: Pseudonyms) -> str:
    """The pseudonym of an identity, as in match keys."""
    if identity.identity_type in DEVICE_IDENTITIES:
        return device_pseudonym(identity.identity_value, pseudonyms)
    return pseudonyms.of(normal_id(identity.identity_value))


def device_pseudonym(device_id: str, pseudonyms: Pseudonyms) -> str:
    """The pseudonym of a device id, in the one form in which device ids are compared."""
    return pseudonyms.of(normal_device_id(device_id))


def touch_keys(touch: Touchpoint, device: list[str]) -> list[str]:
    """Keys of a touchpoint. The first one settles it in the ledger."""
    if touch.touch_type == "click":
        return [click_key(touch.app_id, touch.touch_id), *device]
    return device or [event_key(touch.app_id, touch.event_id)]


def in_scope(event: DeviceEvent, keys: list[str]) -> list[str]:
    """The keys of an event in its environment: test traffic has keys of its own."""
    return keys if event.environment == "production" else [SANDBOX_SCOPE + key for key in keys]


def signed_key(touch: Touchpoint) -> str:
    """The key that even an old signature covers. A touchpoint signed so is known by it first, and
    only its first copy under its other keys, which anybody may have changed."""
    if touch.touch_type == "click":
        return click_key(touch.app_id, touch.touch_id)
    return event_key(touch.app_id, touch.event_id)


def install_lookups(
    install: Install, referrer: Referrer, pseudonyms: Pseudonyms, forbidden: int = 0
) -> list[tuple[Signal, str]]:
    """The lookups of an install: every key once, with its strongest signal."""
    lookups = {click_key(install.app_id, one): Signal.REFERRER for one in referrer.click_ids}
    if install.click_id:
        lookups.setdefault(click_key(install.app_id, install.click_id), Signal.CLICK_ID)
    for key in device_keys(install, pseudonyms, forbidden):
        lookups.setdefault(key, Signal.DEVICE_ID)
    return [(signal, key) for key, signal in lookups.items()]
