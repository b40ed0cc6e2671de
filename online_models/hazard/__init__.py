"""The discrete-hazard model of a target: one logistic regression over bins for every horizon."""

__all__ = [
    "bins",
    "contributions",
    "encoding",
    "evidence_decay",
    "kernel",
    "kernel_numba",
    "kernel_numpy",
    "model",
    "packed",
    "persistence",
    "rules",
    "scorer",
]
