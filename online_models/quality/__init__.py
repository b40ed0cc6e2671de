"""Quality of predictions as their labels mature: calibration, figures, and the monitors of both."""

__all__ = [
    "calibration",
    "figures",
    "monitor",
    "monitors",
    "value_figures",
]
