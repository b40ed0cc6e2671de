"""Learns one declared target from one ordered log, and publishes gated versions of its models.

Each block is predicted before it is learned: by the champion and every challenger, by the champion
with only what was known at the install, by shrunk rates and by one rate per bin. By that evidence
versions are judged, and challengers compared with the champion.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np

from online_models.challengers.challengers import Challengers
from online_models.drift.watch import DriftWatch
from online_models.estimators.target_classifier import TargetClassifier
from online_models.hazard.evidence_decay import forget_evidence
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import HazardModel
from online_models.hazard.packed import PackedAsk
from online_models.hazard.persistence import dump_hazard_scorer, load_hazard_scorer
from online_models.hazard.rules import Numbers
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import (
    BlockSums,
    Evidence,
    answered_where,
    block_sums,
    figures_of,
    forget_old,
    target_evidence,
)
from online_models.learning.example_block import (
    ActivityRows,
    BlockColumns,
    ExampleCheck,
    bin_prior,
    groups_of,
    last_of,
    origin_of,
    prequential_block,
)
from online_models.learning.example_learner import ExampleLearner
from online_models.learning.gates import (
    better_challenger,
    deserves_suspension,
    gate_target,
    is_finite,
    shift_of,
)
from online_models.learning.learner import Version
from online_models.learning.learner_parts import dump_target_learner, fill_target_learner
from online_models.learning.residual_watch import COMPARED_EVERY, LearnedBlock, watch_residuals
from online_models.learning.rules import LearnerRules
from online_models.learning.verdicts import Publication, Refusal, Verdict
from online_models.persistence.envelope import Unusable, renamed, version_name
from online_models.quality.horizon_evidence import immature_horizons, stretches_of
from online_models.scoring.shrunk_rates import ShrunkRates, dump_rates
from schemas.records import Example

CHECK_SET_EVERY = 8
"""One example in so many enters the shift-check set."""


class TargetLearner(ExampleLearner[HazardScorer]):
    """The models of one target and all that decides their next versions."""

    rules: LearnerRules

    def __init__(self, target: str, rules: LearnerRules, kernel: Kernel | None = None) -> None:
        super().__init__(rules)
        self.target = target
        self.kernel = kernel
        by_name = rules.with_challengers()
        self.names = [name for name, _ in by_name]
        self.models = [HazardModel(own, kernel) for _, own in by_name]
        self.champion_model = 0  # index into `models`
        self.rates = ShrunkRates(rules.of_rates())
        self.base = bin_prior(rules.hazard)
        self.blocks: deque[BlockSums] = deque(maxlen=max(rules.window, rules.window_max))
        self.shift_check: deque[PackedAsk] = deque(maxlen=rules.shift_check_max)
        self.drift = DriftWatch(rules.drift)
        self._learned_blocks: list[LearnedBlock] = []
        self.beside: list[Publication] = []
        """What was published along with the version tried last, without a gate."""
        self._check = ExampleCheck(rules.hazard.shape)
        self._cells = ActivityRows(rules.hazard.slots, rules.hazard.seed)
        self._stretches = stretches_of(rules.hazard.shape)
        self.river = Challengers(target, rules.river, rules.hazard, rules.window)

    @property
    def model(self) -> HazardModel:
        """The champion."""
        return self.models[self.champion_model]

    @property
    def estimator(self) -> TargetClassifier:
        """The champion as a River classifier, while it learns."""
        return TargetClassifier.of(self.model)

    @property
    def skipped(self) -> int:
        """Examples whose bin or landmark does not exist, and rows whose features are unusable."""
        return self.counts.skipped + self.model.counts.skipped

    @property
    def rates_model(self) -> str:
        """Name of the model of shrunk rates."""
        return f"{self.target}/rates"

    def taken(self) -> list[LearnedBlock]:
        blocks, self._learned_blocks = self._learned_blocks, []
        return blocks

    def learn(self, records: Iterable[Example]) -> list[Verdict]:
        verdicts = super().learn(records)
        return [*self.river.suspensions(), *verdicts] if self.river else verdicts

    def lead(self, challenger: str) -> bool:
        if challenger not in self.names:
            return self.river.lead(challenger)
        self.river.leader = ""
        self.champion_model = self.names.index(challenger)
        self.previous = None
        self.counts.published_at = self.counts.seen  # What was compared was another model.
        return True

    def evidence(self) -> Evidence:
        """Of all tiers and models, over the last blocks."""
        rules, counts = self.rules, self.counts
        since = (counts.seen - counts.published_at) // rules.block
        return target_evidence(self.blocks, self.names, self.champion_model, since)

    def published(self) -> list[Publication]:
        last, name = self.champion, self.names[self.champion_model]
        own = [Publication(self.target, last.name, last.content, name)] if last else []
        leading = self.river.lead_version(self.rules.promotion) if self.river.leader else None
        if isinstance(leading, Publication):
            own.append(leading)
        return [*own, *self.beside]

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        return dump_target_learner(self) | self.river.dump()

    def restored(self, parts: Mapping[str, bytes]) -> TargetLearner | Unusable:
        fresh = TargetLearner(self.target, self.rules, self.kernel)
        fresh.river.clock = self.river.clock
        fresh.river.fill(parts)
        return fill_target_learner(fresh, parts) or fresh

    def _learn_block(self, block: list[Example]) -> None:
        counts = self.counts
        counts.seen += len(block)
        counts.time = max(one.matured_at for one in block)
        valid, columns = self._check.valid_of(block)
        counts.skipped += len(block) - len(valid)
        counts.positives += int(np.count_nonzero(columns.label_of))
        by_rates = self._learn_rates(valid, columns)
        groups = groups_of(valid)
        live = self.champion
        by_published = live.scorer.hazards_of_bins(groups) if live else None
        by_model = [model.learn_packed(groups) for model in self.models]
        own = by_model[self.champion_model]
        base: Numbers = self.base[:, 1] / self.base[:, 0]  # one rate per bin
        stretches, predicted = self._stretches, (own, by_model)
        rows = prequential_block(columns, predicted, by_rates, base, by_published, stretches)
        self.blocks.append(block_sums(rows))
        forget_old(self.blocks, self.rules.window, self.rules.window_positives)
        if self.river:
            self.river.learn(valid, own, by_rates, base)
        self._learn_base(columns)
        refused = self.drift.counts.refused
        if alarms := watch_residuals(self.drift, self.target, valid, own):
            for model in self.models:
                forget_evidence(model)
        is_compared = counts.seen // len(block) % COMPARED_EVERY == 0
        self._learned_blocks.append(
            LearnedBlock(
                target=self.target,
                rows=rows if is_compared else None,
                alarms=alarms,
                refused=self.drift.counts.refused - refused,
            )
        )
        for example in valid[::CHECK_SET_EVERY]:
            if example.snapshots:
                last = last_of(example)
                asked = PackedAsk(last.slots, last.values, last.landmark, example.platform)
                self.shift_check.append(asked)

    def _learn_rates(self, examples: list[Example], columns: BlockColumns) -> Numbers:
        """The hazard of each row by shrunk rates, before it was learned."""
        learn = self.rates.learn
        by_example = [learn(origin_of(one), one.bin, one.label) for one in examples]
        return self._cells.learn(self.rates.activity, examples, columns, by_example)

    def _learn_base(self, columns: BlockColumns) -> None:
        bins, labels = columns.bin_of, columns.label_of.astype(np.float64)
        shape, before = self.rules.hazard.shape, self.base[:, 0].copy()
        self.base[:, 0] += np.bincount(bins, minlength=len(self.base))
        self.base[:, 1] += np.bincount(bins, labels, len(self.base))
        old = immature_horizons(shape, before)
        self.has_matured = old != immature_horizons(shape, self.base[:, 0])

    def _try_versions(self) -> list[Verdict]:
        verdicts: list[Verdict] = []
        evidence, promotion = self.evidence(), self.rules.promotion
        champion = self.names[self.champion_model]
        better = better_challenger(self.target, evidence, self.names, champion, promotion)
        if better is not None:
            self.lead(better.challenger)
            verdicts.append(better)
            evidence = self.evidence()
        verdicts += self.river.try_versions(self.names[self.champion_model], promotion)
        if self.river.leader:
            self.rates.answers = frozenset()
            verdicts.append(self.river.lead_version(promotion))
        else:
            verdicts.append(self._try_champion(evidence))
        self.beside = self._others(evidence)
        return [*verdicts, *self.beside]

    def _try_champion(self, evidence: Evidence) -> Verdict:
        rules = self.rules.gate
        candidate = self._version(self.target, self.model)
        earlier = self.previous
        shift = shift_of(candidate.scorer, earlier.scorer, self.shift_check) if earlier else None
        learned = self.counts.positives
        asked = self._answered_where(evidence)
        rejected = gate_target(
            candidate.scorer, learned, asked, shift, rules, is_first=self.champion is None
        )
        self.previous = candidate
        name, figures = self.names[self.champion_model], figures_of(evidence)
        figures["positives_learned"] = float(learned)
        if shift is not None:
            figures |= {"log_odds_shift_p99": shift.log_odds_p99, "stability": shift.stability}
        if rejected is None:
            parent = self.champion.name if self.champion else ""
            self.champion = candidate
            self.counts.published_at = self.counts.seen
            content = candidate.content
            return Publication(self.target, candidate.name, content, name, parent, figures)
        suspends = self.champion is not None and deserves_suspension(asked, rules)
        if suspends:
            self.champion = None
            self.rates.answers = frozenset()
        return Refusal(
            model=self.target,
            version=candidate.name,
            reason=rejected.reason,
            challenger=name,
            figures=figures,
            suspends=suspends,
        )

    def _answered_where(self, evidence: Evidence) -> Evidence:
        """Decide for which horizons rates answer: the evidence by which the model is judged."""
        gate, shape, counts = self.rules.gate, self.rules.hazard.shape, self.counts
        since = (counts.seen - counts.published_at) // self.rules.block
        self.rates.answers, asked = answered_where(
            (evidence, self.blocks, since),
            [horizon.name for horizon in shape.horizons],
            immature_horizons(shape, self.base[:, 0]),
            margin=gate.live_margin,
            is_proven=counts.positives >= gate.proven_positives,
        )
        return asked

    def _version(self, model: str, of: HazardModel) -> Version[HazardScorer]:
        snapshot = dump_hazard_scorer(of)
        scorer = load_hazard_scorer(snapshot.content, of.rules, kernel=of.scorer.kernel)
        if isinstance(scorer, Unusable):  # Weights that are not finite: the gate refuses them.
            scorer = of.scorer
        return Version(renamed(model, snapshot), snapshot.content, scorer)

    def _others(self, evidence: Evidence) -> list[Publication]:
        """Shrunk rates, which need no gate; and the best challenger, unless it is shown
        worse than they are, or has learned too few positives."""
        content = dump_rates(self.rates)
        checksum = hashlib.sha256(content).digest()
        rates = version_name(self.rates_model, self.rates.rows, checksum)
        learned = {"positives_learned": float(self.counts.positives)}
        beside = [Publication(self.rates_model, rates, content, figures=learned)]
        others = [name for name in self.names if name != self.names[self.champion_model]]
        if others:
            best = min(others, key=lambda name: evidence.log_loss[f"contestant:{name}"])
            is_worse = evidence.models_over_rates[best].is_shown_worse
            has_learned = self.counts.positives >= self.rules.gate.positives_min
            model, of = f"{self.target}/challenger", self.models[self.names.index(best)]
            version = self._version(model, of)
            if has_learned and not is_worse and is_finite(version.scorer):
                beside.append(
                    Publication(model, version.name, version.content, best, figures=learned)
                )
        return beside
