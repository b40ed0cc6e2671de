"""What a value model gets to know of the installs of a paying world, and the truth about them."""

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
    """A paying world, what is paid in it, and what of that is logged when."""

    def __init__(self, name: str, disturbance: str, seed: int, installs: int) -> None:
        self.world: PayingWorld = make_paying_world(name, disturbance, seed, installs)
        self.spending: Spending = spend(self.world, seed)
        logged = log_payments(self.world, self.spending, seed)
        self.payments: PaymentTable = make_payment_table(self.world.people.time, logged)
        self._features = WorldFeatures(self.world.people, logged_activity(self.world, seed))
        rules = ValueRules()
        self._encoder = Encoder(rules.slots, rules.seed)

    def features(self, install: int, landmark: int) -> PackedFeatures:
        table = self.payments
        spent = float(table.spent[install, landmark])
        paid = paid_features(spent, int(table.payments[install, landmark]))
        packed = self._encoder.pack(self._features.at(install, landmark) | paid)
        return PackedFeatures(*packed, self._features.platforms[install])
