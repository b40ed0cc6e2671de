"""The model that the learner of value holds, as a River regressor: the learner learns with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from river.base import Regressor

from online_models.estimators.hazard_classifier import RiverValue, numbers_of
from online_models.estimators.target_classifier import LANDMARK_KEY, PLATFORM_KEY
from online_models.hazard.encoding import Encoder
from online_models.hazard.kernel import Kernel
from online_models.hazard.rules import Numbers
from online_models.scoring.landmarks import LANDMARKS
from online_models.value.model import StepRow, ValueAsk, ValueModel, ValueRow, ValueRules
from online_models.value.shape import VALUE_BUCKETS, first_bucket

BUCKET_KEY, SPENT_KEY = "@bucket", "@spent"
"""Keys of a row beside its features, its landmark and its platform: the index of its bucket, and
what was paid before the landmark. Without them it is the first bucket, of who has paid nothing."""


class ValueRegressor(Regressor):  # type: ignore[misc]  # River publishes no types.
    """The amount paid in what is left of a bucket, as seen from a landmark.

    A row is a dict of features with the four keys above. One that cannot be used (a value that is
    not finite, a bucket that is over at its landmark) is not learned, and nothing is expected.
    Rows that are packed already, and many at a time, go through `learn_rows`.
    """

    def __init__(self, rules: ValueRules | None = None, kernel: Kernel | None = None) -> None:
        self.rules = rules
        self.kernel = kernel
        self.model = ValueModel(rules, kernel)
        self._encoder = Encoder(self.model.rules.slots, self.model.rules.seed)

    def learn_rows(self, rows: Sequence[ValueRow]) -> Numbers:
        """Learn packed rows in order: see `ValueModel.learn`."""
        return self.model.learn(rows)

    def develop(self, steps: Sequence[StepRow]) -> None:
        """Learn the growth of cohorts: see `ValueModel.develop`."""
        self.model.develop(steps)

    def learn_one(self, x: Mapping[str, RiverValue], y: float) -> None:
        """Learn one row."""
        row = self._row(x, float(y))
        if row is not None:
            self.model.learn_one(row)

    def predict_one(self, x: Mapping[str, RiverValue]) -> float:
        """The expected amount."""
        row = self._row(x, 0.0)
        if row is None:
            return 0.0
        ask = ValueAsk(row.slots, row.values, row.landmark, row.spent, row.platform)
        expected = float(self.model.scorer.by_bucket([ask])[0, row.bucket])
        return expected if math.isfinite(expected) else 0.0

    def _row(self, x: Mapping[str, RiverValue], amount: float) -> ValueRow | None:
        landmark = int(x.get(LANDMARK_KEY, 0))
        if not 0 <= landmark < len(LANDMARKS):
            return None
        first = first_bucket(landmark)
        bucket = int(x.get(BUCKET_KEY, first))
        if not first <= bucket < len(VALUE_BUCKETS):
            return None
        features = {name: value for name, value in x.items() if name not in _KEYS}
        return ValueRow(
            *self._encoder.pack(numbers_of(features)),
            landmark=landmark,
            bucket=bucket,
            amount=amount,
            spent=float(x.get(SPENT_KEY, 0.0)),
            platform=str(x.get(PLATFORM_KEY, "")),
        )


_KEYS = frozenset((LANDMARK_KEY, PLATFORM_KEY, BUCKET_KEY, SPENT_KEY))
