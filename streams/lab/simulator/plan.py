"""Everything that is drawn before the first message is written.

It is columns of numbers, about 50 bytes for each event of people who install. The touchpoints of
people who do not, which are most of the traffic, are drawn while writing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.time import HOUR_MS
from streams.lab.simulator.draws import IntColumn, generator, hour_weights, split
from streams.lab.simulator.market.exchange_rates import ExchangeRates, make_exchange_rates
from streams.lab.simulator.market.market import Market, make_market
from streams.lab.simulator.people.installs import Installs, make_installs
from streams.lab.simulator.people.money import MoneyTable, make_money
from streams.lab.simulator.people.reports import (
    Costs,
    Notices,
    make_costs,
    make_postbacks,
    make_privacy_requests,
)
from streams.lab.simulator.people.touches import Causes, Touches, make_touches
from streams.lab.simulator.people.uncounted import UncountedTable, make_uncounted
from streams.lab.simulator.people.usage import Usage, make_usage, reported_accounts
from streams.lab.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Plan:
    scenario: Scenario
    market: Market
    installs: Installs
    touches: Touches
    causes: Causes
    usage: Usage
    money: MoneyTable
    costs: Costs
    rates: ExchangeRates
    postbacks: Notices
    privacy_requests: Notices
    uncounted: UncountedTable
    passers_by: IntColumn  # touchpoints of people who never install, by hour since the start

    def log_times(self) -> tuple[IntColumn, ...]:
        """The log times of every table, in the order in which `simulate_traffic` drafts them."""
        return (
            self.touches.log_time,
            self.installs.log_time,
            self.usage.log_time,
            self.money.log_time,
            self.costs.log_time,
            self.rates.log_time,
            self.postbacks.log_time,
            self.privacy_requests.log_time,
            self.uncounted.log_time,
        )


def make_plan(scenario: Scenario) -> Plan:
    market = make_market(scenario.seed)
    installs = make_installs(scenario, market)
    touches, causes = make_touches(scenario, market, installs)
    usage = make_usage(scenario, installs)
    installs = replace(installs, account=reported_accounts(installs, usage))
    costs = make_costs(scenario, market, installs)
    rates = make_exchange_rates(scenario)
    postbacks = make_postbacks(scenario, installs)
    privacy_requests = make_privacy_requests(scenario, installs)
    money = make_money(scenario, installs, round(scenario.good * scenario.payment_share))
    uncounted = make_uncounted(scenario, installs, money)
    reports = len(costs.day) + len(rates.day) + len(postbacks.time) + len(privacy_requests.time)
    planned = len(touches.time) + len(installs) + len(usage.time) + len(money.time) + reports
    planned += len(uncounted.time)
    hours = scenario.acquisition_ms // HOUR_MS
    rng = generator(scenario.seed, "passers-by")
    passers_by = split(rng, scenario.good - planned, hour_weights(scenario.start_ms, hours))
    return Plan(
        scenario=scenario,
        market=market,
        installs=installs,
        touches=touches,
        causes=causes,
        usage=usage,
        money=money,
        costs=costs,
        rates=rates,
        postbacks=postbacks,
        privacy_requests=privacy_requests,
        uncounted=uncounted,
        passers_by=np.r_[passers_by, np.zeros(scenario.days * 24 - hours, np.int64)],
    )
