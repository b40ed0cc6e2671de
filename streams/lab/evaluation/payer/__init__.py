"""How well payers are predicted, by the model, its tiers and its challengers.

`payer`, `calibration` and `tiers` evaluate simulated worlds, `history_evaluation` a recorded
history.
"""

__all__ = [
    "calibration",
    "charts",
    "history",
    "history_evaluation",
    "judged_predictions",
    "payer",
    "payer_log",
    "payer_models",
    "payer_replay",
    "river_challengers",
    "runs",
    "tiers",
]
