"""How often the right touchpoint gets the credit, and how calibrated probabilistic matching is.

Truth comes from the simulator, decisions from the real stages. In clean traffic the rules leave no
doubt: nobody cheats, and no touchpoint ranks before the one that caused the install. Accuracy is of
installs that share an id with that touchpoint, and of installs that nothing caused; all others can
only be guessed and are counted apart. `accuracy_standard` is of the standard mix, where some cheat
and the last touchpoint is not always the cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from schemas.outcomes import Attribution
from streams.lab.evaluation.match.known_matches import known_matches
from streams.lab.evaluation.match.live_figures import live_figures
from streams.lab.evaluation.match.pair_figures import known_answers, pair_figures
from streams.lab.simulator import Scenario, Truth, truths
from streams.lab.simulator.records import simulated_order, simulated_records
from streams.progress import Progress
from streams.replay.run import counted
from streams.replay.tally import Tally, tally
from streams.settings import read_settings
from streams.stages.factory import StageRules
from streams.wiring.parts import stage_rules

LATE_SHARE = 0.03
PAIR_EVENTS = 8
"""Probabilistic matching is evaluated on so many times the events, because few installs have
consent, a known answer and candidates."""
_HISTORY = {
    *("attribution_id", "version", "supersedes", "reason", "decided_at", "settles_at"),
    "source_offset",
}
# A touchpoint that changes nothing makes no new version, so a receipt may lack one that came late.
_RECEIPT = {"candidates", "contributors"}


@dataclass(frozen=True, slots=True)
class MatchAccuracy:
    """How many decisions about installs agree with the truth."""

    installs: int
    right: int
    unidentified: int  # no shared id: not judged

    @property
    def accuracy(self) -> float:
        return self.right / self.installs if self.installs else 1.0


def evaluate_match(seed: int, size: int, advance: Progress) -> dict[str, Any]:
    """Figures for one JSON object; `size` is events per simulation."""
    rules = stage_rules(read_settings({}))
    late = replace(Scenario.standard(size, seed), late_share=LATE_SHARE)
    clean_late = late.clean()
    clean = replace(clean_late, late_share=0.0)
    on_time = _decided(clean, rules, advance, "clean traffic")
    delayed = _decided(clean_late, rules, advance, "clean traffic, 3 % late")
    ordered = _decided(in_order(late), rules, advance, "standard traffic in order")
    disturbed = _decided(late, rules, advance, "standard traffic, 3 % late")
    judged, judged_late = _judge(on_time, truths(clean)), _judge(delayed, truths(clean_late))
    return {
        "accuracy": round(judged.accuracy, 6),
        "accuracy_late": round(judged_late.accuracy, 6),
        "accuracy_standard": round(_judge(disturbed, truths(late)).accuracy, 6),
        "decisions_changed_by_lateness": len(differences(disturbed, ordered)),
        "receipts_changed_by_lateness": len(differences(disturbed, ordered, with_receipts=True)),
        "installs": judged.installs,
        "installs_late": judged_late.installs,
        "wrong": judged.installs - judged.right,
        "wrong_late": judged_late.installs - judged_late.right,
        "unidentified": judged.unidentified,
        "conversions_compared": len(ordered.conversions),
        "corrections": disturbed.versions - len(disturbed.conversions),
        "evictions": sum(one.evictions for one in (on_time, delayed, ordered, disturbed)),
        **_pair_figures(
            replace(late, events=PAIR_EVENTS * size, tells_traits=True), rules, advance
        ),
        "events": size,
        "seed": seed,
    }


def _pair_figures(scenario: Scenario, rules: StageRules, advance: Progress) -> dict[str, Any]:
    answers = known_answers(truths(scenario))
    step = "probabilistic matching"
    records = counted(simulated_records(scenario), scenario.events, advance, step)
    known = list(known_matches(records, answers, rules))
    judged = live_figures(known, rules.attribution)
    return pair_figures(known, rules.attribution, scenario.seed) | judged


def in_order(scenario: Scenario) -> Scenario:
    """The same events, each once, logged the moment they happen."""
    return replace(scenario.ordered(), events=scenario.good)


def _judge(decided: Tally[Attribution], expected: Iterable[Truth]) -> MatchAccuracy:
    installs = right = unidentified = 0
    for truth in expected:
        if truth.touch_id is not None and not truth.shares_id:
            unidentified += 1
            continue
        installs += 1
        row = decided.conversions.get((truth.app_id, truth.install_id))
        right += row is not None and row.touch_id == (truth.touch_id or "")
    return MatchAccuracy(installs, right, unidentified)


def differences(
    left: Tally[Attribution], right: Tally[Attribution], *, with_receipts: bool = False
) -> list[str]:
    """Ids of conversions whose final decisions differ, however many versions led to them."""
    left_out = frozenset(_HISTORY if with_receipts else _HISTORY | _RECEIPT)
    ids = left.conversions.keys() | right.conversions.keys()
    return sorted(
        key[1]
        for key in ids
        if _decision(left.conversions.get(key), left_out)
        != _decision(right.conversions.get(key), left_out)
    )


def _decision(row: Attribution | None, left_out: frozenset[str]) -> dict[str, Any] | None:
    if row is None or row.status == "withdrawn":
        return None
    fields = msgspec.structs.asdict(row)
    return {name: value for name, value in fields.items() if name not in left_out}


def _decided(
    scenario: Scenario, rules: StageRules, advance: Progress, step: str
) -> Tally[Attribution]:
    records = counted(simulated_records(scenario), scenario.events, advance, step)
    return tally(records, simulated_order(scenario), rules, Attribution)
