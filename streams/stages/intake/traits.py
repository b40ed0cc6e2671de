"""What matching without ids compares: only with consent, and only where it is switched on."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from schemas.events import DeviceEvent
from streams.stages.common.pseudonyms import Pseudonyms

ATT_AUTHORIZED = 3
"""Apple's ATTrackingManager status; without it Apple forbids to recognise a device at all."""

NETWORK_BITS = {4: 24, 6: 48}
"""A network is this much of an address, by IP version."""


def has_consent(event: DeviceEvent) -> bool:
    """Whether the user has said yes, in so many words. Silence is no."""
    consent = event.consent
    if consent is None or event.limit_ad_tracking:
        return False
    if event.platform == "ios" and event.att_status != ATT_AUTHORIZED:
        return False
    return consent.data_usage is True and consent.ads_personalization is not False


def event_traits(event: DeviceEvent, pseudonyms: Pseudonyms) -> list[str]:
    """Values in the order of `records.TRAITS`; empty when there is no network to look under."""
    address = _address(event.ip)
    if address is None:
        return []
    network = ipaddress.ip_network((int(address), NETWORK_BITS[address.version]), strict=False)
    return [
        pseudonyms.of(str(address)),
        pseudonyms.of(str(network)),
        event.os_version or "",
        pseudonyms.of(event.user_agent) if event.user_agent else "",
        event.country_code or "",
    ]


def network_key(app_id: str, values: list[str]) -> str:
    """Match key of everybody who was seen in the same network."""
    return f"n:{app_id}:{values[1]}"


def _address(written: str | None) -> IPv4Address | IPv6Address | None:
    """None also for addresses that are nobody's on the Internet, such as those of a load balancer:
    everybody would look alike."""
    try:
        address = ipaddress.ip_address(written or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address if address.is_global and not address.is_multicast else None
