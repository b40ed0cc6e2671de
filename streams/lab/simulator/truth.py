"""What really happened, to judge decisions by. No stage reads it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from schemas.time import DAY_MS
from streams.lab.simulator.drafts.message_parts import MessageParts, make_message_parts
from streams.lab.simulator.market.market import MARKET_APPS, FraudKind
from streams.lab.simulator.people.installs import NO_TOUCH
from streams.lab.simulator.people.money import lifetime_value, paid_within
from streams.lab.simulator.plan import Plan, make_plan
from streams.lab.simulator.scenario import LABEL_DAYS, Scenario


class Truth(Struct, frozen=True, kw_only=True):
    """One install. Source, campaign, site and touch are those that caused it; organic: null."""

    install_id: str
    app_id: str
    install_time: int
    media_source: str | None
    campaign_id: str | None
    site_id: str | None
    touch_id: str | None
    shares_id: bool  # the touchpoint and the install carry the same click or device id
    payer_probability_d7: float  # knowing the person
    payer_probability_d7_at_install: float  # knowing only what can be known at install
    paid_within_d7: bool
    fraud: (
        str | None
    )  # click_injection or click_flooding: a site claims an install it did not cause
    fraud_touch_id: str | None  # the click they claim it with
    lifetime_value_micros: dict[str, int]  # by currency, refunds taken off


def truths(scenario: Scenario) -> Iterator[Truth]:
    """By time of first open."""
    plan = make_plan(scenario)
    parts = make_message_parts(plan)
    values = lifetime_value(plan.installs, plan.money)
    paid = paid_within(plan.installs, plan.money, LABEL_DAYS * DAY_MS).tolist()
    for number in range(len(plan.installs)):
        yield _truth(parts, plan, number, paid[number], values[number])


def _truth(
    parts: MessageParts, plan: Plan, number: int, paid: bool, value: dict[str, int]
) -> Truth:
    installs = plan.installs
    touch, fake = int(plan.causes.true_touch[number]), int(plan.causes.fake_touch[number])
    kind = FraudKind(int(installs.fraud[number]))
    cause = {} if touch == NO_TOUCH else parts.placements[int(installs.placement[number])]
    return Truth(
        install_id=parts.install_id(number),
        app_id=MARKET_APPS[int(installs.app[number])].app_id,
        install_time=int(installs.time[number]),
        media_source=cause.get("media_source"),
        campaign_id=cause.get("campaign_id"),
        site_id=cause.get("site_id"),
        touch_id=None if touch == NO_TOUCH else parts.touch_id(touch),
        shares_id=_shares_id(plan, number, touch),
        payer_probability_d7=round(float(installs.payer_probability[number]), 6),
        payer_probability_d7_at_install=round(
            float(installs.payer_probability_at_install[number]), 6
        ),
        paid_within_d7=paid,
        fraud=None if kind == FraudKind.NONE else kind.name.lower(),
        fraud_touch_id=None if fake == NO_TOUCH else parts.touch_id(fake),
        lifetime_value_micros=value,
    )


def _shares_id(plan: Plan, number: int, touch: int) -> bool:
    if touch == NO_TOUCH:
        return False
    carries_click = int(plan.causes.carried_click[number]) == touch
    # A touchpoint carries a device id only where its install does.
    return carries_click or bool(plan.touches.has_device_id[touch])
