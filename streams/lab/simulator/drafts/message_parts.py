"""Words that many messages share: ids, devices, placements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.lab.simulator.draws import Flags, Ints
from streams.lab.simulator.ids import device_ids, run_prefix
from streams.lab.simulator.market.market import APPS, MEDIA_SOURCES, World
from streams.lab.simulator.plan import Plan

Fields = dict[str, Any]
INSTALLER_DEVICES = 21  # purposes of `device_ids`
PASSER_BY_DEVICES = 31
PLATFORMS = ("android", "ios")


class Draft(NamedTuple):
    """A message that has no place in a log yet."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Words:
    """What a plan's messages are made with."""

    plan: Plan
    run: str
    placements: tuple[Fields, ...]  # what every touchpoint of a placement says

    def touch_id(self, number: int) -> str:
        return f"{self.run}-c{number:x}"

    def install_id(self, number: int) -> str:
        return f"{self.run}-i{number:x}"

    def account(self, owner: int) -> str:
        return f"user-{self.run}-{owner:x}"

    def devices(
        self, purpose: int, number: Ints, is_ios: Flags, has_device_id: Flags
    ) -> list[Fields]:
        """The advertising id of each device, if the device tells it."""
        texts = device_ids(self.plan.scenario.seed, purpose, number)
        rows = zip(texts, is_ios.tolist(), has_device_id.tolist(), strict=True)
        return [
            ({"idfa": text.upper()} if ios else {"gaid": text}) if known else {}
            for text, ios, known in rows
        ]


def make_words(plan: Plan) -> Words:
    world = plan.world
    pairs = zip(world.placement_campaign.tolist(), world.placement_site.tolist(), strict=True)
    placements = tuple(_placement(world, campaign, site) for campaign, site in pairs)
    return Words(plan, run_prefix(plan.scenario.seed), placements)


def _placement(world: World, campaign_number: int, site_number: int) -> Fields:
    campaign = world.campaigns[campaign_number]
    media = MEDIA_SOURCES[campaign.source]
    return {
        "type": "touchpoint",
        "schema_version": 1,
        "source": "network",
        "app_id": APPS[campaign.app].app_id,
        "media_source": media.name,
        "channel": media.channel,
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "site_id": world.sites[site_number].site_id,
    }
