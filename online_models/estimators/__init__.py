"""Models behind River's interface: the hazard kernel as a classifier, and a reference pipeline."""

__all__ = [
    "hazard_classifier",
    "reference_pipeline",
    "target_classifier",
]
