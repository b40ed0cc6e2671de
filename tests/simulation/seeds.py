"""Runs one seed and checks all laws."""

from __future__ import annotations

import random
from collections import Counter

from schemas.parts import MICROS_MAX
from tests.simulation.oracle import invariants, leakage, projection
from tests.simulation.oracle.oracle import Oracle
from tests.simulation.scenarios.draws import draw
from tests.simulation.scenarios.rule_sets import rule_set
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology


def run(seed: int) -> Counter[str]:
    """What the seed met; LawBrokenError, or any other exception, when it finds something."""
    scenario, rules = draw(seed), stage_rules(seed)
    chance = random.Random(f"checks {seed}")
    calm = Topology(scenario, rules, seed)
    calm.run_undisturbed()
    wild = Topology(scenario, rules, seed)
    wild.run_disturbed(faults=seed % 12)
    oracle = Oracle(scenario, rule_set(seed).book)
    truth = oracle.work_out()
    expected = projection.converged(projection.tables(calm.warehouse.rows))
    invariants.check_oracle(expected, truth)
    for topology in (calm, wild):
        stored = projection.tables(topology.warehouse.rows)
        invariants.check_rest(topology)
        invariants.check_accounting(stored, scenario, topology.log)
        invariants.check_conservation(stored, truth)
        invariants.check_versions(stored)
        invariants.check_postbacks(stored, truth)
    found = projection.converged(projection.tables(wild.warehouse.rows))
    for name, part in expected.items():
        invariants.same(f"crash: converged {name}", found[name], part)
    invariants.check_replay(wild, rules, chance)
    leakage.check_order(calm, wild, oracle)
    leakage.check(wild, rules, oracle, chance)
    return met(wild)


def met(run_of: Topology) -> Counter[str]:
    """What there was to find something in."""
    found = Counter(f"trouble: {name}" for name in run_of.scenario.troubles) + run_of.met
    stored = projection.tables(run_of.warehouse.rows)
    for row in stored["revenue"]:
        found[f"step: {row['step']}"] += row["sign"] > 0
        found["money: as much as may be"] += abs(row["amount_micros"]) >= MICROS_MAX - 1
        is_refund = row["kind"] == "refund" and row["original_transaction_id"]
        found["money: taken from another transaction"] += bool(is_refund)
        found["money: taken back"] += row["sign"] < 0
    found.update(f"state: {row['state']}" for row in stored["parked"])
    found.update(f"reason: {row['reason']}" for row in stored["attributions"])
    found.update(f"conversion: {row['conversion_type']}" for row in stored["attributions"])
    return found
