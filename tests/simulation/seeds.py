"""Runs one seed and checks all laws."""

from __future__ import annotations

import random

from tests.simulation.oracle import invariants, leakage, projection
from tests.simulation.oracle.oracle import Oracle
from tests.simulation.scenarios.draws import draw
from tests.simulation.scenarios.rule_sets import rule_set
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology


def run(seed: int) -> None:
    """LawBrokenError, or any other exception, when the seed finds something."""
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
        invariants.check_accounting(stored, scenario)
        invariants.check_conservation(stored, truth)
        invariants.check_versions(stored)
        invariants.check_postbacks(stored, truth)
    found = projection.converged(projection.tables(wild.warehouse.rows))
    for name, part in expected.items():
        invariants.same(f"crash: converged {name}", found[name], part)
    invariants.check_replay(wild, rules, chance)
    leakage.check_order(calm, wild, oracle)
    leakage.check(wild, rules, oracle, chance)
