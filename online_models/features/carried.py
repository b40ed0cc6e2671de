"""Features at a landmark before which nothing new became known: they follow from earlier ones.

Three of four landmarks after the install are such. They have no row of features; whoever needs
theirs carries those of the last row forward, as the view `v_features` does.
"""

from __future__ import annotations

from collections.abc import Mapping

from online_models.scoring.landmarks import LANDMARKS

_INSTALL = LANDMARKS[0].name
_OF_ACTIVITY = ("sessions@", "events@", "active@", "event:")
_OF_NEWEST_BUCKET = ("new_sessions@", "new_event:")


def carried_features(
    features: Mapping[str, float], frozen_at: str, landmark: str
) -> dict[str, float]:
    """Features at `landmark` of an install of which nothing became known since its `features` were
    frozen at `frozen_at`; both are names of landmarks."""
    carried = {}
    for name, value in features.items():
        if name.startswith(_OF_ACTIVITY):
            counted, _, at = name.rpartition("@")
            carried[f"{counted}@{landmark}{at.removeprefix(frozen_at)}"] = value
        elif not name.startswith(_OF_NEWEST_BUCKET):
            carried[name] = value
    if frozen_at == _INSTALL:
        nothing = {f"sessions@{landmark}": 0.0, f"events@{landmark}": 0.0}
        carried |= {**nothing, f"active@{landmark}=0": 1.0}
    return carried
