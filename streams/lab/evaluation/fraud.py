"""How much fraud is found, and how many honest installs lose their credit for it.

Labelled traffic of two generators runs through the real stages under the default rules. Generator
`a` was looked at while thresholds were set, generator `b` was not. By default a site's history only
marks installs; figures count as if marked installs were rejected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from attribution.decision.fraud import REASONS, FraudRules
from schemas import topics
from schemas.outcomes import Attribution, FraudVerdict
from schemas.records import site_key
from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.fraud_worlds import (
    GENERATORS,
    FraudKind,
    Label,
    LabelledTraffic,
    make_traffic,
)
from streams.progress import Progress
from streams.replay.engine import Replay, SourceOrder
from streams.replay.memory_log import MemoryRecord
from streams.replay.run import counted
from streams.settings.tree import read_settings
from streams.stages.contract import CLOCK_KEY
from streams.wiring.parts import stage_rules
from streams.worker.observers import StageMetrics

FLOODING_INSTALLS_MIN = 50
_INJECTION = frozenset({"engagement_injection", "distribution_outlier"})


class _Receipt(msgspec.Struct, frozen=True):
    touch_id: str
    verdict: str
    rule: str


_receipts = msgspec.json.Decoder(list[_Receipt])
_attributions = msgspec.json.Decoder(Attribution)
_verdicts = msgspec.json.Decoder(FraudVerdict)


class Findings:
    """Current decisions, and the verdicts in force that rest on the history of a site."""

    def __init__(self, cut: float) -> None:
        self.decisions: dict[str, Attribution] = {}
        self.evictions = 0
        self._cut = cut
        self._by_site: dict[tuple[str, str, str], FraudVerdict] = {}

    def take(self, topic: str, records: Sequence[MemoryRecord]) -> None:
        if topic == topics.ATTRIBUTIONS.name:
            for record in records:
                row = _attributions.decode(record.value or b"")
                known = self.decisions.get(row.conversion_id)
                if known is None or known.version < row.version:
                    self.decisions[row.conversion_id] = row
        elif topic == topics.FRAUD_VERDICTS.name:
            for record in records:
                verdict = _verdicts.decode(record.value or b"")
                if verdict.stage == "site":
                    name = verdict.install_id, verdict.touch_id, verdict.reason
                    self._by_site[name] = verdict

    def site_verdicts(self) -> Iterator[FraudVerdict]:
        """Verdicts whose posterior reaches the threshold."""
        return (one for one in self._by_site.values() if one.value >= self._cut)

    def against(self) -> dict[tuple[str, str], set[str]]:
        """Reasons by install and touchpoint: those of rules, and of the history of its site."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in self.decisions.values():
            for receipt in _receipts.decode(row.candidates):
                if receipt.verdict == "rejected" and receipt.rule in REASONS:
                    found[row.install_id, receipt.touch_id].add(receipt.rule)
        for verdict in self.site_verdicts():
            found[verdict.install_id, verdict.touch_id].add(verdict.reason)
        return found


def evaluate_fraud(seed: int, events: int, advance: Progress) -> dict[str, Any]:
    """Figures by generator, for one JSON object; each generator writes `events` events."""
    found: dict[str, Any] = {
        name: evaluate_generator(name, seed, events, advance) for name in GENERATORS
    }
    return found | {"events": events, "seed": seed}


def evaluate_generator(name: str, seed: int, events: int, advance: Progress) -> dict[str, Any]:
    traffic = make_traffic(GENERATORS[name], seed, events)
    findings = decide_traffic(traffic, advance, f"generator {name}")
    return fraud_figures(traffic, findings)


def decide_traffic(traffic: LabelledTraffic, advance: Progress, step: str) -> Findings:
    findings = Findings(FraudRules().site_posterior_min)
    rules = stage_rules(read_settings({}))
    order = SourceOrder(partitions={(topic.name, 0) for topic in topics.SOURCES})
    replay = Replay(rules, findings.take, StageMetrics())
    replay.run(counted(_records(traffic), len(traffic.messages), advance, step), order)
    return findings


def fraud_figures(traffic: LabelledTraffic, findings: Findings) -> dict[str, Any]:
    against = findings.against()
    fakes = {
        (label.install_id, touch_id)
        for label in traffic.labels
        if label.cheating is FraudKind.CLICK_INJECTION
        for touch_id in label.fake_touch_ids
    }
    suspected = {name for name, reasons in against.items() if reasons & _INJECTION}
    sites = _sites(traffic, findings)
    clean = [one for one in traffic.labels if one.cheating is FraudKind.NONE and one.touch_id]
    rejected = [one for one in clean if _reasons(one, against) - {"click_flood"}]
    marked = [one for one in clean if _reasons(one, against)]
    return {
        "injection_recall": _share(len(suspected & fakes), len(fakes)),
        "injection_precision": _share(len(suspected & fakes), len(suspected)),
        "flooding_site_recall": _share(sites["found"], sites["flooding"]),
        "flooding_site_precision": _share(sites["found"], sites["suspected"]),
        "clean_rejected_share": _share(len(rejected), len(clean)),
        "clean_marked_share": _share(len(marked), len(clean)),
        "injected": len(fakes),
        "injected_missed": len(fakes - suspected),
        "flooding_sites": sites["flooding"],
        "clean_installs": len(clean),
        "site_posterior_min": FraudRules().site_posterior_min,
    }


def _sites(traffic: LabelledTraffic, findings: Findings) -> Counter[str]:
    """Sites with enough installs: how many flood, are suspected of it, and both (`found`)."""
    claimed: Counter[str] = Counter()
    for row in findings.decisions.values():
        claimed[site_key(row.app_id, row.media_source, row.site_id)] += 1
    large = {site for site, count in claimed.items() if count >= FLOODING_INSTALLS_MIN}
    suspected = {
        site_key(one.app_id, one.media_source, one.site_id)
        for one in findings.site_verdicts()
        if one.reason == "click_flood"
    }
    flooding = traffic.flooding_sites & large
    found: Counter[str] = Counter()
    found["flooding"] = len(flooding)
    found["found"] = len(flooding & suspected)
    found["suspected"] = len(suspected & large)
    return found


def _reasons(label: Label, against: dict[tuple[str, str], set[str]]) -> set[str]:
    return against.get((label.install_id, label.touch_id), set())


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 1.0


def _records(traffic: LabelledTraffic) -> Iterator[MemoryRecord]:
    """Messages of one partition with offsets, and clock ticks until every site is judged."""
    offsets: Counter[str] = Counter()
    for message in traffic.messages:
        offset = offsets[message.topic]
        offsets[message.topic] += 1
        yield MemoryRecord(message.topic, 0, offset, message.timestamp, message.key, message.value)
    for after in (2 * HOUR_MS, DAY_MS):
        offset = offsets[topics.INSTALLS.name]
        offsets[topics.INSTALLS.name] += 1
        time = traffic.end_ms + after
        yield MemoryRecord(topics.INSTALLS.name, 0, offset, time, CLOCK_KEY, b"")
