"""Examples of the payer target as journeys would write them, from made-up installs."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from online_models.hazard.encoding import Encoder
from online_models.hazard.rules import HazardRules
from online_models.learning.gates import GateRules
from online_models.learning.rules import Challenger, LearnerRules
from schemas.records import Example, Frozen
from streams.lab.bench.hazard_rows import EPOCH_MS, hazard_rows

HAZARD = HazardRules(slots=2**10)
LENIENT = GateRules(
    positives_min=0,
    margin=99.0,
    proven_positives=0,
    calibration_positives=10**9,
    shift_positives=10**9,
)
RULES = LearnerRules(
    hazard=HAZARD,
    challengers=(Challenger("fast", 0.1),),
    block=10,
    first_publication=100,
    publish_every=100,
    publish_growth=0.0,
    publish_interval_ms=0,
    window=40,
    shift_check_max=64,
    gate=LENIENT,
)
"""Small and early, so that a few hundred examples show every step."""


@cache
def examples(count: int, seed: int = 1, hazard: HazardRules = HAZARD) -> tuple[Example, ...]:
    """In the order in which they mature; one a second of log time."""
    encoder = Encoder(hazard.slots, hazard.seed)
    made: list[Example] = []
    rows = hazard_rows(count * 4, seed)
    for (install_id, bin_), same in groupby(rows, key=lambda row: (row.group, row.bin)):
        of_install = list(same)
        first = of_install[0]
        named = {name.partition("=")[0]: name.partition("=")[2] for name in first.features}
        made.append(
            Example(
                target="payer",
                install_id=install_id,
                app_id="app.one",
                platform=first.platform,
                country_code=named.get("country", ""),
                media_source=named.get("source", ""),
                bin=bin_,
                label=first.label,
                matured_at=EPOCH_MS + 1000 * len(made),
                snapshots=[Frozen(row.landmark, *encoder.pack(row.features)) for row in of_install],
            )
        )
        if len(made) == count:
            return tuple(made)
    raise ValueError(f"{len(made)} examples, asked for {count}")
