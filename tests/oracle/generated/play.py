"""One seed: a rule set, a history, and its records in several orders of arrival."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules
from schemas.records import Installed, SiteVerdict
from tests.oracle.comparison import MATCH_TYPES, Truth, differences, row_differences, truth_of
from tests.oracle.generated.draws import draw
from tests.oracle.generated.random_source import RandomSource, Seeded, happens, shuffled
from tests.oracle.generated.router import Impatience, Record, Reported, Router, records_of
from tests.oracle.generated.rule_draws import draw_rules
from tests.oracle.history import History
from tests.oracle.rulebook import HOUR, Rulebook

RULE_SETS = 500


class Disagreement(NamedTuple):
    seed: int
    lines: list[str]


@lru_cache(maxsize=RULE_SETS)
def rule_set(number: int) -> tuple[Rulebook, Rules]:
    """One of the rule sets that histories share: reading one takes longer than a history."""
    book = draw_rules(Seeded(f"rules {number}"))
    return book, compiled(book)


def compiled(book: Rulebook) -> Rules:
    return read_rules(book.text(), Rules())


def play(seed: int, counts: Counter[str]) -> Disagreement | None:
    book, rules = rule_set(seed % RULE_SETS)
    random_source = Seeded(seed)
    history = draw(random_source, book)
    truth = truth_of(history, book)
    count(history, truth, counts)
    for arrived in (plain_order(history, random_source), rough_order(history, random_source)):
        reported = reported_by(arrived, rules)
        counts["orders"] += 1
        counts["versions"] += reported.versions
        if lines := differences(reported, truth):
            return Disagreement(seed, lines)
    if lines := row_differences(reported, truth, rules):
        return Disagreement(seed, lines)
    return None


def reported_by(arrived: list[Record], rules: Rules) -> Reported:
    router = Router(rules)
    router.feed(arrived)
    return router.reported()


def plain_order(history: History, random_source: RandomSource) -> list[Record]:
    """Everything once, in any order."""
    return causal(shuffled(random_source, records_of(history)))


def rough_order(history: History, random_source: RandomSource) -> list[Record]:
    """Some of it twice, and installs that decide before all answers are there."""
    records = records_of(history)
    twice = [record for record in records if happens(random_source, 25)]
    found: list[Record] = []
    for record in shuffled(random_source, records + twice):
        found.append(record)
        if isinstance(record, Installed) and happens(random_source, 30):
            found.append(Impatience(record.install_id, record.ts + 2 * HOUR))
    return causal(found)


def causal(records: list[Record]) -> list[Record]:
    """Nobody can judge an install before it is there: such verdicts come right after it."""
    known: set[str] = set()
    early: list[SiteVerdict] = []
    found: list[Record] = []
    for record in records:
        if isinstance(record, SiteVerdict) and record.install_id not in known:
            early.append(record)
            continue
        found.append(record)
        if isinstance(record, Installed):
            known.add(record.install_id)
            found += [one for one in early if one.install_id == record.install_id]
            early = [one for one in early if one.install_id != record.install_id]
    return found


def count(history: History, truth: Truth, counts: Counter[str]) -> None:
    """What this history exercises."""
    counts["histories"] += 1
    counts["touchpoints"] += len(history.shown)
    counts["sessions"] += len(history.visits)
    for verdict in truth.verdicts.values():
        counts["installs"] += 1
        counts[f"conversion_type.{verdict.conversion_type}"] += 1
        counts[f"match_type.{MATCH_TYPES[verdict.signal + 1]}"] += 1
        counts[f"contributors.{len(verdict.contributors)}"] += 1
        if verdict.fraud_reason:
            counts[f"winner.{verdict.fraud_status}.{verdict.fraud_reason}"] += 1
        if verdict.rejected_reason:
            counts[f"robbed.{verdict.rejected_reason}"] += 1
        for fate in verdict.receipts.values():
            counts[f"candidates.{fate}"] += 1
    for back in truth.returns.values():
        counts["reengagements"] += len(back)


class Part(NamedTuple):
    counts: Counter[str]
    found: list[Disagreement]


def played(seeds: range) -> Part:
    counts: Counter[str] = Counter()
    found = [one for seed in seeds if (one := play(seed, counts)) is not None]
    return Part(counts, found)
