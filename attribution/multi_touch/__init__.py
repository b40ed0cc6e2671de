"""Multi-touch attribution: credit shared among all touchpoints, beside the single-winner waterfall.

`paths` holds aggregated customer paths: a sequence of channels, how often it converted, with which
value, and how often it did not. `heuristics`, `markov` and `shapley` credit such paths as a whole.
`shares` credits a single conversion; it needs only its own touchpoints, and weights learned from
paths.
"""

__all__ = ["heuristics", "markov", "models", "paths", "shapley", "shares"]
