"""How well expected revenue is predicted, in simulated worlds and in recorded histories."""

__all__ = [
    "figures",
    "history",
    "history_evaluation",
    "payment_table",
    "value",
    "value_replay",
    "value_world",
]
