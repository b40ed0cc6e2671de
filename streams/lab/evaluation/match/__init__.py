"""How often the right touchpoint gets the credit, and how calibrated probabilistic matching is."""

__all__ = ["calibration", "history_fit", "known_matches", "live_figures", "match", "pair_figures"]
