"""The model that a learner of a target holds, as a River classifier: the same object, no copy."""

from __future__ import annotations

from collections.abc import Mapping

from river.base import Classifier

from online_models.estimators.hazard_classifier import RiverValue, numbers_of
from online_models.hazard.kernel import Kernel
from online_models.hazard.model import HazardModel, HazardRow, HazardRules

LANDMARK_KEY, BIN_KEY, PLATFORM_KEY = "@landmark", "@bin", "@platform"
"""Keys of a row beside its features: the index of its landmark and of its bin, and the platform.
Without them it is the first bin from the install on."""


class TargetClassifier(Classifier):  # type: ignore[misc]  # River publishes no types.
    """Whether the target happens in one bin, as seen from one landmark.

    A row is a dict of features with the three keys above. One that cannot be used (a value that is
    not finite, a bin that was over at its landmark) is not learned, and predicted by the prior.
    """

    def __init__(self, rules: HazardRules | None = None, kernel: Kernel | None = None) -> None:
        self.rules = rules
        self.kernel = kernel
        self._model = HazardModel(rules, kernel)

    @classmethod
    def of(cls, model: HazardModel) -> TargetClassifier:
        """Around a model that goes on learning elsewhere."""
        found = cls(model.rules, model.scorer.kernel)
        found._model = model
        return found

    def learn_one(self, x: Mapping[str, RiverValue], y: bool) -> None:
        """Learn one row."""
        row = self._row(x, bool(y))
        if row is not None:
            self._model.learn_one(row)

    def predict_proba_one(self, x: Mapping[str, RiverValue]) -> dict[bool, float]:
        """The probability of either label."""
        row = self._row(x, False)
        shape = self._model.rules.shape
        hazards = row and self._model.hazards(row.features, row.landmark, row.platform)
        if row and hazards:
            chance = hazards[row.bin - shape.first_bin(row.landmark)]
        else:
            chance = 1.0 - (1.0 - self._model.rules.prior) ** (1.0 / shape.bins)
        return {False: 1.0 - chance, True: chance}

    def _row(self, x: Mapping[str, RiverValue], label: bool) -> HazardRow | None:
        features = {name: value for name, value in x.items() if name not in _KEYS}
        shape = self._model.rules.shape
        landmark = int(x.get(LANDMARK_KEY, 0))
        if not 0 <= landmark < len(shape.landmarks):
            return None
        first = shape.first_bin(landmark)
        bin_ = int(x.get(BIN_KEY, first))
        if not first <= bin_ < shape.bins:
            return None
        platform = str(x.get(PLATFORM_KEY, ""))
        return HazardRow(numbers_of(features), landmark, bin_, label, platform)


_KEYS = frozenset((LANDMARK_KEY, BIN_KEY, PLATFORM_KEY))
