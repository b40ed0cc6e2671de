"""Poison: the worlds of the seeds with touchpoints that make decisions raise.

What raises is set aside, and everything else goes on: every offset has one fate, whatever crashes,
and a replay of the stage logs under other batch boundaries sets the same aside.
`python -m tests.simulation.stories.poison --count 100` says how much of it there was.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from dataclasses import replace

import orjson
from msgspec import structs

from schemas import topics
from schemas.decode import Unreadable, decode
from streams.stages.contract import CLOCK_KEY, Message
from streams.stages.factory import StageRules
from tests.simulation.oracle import invariants, projection
from tests.simulation.scenarios.draws import draw
from tests.simulation.scenarios.scenario import EARLIEST, Scenario
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology
from tests.worlds.records import BAD_SOURCE, PoisonedRules

SHARE = 0.4


def run_poisoned(seed: int) -> Counter[str]:
    """What was set aside; LawBrokenError, or any other exception, when the seed finds something."""
    chance = random.Random(f"poison {seed}")
    scenario, rules = poisoned(draw(seed), chance), with_bug(stage_rules(seed))
    run = Topology(scenario, rules, seed)
    run.run_disturbed(faults=seed % 12)
    stored = projection.tables(run.warehouse.rows)
    invariants.check_rest(run, may_raise=True)
    invariants.check_accounting(stored, scenario, run.log)
    invariants.check_replay(run, rules, chance)
    fates = projection.final_dispositions(stored["ledger"])
    aside = {
        (row["source_topic"], row["source_partition"], row["source_offset"])
        for row in stored["quarantined"]
        if row["source_topic"]
    }
    settled = {place for place, fate in fates.items() if fate == "quarantined"}
    invariants.same("accounting: quarantined", settled, aside)
    return Counter(f"{row['stage']}: {row['kind']}" for row in stored["quarantined"])


def poisoned(scenario: Scenario, chance: random.Random) -> Scenario:
    """Some touchpoints come from a source under which deciding raises."""
    logs = {
        tp: [_by_bad_source(message, chance) for message in messages]
        if tp[0] == topics.TOUCHPOINTS.name
        else messages
        for tp, messages in scenario.sources.items()
    }
    return replace(scenario, sources=logs)


def _by_bad_source(message: Message, chance: random.Random) -> Message:
    if message.key == CLOCK_KEY or chance.random() > SHARE or not message.value:
        return message
    ts = message.timestamp or 0
    if isinstance(decode(message.value, topics.TOUCHPOINTS.name, ts, EARLIEST), Unreadable):
        return message
    fields = orjson.loads(message.value) | {"media_source": BAD_SOURCE}
    return message._replace(value=orjson.dumps(fields))


def with_bug(rules: StageRules) -> StageRules:
    given = {name: getattr(rules.attribution, name) for name in structs.asdict(rules.attribution)}
    return replace(rules, attribution=PoisonedRules(**given))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.stories.poison")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    chosen = parser.parse_args()
    aside, failed = Counter[str](), 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        try:
            aside += run_poisoned(seed)
        except Exception as error:  # Whatever it is, the seed has found it.
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:800]}", flush=True)
    for name, times in sorted(aside.items()):
        print(f"{times:>8} {name}")
    print(f"{chosen.count} seeds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
