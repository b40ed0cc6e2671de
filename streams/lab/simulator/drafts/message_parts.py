"""What many messages share: ids, devices, placements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.lab.simulator.draws import BoolColumn, IntColumn
from streams.lab.simulator.ids import device_ids, run_prefix
from streams.lab.simulator.market.market import MARKET_APPS, MEDIA_SOURCES, Market
from streams.lab.simulator.plan import Plan

MessageFields = dict[str, Any]
INSTALLER_DEVICES = 21  # purposes of `device_ids`
PASSER_BY_DEVICES = 31
PLATFORMS = ("android", "ios")


class Draft(NamedTuple):
    """A message without a log time and an offset."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class MessageParts:
    """Shared parts of the messages of one plan."""

    plan: Plan
    run: str
    placements: tuple[MessageFields, ...]  # the fields of every touchpoint of a placement

    def touch_id(self, number: int) -> str:
        return f"{self.run}-c{number:x}"

    def install_id(self, number: int) -> str:
        return f"{self.run}-i{number:x}"

    def account(self, owner: int) -> str:
        return f"user-{self.run}-{owner:x}"

    def devices(
        self, purpose: int, number: IntColumn, is_ios: BoolColumn, has_device_id: BoolColumn
    ) -> list[MessageFields]:
        """The field with the advertising id of each device; {} where the device withholds it."""
        texts = device_ids(self.plan.scenario.seed, purpose, number)
        rows = zip(texts, is_ios.tolist(), has_device_id.tolist(), strict=True)
        return [
            ({"idfa": text.upper()} if ios else {"gaid": text}) if known else {}
            for text, ios, known in rows
        ]


def make_message_parts(plan: Plan) -> MessageParts:
    market = plan.market
    pairs = zip(market.placement_campaign.tolist(), market.placement_site.tolist(), strict=True)
    placements = tuple(_placement(market, campaign, site) for campaign, site in pairs)
    return MessageParts(plan, run_prefix(plan.scenario.seed), placements)


def _placement(market: Market, campaign_number: int, site_number: int) -> MessageFields:
    campaign = market.campaigns[campaign_number]
    media = MEDIA_SOURCES[campaign.source]
    return {
        "type": "touchpoint",
        "schema_version": 1,
        "source": "network",
        "app_id": MARKET_APPS[campaign.app].app_id,
        "media_source": media.name,
        "channel": media.channel,
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "site_id": market.sites[site_number].site_id,
    }
