"""Credit shared among all touchpoints before a conversion, beside the single-winner waterfall.

`paths` are what a file or a table aggregates: a sequence of channels, how often it converted, what
that was worth, and how often it did not. `heuristics`, `markov` and `shapley` credit such paths as
a whole. `shares` credits one conversion, and needs no more than its own touchpoints and the
weights learned from paths.
"""
