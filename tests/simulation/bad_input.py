"""Valid events, mutated towards what producers get wrong, through all stages; the ledger judges.

`python -m tests.simulation.bad_input --inputs 1000000` runs that many, batch by batch; each batch
is a seed, and `--seed N` runs one alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

import msgspec

from schemas import topics
from schemas.time import DAY_MS
from streams.stages.common.observer import StageObserver
from streams.stages.contract import CLOCK_KEY, Message
from tests.schemas.mutations import NOW, TAGS, VALID, Payload, mutated, topic_of
from tests.simulation.oracle import invariants, projection
from tests.simulation.oracle.projection import Tables
from tests.simulation.scenarios.scenario import Logs, Scenario
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology

PARTITIONS = 2
BATCH = 1_000
_IDS = {
    "event_id": 400,
    "customer_user_id": 200,
    "install_id": 40,
    "touch_id": 40,
    "click_id": 40,
    "transaction_id": 40,
}
"""How many different ids of each kind a batch has."""


def scenario_of(seed: int, inputs: int) -> Scenario:
    """Mutated events of every type, which meet under few ids, and copies of some."""
    chance = random.Random(f"bad input {seed}")
    sources: Logs = {(topic.name, p): [] for topic in topics.SOURCES for p in range(PARTITIONS)}
    ts = NOW
    sent: list[tuple[str, bytes]] = []
    for _ in range(inputs):
        ts += chance.choice((0, 1, 50, 2_000, 600_000))
        if sent and chance.random() < 0.05:
            topic, value = chance.choice(sent[-50:])
        else:
            tag = chance.choice(TAGS)
            topic, value = topic_of(tag), _written(_met(tag, ts, chance), chance)
            sent.append((topic, value))
        key = chance.choice((b"k", b"", None))
        sources[topic, chance.randrange(PARTITIONS)].append(Message(key, value, ts))
    ends_at = ts + 40 * DAY_MS
    for messages in sources.values():
        messages.append(Message(CLOCK_KEY, b"", ends_at))
    return Scenario(PARTITIONS, sources, ends_at)


def _met(tag: str, ts: int, chance: random.Random) -> Payload:
    """A valid event of now, under ids that others have as well, and then mutated."""
    payload = dict(chance.choice(VALID[tag]))
    payload["event_time"] = ts - chance.choice((0, 1_000, 90_000, DAY_MS))
    for name, count in _IDS.items():
        if name in payload:
            payload[name] = f"{name}-{chance.randrange(count)}"
    for name in ("gaid", "idfa", "idfv", "oaid"):
        if name in payload:
            payload[name] = f"38400000-8cf0-11bd-b23e-{chance.randrange(300):012x}"
    return mutated(tag, payload, chance)


def _written(payload: Payload, chance: random.Random) -> bytes:
    """As bytes, now and then damaged."""
    value = msgspec.json.encode(payload)
    if chance.random() < 0.02:
        place = chance.randrange(len(value))
        damage = chance.choice((b"", b"\0", b"\xff", b'"', b"{}"))
        value = value[:place] + damage + value[place + 1 :]
    return value


def check_batch(seed: int, inputs: int) -> Counter[str]:
    """LawBrokenError, or any other exception, when an input is lost or counted twice."""
    scenario = scenario_of(seed, inputs)
    run = Topology(scenario, stage_rules(seed), seed, StageObserver())
    run.run_undisturbed()
    stored = projection.tables(run.warehouse.rows)
    invariants.check_rest(run)
    invariants.check_accounting(stored, scenario)
    fates = projection.final_dispositions(stored["ledger"])
    _check_once(stored)
    return Counter(fates.values())


def _check_once(stored: Tables) -> None:
    """No outcome of an app and environment is written twice under its id."""
    for topic, name in (("attributions", "attribution_id"), ("revenue", "booking_id"),
                        ("parked", "parked_id")):  # fmt: skip
        ids = Counter((row["app_id"], row["environment"], row[name]) for row in stored[topic])
        repeats = {place: count for place, count in ids.items() if count > 1}
        invariants.demand(not repeats, f"bad input: {topic} names an id twice", repeats)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.bad_input")
    parser.add_argument("--inputs", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    started, fates, failed = time.perf_counter(), Counter[str](), 0
    batches = -(-chosen.inputs // BATCH)
    for seed in range(chosen.seed, chosen.seed + batches):
        try:
            fates += check_batch(seed, BATCH)
        except Exception as error:  # Whatever it is, the batch has found it.
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {str(error)[:500]}", flush=True)
        if (seed - chosen.seed) % 50 == 49:
            seconds = time.perf_counter() - started
            done = (seed - chosen.seed + 1) * BATCH
            print(f"{done} inputs, {seconds:.0f} s, {failed} failed", flush=True)
    print(f"{batches * BATCH} inputs: {dict(fates)}, {failed} of {batches} batches failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
