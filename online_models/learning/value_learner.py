"""Learns what installs are worth from one ordered log, and publishes gated versions of it.

Amounts have no entropy. A version is judged by its Poisson loss, p - y·ln p, which is least where
the mean is right whatever the distribution, beside that of one mean for everybody; and by how
much it expects in all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from online_models.features.frozen import whole
from online_models.hazard.kernel import Kernel
from online_models.hazard.rules import Numbers
from online_models.learning.evidence import ValueSums
from online_models.learning.example_learner import ExampleLearner
from online_models.learning.learner import Version
from online_models.learning.learner_parts import dump_value_learner, fill_value_learner
from online_models.learning.rules import PaceRules
from online_models.learning.verdicts import Publication, Refusal, Verdict, finite
from online_models.persistence.envelope import Unusable
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import VALUE
from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow, ValueRules
from online_models.value.persistence import dump_value_scorer, load_value_scorer
from online_models.value.scorer import ValueScorer
from online_models.value.shape import VALUE_BUCKETS, VALUE_STEPS, bucket_ending_with, first_bucket
from schemas.records import Example

_MICROS = 1e6
EXPECTED_MIN = 1e-4
"""Expected amounts count as no less, so that one surprise cannot cost an infinite loss."""
MEAN_PRIOR_ROWS = 20.0
GOLDEN_EVERY = 4  # of so many examples one gives a golden snapshot


class ValueGateRules(Struct, frozen=True):
    loss_over_mean: float = 0.02
    """Of the loss of one mean for everybody."""
    ratio_min: float = 0.5
    ratio_max: float = 2.0
    ratio_rows: int = 200
    """Rows with revenue, without which totals say nothing."""
    shift: float = 1.5
    """99th percentile of how far the logarithm of expected day-90 revenue may move; not while
    the model is young, or a bucket has just begun to answer."""
    young_rows: int = 200_000


class ValueLearnerRules(PaceRules, frozen=True):
    value: ValueRules = ValueRules()
    mean: float = 0.05
    """Expected of a row before anything is learned."""
    gate: ValueGateRules = ValueGateRules()


class ValueLearner(ExampleLearner[ValueScorer]):
    """The model of value and all that decides its next version."""

    rules: ValueLearnerRules

    def __init__(self, rules: ValueLearnerRules, kernel: Kernel | None = None) -> None:
        super().__init__(rules)
        self.kernel = kernel
        self.model = ValueModel(rules.value, kernel)
        self.means = np.full(
            (len(LANDMARKS), len(VALUE_BUCKETS), 2), (MEAN_PRIOR_ROWS, MEAN_PRIOR_ROWS * rules.mean)
        )
        """Rows and amounts."""
        self.blocks: deque[ValueSums] = deque(maxlen=rules.window)
        self.golden: deque[ValueAsk] = deque(maxlen=rules.golden_max)

    @property
    def skipped(self) -> int:
        """Examples of no step, and rows whose features or amounts are no numbers."""
        return self.counts.skipped + self.model.counts.skipped

    def lead(self, contestant: str) -> bool:
        """There are no others."""
        return False

    def published(self) -> list[Publication]:
        """What would be live by now, again."""
        last = self.champion
        return [Publication(VALUE, last.name, last.content)] if last else []

    def figures(self) -> dict[str, float]:
        """Evidence over the last blocks."""
        kept = list(self.blocks)
        sums = [
            math.fsum(getattr(one, name) for one in kept) for name in ValueSums.__struct_fields__
        ]
        rows, with_revenue, came, expected, loss, mean_loss = sums
        return finite(
            {
                "rows": rows,
                "with_revenue": with_revenue,
                "total_ratio": expected / came if came > 0.0 else math.nan,
                "poisson_loss": loss / rows if rows else math.nan,
                "poisson_loss:constant": mean_loss / rows if rows else math.nan,
            }
        )

    def dump(self, known: Mapping[str, bytes]) -> dict[str, bytes]:
        return dump_value_learner(self)

    def restored(self, parts: Mapping[str, bytes]) -> ValueLearner | Unusable:
        fresh = ValueLearner(self.rules, self.kernel)
        return fill_value_learner(fresh, parts) or fresh

    def _learn_block(self, block: list[Example]) -> None:
        counts = self.counts
        counts.seen += len(block)
        counts.time = max(one.matured_at for one in block)
        sound = [one for one in block if is_valid_value_example(one)]
        counts.skipped += len(block) - len(sound)
        counts.positives += sum(one.label for one in sound)
        self.model.develop(
            [
                StepRow(one.bin, one.amount_micros / _MICROS, one.spent_micros / _MICROS)
                for one in sound
            ]
        )
        rows = [row for number, one in enumerate(sound) for row in _rows_of(one, number)]
        if rows:
            self.blocks.append(self._sums(rows, self.model.learn(rows)))
        for row in rows[::GOLDEN_EVERY]:
            self.golden.append(
                ValueAsk(row.slots, row.values, row.landmark, row.spent, row.platform)
            )

    def _sums(self, rows: Sequence[ValueRow], told: Numbers) -> ValueSums:
        came = np.array([max(row.amount, 0.0) for row in rows])
        places = np.array([(row.landmark, row.bucket) for row in rows], np.int64)
        cells = self.means[places[:, 0], places[:, 1]]
        mean = cells[:, 1] / cells[:, 0]
        np.add.at(self.means, (places[:, 0], places[:, 1]), np.stack([came * 0 + 1, came], axis=1))
        used = ~np.isnan(told)
        came, told, mean = came[used], told[used], mean[used]
        return ValueSums(
            rows=len(came),
            with_revenue=int(np.count_nonzero(came)),
            came=float(came.sum()),
            expected=float(told.sum()),
            loss=float(_losses(came, told).sum()),
            mean_loss=float(_losses(came, mean).sum()),
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
        reason = self._rejected(figures, shift)
        if reason:
            return Refusal(VALUE, name, reason, figures=figures)
        self.champion = candidate
        return Publication(VALUE, name, snapshot.content, parent=parent, figures=figures)

    def _rejected(self, figures: dict[str, float], shift: float) -> str:
        """Why it may not be published; empty: it may."""
        gate = self.rules.gate
        loss = figures.get("poisson_loss", math.nan)
        mean = figures.get("poisson_loss:constant", math.nan)
        if not loss - mean <= gate.loss_over_mean * abs(mean):
            return f"Poisson loss {loss:.4f} is above that of one mean for all, {mean:.4f}"
        ratio = figures.get("total_ratio", 1.0)
        enough = figures["with_revenue"] >= gate.ratio_rows
        if enough and not gate.ratio_min <= ratio <= gate.ratio_max:
            return (
                f"expected {ratio:.2f} times what came, allowed {gate.ratio_min:.2f} to "
                f"{gate.ratio_max:.2f}"
            )
        if shift > gate.shift and self.model.counts.rows >= gate.young_rows:
            return f"expected amounts moved by a factor of {math.exp(shift):.1f}"
        return ""

    def _shift(self, candidate: Version[ValueScorer]) -> float:
        if self.previous is None or not self.golden:
            return 0.0
        before = self.previous.scorer.score_packed_many(list(self.golden))
        after = candidate.scorer.score_packed_many(list(self.golden))
        moved = sorted(
            abs(math.log((new.d90 + EXPECTED_MIN) / (old.d90 + EXPECTED_MIN)))
            for old, new in zip(before, after, strict=True)
            if old and new
        )
        return moved[int(0.99 * (len(moved) - 1))] if moved else 0.0


def is_valid_value_example(example: Example) -> bool:
    """Whether it belongs to the steps and buckets of value."""
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
    """What a bucket brought after each landmark; `number` keeps them together."""
    bucket = bucket_ending_with(example.bin)
    if bucket is None:
        return []
    return [
        ValueRow(
            one.slots, one.values, one.landmark, bucket, micros / _MICROS,
            one.spent_micros / _MICROS, example.platform, str(number),
        )
        for one, micros in zip(whole(example.snapshots), example.amounts_micros, strict=True)
    ]  # fmt: skip


def _losses(came: Numbers, expected: Numbers) -> Numbers:
    """Poisson loss of each row, but for a term of `came` alone."""
    bounded = np.maximum(expected, EXPECTED_MIN)
    lost: Numbers = bounded - came * np.log(bounded)
    return lost
