"""Learns the expected revenue of installs from one ordered log, and publishes gated versions.

Amounts have no entropy. A version is judged by its Poisson loss, p - y·ln p, which is least where
the mean is right whatever the distribution, against that of one mean per landmark and bucket; and
by the ratio of what it expects in total to what was paid.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from online_models.estimators.value_regressor import ValueRegressor
from online_models.features.frozen import whole
from online_models.hazard.kernel import Kernel
from online_models.hazard.rules import Numbers
from online_models.learning.evidence import ValueSums
from online_models.learning.example_learner import ExampleLearner
from online_models.learning.gates import ValueGateRules, gate_value
from online_models.learning.learner import Version
from online_models.learning.learner_parts import dump_value_learner, fill_value_learner
from online_models.learning.rules import PaceRules
from online_models.learning.verdicts import Publication, Refusal, Verdict, finite
from online_models.persistence.envelope import Unusable
from online_models.quality.paired_loss import PairedLoss, paired_loss
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import VALUE
from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow, ValueRules
from online_models.value.persistence import dump_value_scorer, load_value_scorer
from online_models.value.scorer import ValueScorer
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, bucket_ending_with, first_bucket
from schemas.records import Example

_MICROS = 1e6
EXPECTED_MIN = 1e-4
"""Smaller expected amounts count as this much, so that no row can cost an infinite loss."""
MEAN_PRIOR_ROWS = 20.0
SHIFT_CHECK_EVERY = 4
"""One row in so many enters the shift-check set."""


class ValueLearnerRules(PaceRules, frozen=True):
    """Of the learner of value."""

    value: ValueRules = ValueRules()
    mean: float = 0.05
    """Expected amount of a row before anything is learned, in the reporting currency."""
    gate: ValueGateRules = ValueGateRules()


class ValueLearner(ExampleLearner[ValueScorer]):
    """The model of value and all that decides its next version."""

    rules: ValueLearnerRules

    def __init__(self, rules: ValueLearnerRules, kernel: Kernel | None = None) -> None:
        super().__init__(rules)
        self.kernel = kernel
        self.estimator = ValueRegressor(rules.value, kernel)
        """What learns and what versions are copies of: a River regressor."""
        self.means = np.full(
            (len(LANDMARKS), len(VALUE_BUCKETS), 2), (MEAN_PRIOR_ROWS, MEAN_PRIOR_ROWS * rules.mean)
        )
        """Rows and amounts seen, landmark × bucket × 2."""
        self.blocks: deque[ValueSums] = deque(maxlen=rules.window)
        self.shift_check: deque[ValueAsk] = deque(maxlen=rules.shift_check_max)

    @property
    def model(self) -> ValueModel:
        """The model inside the estimator."""
        return self.estimator.model

    @property
    def skipped(self) -> int:
        """Examples whose step does not exist, and rows whose features or amounts are unusable."""
        return self.counts.skipped + self.model.counts.skipped

    def lead(self, challenger: str) -> bool:
        """False: value has one model alone."""
        return False

    def published(self) -> list[Publication]:
        last = self.champion
        return [Publication(VALUE, last.name, last.content)] if last else []

    def figures(self) -> dict[str, float]:
        """Evidence over the last blocks, by name."""
        kept = list(self.blocks)
        sums = [
            math.fsum(getattr(one, name) for one in kept) for name in ValueSums.__struct_fields__
        ]
        rows, with_revenue, actual, expected, loss, mean_loss = sums
        return finite(
            {
                "rows": rows,
                "with_revenue": with_revenue,
                "total_ratio": expected / actual if actual > 0.0 else math.nan,
                "poisson_loss": loss / rows if rows else math.nan,
                "poisson_loss:constant": mean_loss / rows if rows else math.nan,
            }
        )

    def _over_mean(self) -> PairedLoss:
        """Loss of the model over that of one mean per landmark and bucket."""
        return paired_loss((one.loss - one.mean_loss, one.rows) for one in self.blocks)

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        return dump_value_learner(self)

    def restored(self, parts: Mapping[str, bytes]) -> ValueLearner | Unusable:
        fresh = ValueLearner(self.rules, self.kernel)
        return fill_value_learner(fresh, parts) or fresh

    def _learn_block(self, block: list[Example]) -> None:
        counts = self.counts
        counts.seen += len(block)
        counts.time = max(one.matured_at for one in block)
        valid = [one for one in block if is_valid_value_example(one)]
        counts.skipped += len(block) - len(valid)
        counts.positives += sum(one.label for one in valid)
        self.estimator.develop(
            [
                StepRow(one.bin, one.amount_micros / _MICROS, one.spent_micros / _MICROS)
                for one in valid
            ]
        )
        rows = [row for number, one in enumerate(valid) for row in _rows_of(one, number)]
        if rows:
            self.blocks.append(self._sums(rows, self.estimator.learn_rows(rows)))
        for row in rows[::SHIFT_CHECK_EVERY]:
            self.shift_check.append(
                ValueAsk(row.slots, row.values, row.landmark, row.spent, row.platform)
            )

    def _sums(self, rows: Sequence[ValueRow], predicted: Numbers) -> ValueSums:
        """Also adds the rows to the means, after these have predicted."""
        actual = np.array([max(row.amount, 0.0) for row in rows])
        grid = np.array([(row.landmark, row.bucket) for row in rows], np.int64)
        at = (grid[:, 0], grid[:, 1])
        cells = self.means[at]
        mean = cells[:, 1] / cells[:, 0]
        np.add.at(self.means, at, np.stack([actual * 0 + 1, actual], axis=1))
        used = ~np.isnan(predicted)
        actual, predicted, mean = actual[used], predicted[used], mean[used]
        return ValueSums(
            rows=len(actual),
            with_revenue=int(np.count_nonzero(actual)),
            actual=float(actual.sum()),
            expected=float(predicted.sum()),
            loss=float(_losses(actual, predicted).sum()),
            mean_loss=float(_losses(actual, mean).sum()),
        )

    def _try_versions(self) -> list[Verdict]:
        return [self._try_version()]

    def _try_version(self) -> Verdict:
        snapshot = dump_value_scorer(self.model)
        name = snapshot.version
        scorer = load_value_scorer(snapshot.content, self.rules.value)
        figures, parent = self.figures(), self.champion.name if self.champion else ""
        if isinstance(scorer, Unusable):
            return Refusal(VALUE, name, scorer.reason, figures=figures)
        candidate = Version(name, snapshot.content, scorer)
        shift = self._shift(candidate)
        figures["log_amount_shift_p99"] = shift
        self.previous = candidate
        learned, over_mean = self.counts.positives, self._over_mean()
        figures["positives_learned"] = float(learned)
        rejected = gate_value(figures, learned, over_mean, shift, self.rules.gate)
        if rejected is not None:
            return Refusal(VALUE, name, rejected.reason, figures=figures)
        self.champion = candidate
        return Publication(VALUE, name, snapshot.content, parent=parent, figures=figures)

    def _shift(self, candidate: Version[ValueScorer]) -> float:
        """How far logarithms of expected day-90 revenue moved since the version tried last: 99th
        percentile over the shift-check set."""
        if self.previous is None or not self.shift_check:
            return 0.0
        before = self.previous.scorer.score_packed_many(list(self.shift_check))
        after = candidate.scorer.score_packed_many(list(self.shift_check))
        moved = sorted(
            abs(math.log((new.d90 + EXPECTED_MIN) / (old.d90 + EXPECTED_MIN)))
            for old, new in zip(before, after, strict=True)
            if old and new
        )
        return moved[int(0.99 * (len(moved) - 1))] if moved else 0.0


def is_valid_value_example(example: Example) -> bool:
    """Whether its step exists, and its bucket was ahead at every landmark of its snapshots."""
    if not 0 <= example.bin < len(VALUE_STEPS):
        return False
    bucket = bucket_ending_with(example.bin)
    if bucket is None or len(example.amounts_micros) != len(example.snapshots):
        return not example.snapshots
    return all(
        0 <= one.landmark < len(LANDMARKS) and first_bucket(one.landmark) <= bucket
        for one in example.snapshots
    )


def _rows_of(example: Example, number: int) -> list[ValueRow]:
    """Amounts in a bucket after each landmark; rows of one example share a group, `number`."""
    bucket = bucket_ending_with(example.bin)
    if bucket is None:
        return []
    return [
        ValueRow(
            slots=one.slots,
            values=one.values,
            landmark=one.landmark,
            bucket=bucket,
            amount=micros / _MICROS,
            spent=one.spent_micros / _MICROS,
            platform=example.platform,
            group=str(number),
        )
        for one, micros in zip(whole(example.snapshots), example.amounts_micros, strict=True)
    ]


def _losses(actual: Numbers, expected: Numbers) -> Numbers:
    """Poisson loss of each row, but for a term that depends on `actual` alone."""
    bounded = np.maximum(expected, EXPECTED_MIN)
    losses: Numbers = bounded - actual * np.log(bounded)
    return losses
