"""What a value model is told of the installs of a paying world, and the truth about them."""

from __future__ import annotations

from online_models.hazard.encoding import Encoder
from online_models.value.model import ValueRules
from online_models.value.shape import paid_features
from streams.lab.evaluation.replay.world_features import WorldFeatures
from streams.lab.evaluation.value.payment_table import PaymentTable, make_payment_table
from streams.lab.evaluation.value.value_replay import PackedFeatures
from streams.lab.simulator.paying_worlds import (
    PayingWorld,
    Spending,
    log_payments,
    logged_activity,
    make_paying_world,
    spend,
)


class ValueWorld:
    """A world with what is paid in it, as logged."""

    def __init__(self, name: str, disturbance: str, seed: int, installs: int) -> None:
        self.world: PayingWorld = make_paying_world(name, disturbance, seed, installs)
        self.spending: Spending = spend(self.world, seed)
        payments = log_payments(self.world, self.spending, seed)
        self.history: PaymentTable = make_payment_table(self.world.people.time, payments)
        self._features = WorldFeatures(self.world.people, logged_activity(self.world, seed))
        rules = ValueRules()
        self._encoder = Encoder(rules.slots, rules.seed)

    def features(self, install: int, landmark: int) -> PackedFeatures:
        history = self.history
        spent = float(history.spent[install, landmark])
        paid = paid_features(spent, int(history.payments[install, landmark]))
        packed = self._encoder.pack(self._features.at(install, landmark) | paid)
        return PackedFeatures(*packed, self._features.platforms[install])
