"""Models behind River's interface: classifiers, a regressor, and a reference pipeline."""

__all__ = [
    "hazard_classifier",
    "reference_pipeline",
    "target_classifier",
    "value_regressor",
]
