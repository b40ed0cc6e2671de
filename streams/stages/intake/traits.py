"""Traits that probabilistic matching compares. They are used only with consent."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from attribution.rules.consent import ATT_AUTHORIZED
from schemas.events import DeviceEvent
from streams.stages.common.pseudonyms import Pseudonyms

NETWORK_BITS = {4: 24, 6: 48}
"""Leading bits of an address that identify its network, by IP version."""


def has_consent(event: DeviceEvent) -> bool:
    """Whether the user has given explicit consent; a missing answer is a refusal."""
    consent = event.consent
    if consent is None or event.limit_ad_tracking:
        return False
    asks_att = event.platform == "ios" or event.att_status is not None
    if asks_att and event.att_status != ATT_AUTHORIZED:
        return False
    return consent.data_usage is True and consent.ads_personalization is not False


def event_traits(event: DeviceEvent, pseudonyms: Pseudonyms) -> list[str]:
    """Traits in the order of `records.TRAITS`; empty if the network is not known."""
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
    """The match key shared by everybody in the same network."""
    return f"n:{app_id}:{values[1]}"


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    """The public address; None also for private ones, such as that of a load balancer, which would
    make everybody look alike."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address if address.is_global and not address.is_multicast else None
