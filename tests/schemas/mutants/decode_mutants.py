"""Millions of mutants of valid events through `decode`: each is a value, and none costs much.

`python -m tests.schemas.mutants.decode_mutants --inputs 10000000` prints a JSON verdict. A
mutant is an event or a refusal of the contract, never an exception; what is read can be written
again; and no message costs more CPU or memory than its size allows.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.decode import DETAIL_CHARS_MAX, MESSAGE_BYTES_MAX, Defect, Unreadable, decode
from schemas.events import TYPES_BY_TOPIC
from tests.schemas.mutants.byte_mutations import BULK, damaged, swollen
from tests.schemas.mutations import NOW, TAGS, VALID, mutated, topic_of

TOPICS = sorted(TYPES_BY_TOPIC)
EARLIEST = 1_262_304_000_000
LARGE_ONE_IN = 20_000
"""So many mutants are of up to a message's largest size once."""
SECONDS_MAX = 0.05
SECONDS_PER_MIB = 1.0
"""CPU that one message may take: of the first so much whatever its size, and more by its size."""
GROWTH_MIB_MAX = 150
"""Memory that all mutants together may take beside the program's own."""
SHOWN_MAX = 5
_encode = msgspec.json.Encoder().encode


def mutants(seed: int, inputs: int) -> Iterator[tuple[bytes, str]]:
    """Bytes, and the topic on which they come; the same for the same seed."""
    chance, made = random.Random(f"mutants {seed}"), 0
    while made < inputs:
        tag = chance.choice(TAGS)
        topic = topic_of(tag)
        fields = mutated(tag, chance.choice(VALID[tag]), chance)
        raw = msgspec.json.encode(fields)
        family = [raw, *(damaged(raw, chance) for _ in range(7))]
        if chance.random() < 8 / LARGE_ONE_IN:
            octets = chance.choice((1_000, 60_000, MESSAGE_BYTES_MAX - 5_000, MESSAGE_BYTES_MAX))
            family.append(swollen(raw, octets, chance.choice(BULK)))
        for one in family[: inputs - made]:
            yield one, topic if chance.random() < 0.9 else chance.choice(TOPICS)
        made += len(family)


class Judge:
    """Decodes mutants, and keeps what should not have happened."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.amiss: list[str] = []
        self.slowest = 0.0

    def take(self, raw: bytes, topic: str) -> None:
        began = time.thread_time()
        try:
            answer = decode(raw, topic, NOW, EARLIEST)
            if not isinstance(answer, Unreadable):
                _encode(answer)
        except Exception as error:  # Whatever it is, the mutant has found it.
            self._note(f"{type(error).__name__}: {error}", raw, topic)
            return
        seconds = time.thread_time() - began
        self.slowest = max(self.slowest, seconds)
        if seconds > SECONDS_MAX + SECONDS_PER_MIB * len(raw) / MESSAGE_BYTES_MAX:
            self._note(f"{seconds:.3f} s of CPU", raw, topic)
        if not isinstance(answer, Unreadable):
            self.answers["read"] += 1
            if type(answer) not in TYPES_BY_TOPIC[topic]:
                self._note(f"{type(answer).__name__} on {topic}", raw, topic)
            return
        self.answers[answer.reason] += 1
        if answer.reason not in Defect or not 0 < len(answer.detail) <= DETAIL_CHARS_MAX:
            self._note(f"refused as {answer.reason}: {answer.detail[:80]}", raw, topic)

    def _note(self, what: str, raw: bytes, topic: str) -> None:
        self.answers["amiss"] += 1
        if len(self.amiss) < SHOWN_MAX:
            self.amiss.append(f"{what} of {len(raw)} bytes on {topic}: {raw[:2_000]!r}")


def peak_mib() -> int:
    """The most memory that this program has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024


def verdict(inputs: int, seed: int) -> dict[str, Any]:
    """Judge so many mutants; `"holds"` is whether every promise is kept."""
    judge, before, began, done = Judge(), peak_mib(), time.perf_counter(), 0
    for raw, topic in mutants(seed, inputs):
        judge.take(raw, topic)
        done += 1
        if done % 500_000 == 0:
            rate = done / (time.perf_counter() - began)
            print(f"{done:,} of {inputs:,}, {rate:,.0f}/s", file=sys.stderr, flush=True)
    seconds, growth = time.perf_counter() - began, peak_mib() - before
    return {
        "inputs": done,
        "seconds": round(seconds, 1),
        "answers": dict(judge.answers.most_common()),
        "slowest_ms": round(1_000 * judge.slowest, 1),
        "memory_growth_mib": growth,
        "amiss": judge.amiss,
        "holds": not judge.amiss and growth <= GROWTH_MIB_MAX,
    }


def main() -> int:
    """Run as asked, and print the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = verdict(asked.inputs, asked.seed)
    print(json.dumps(found))
    return 0 if found["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
