"""River classifiers that are declared as challengers: they learn, are judged, and may lead."""

__all__ = [
    "challenger_file",
    "challengers",
    "declaration",
    "new_estimator",
    "persistence",
    "plain_state",
    "river_challenger",
    "river_scorer",
    "row_features",
    "state_size",
    "target_scorer",
]
