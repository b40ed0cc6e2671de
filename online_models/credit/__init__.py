"""What moved a person to install: an additive hazard learned from exposures and intent.

People install at a rate that has two parts. One exists without advertising: it depends on how much
intent the person has shown by searching for the app or visiting the advertiser's own pages. The
other is the sum of what each touchpoint adds, fading with time. At an install, each part gets its
share of the rate as credit; the first part is organic.
"""

__all__ = [
    "counts",
    "exposures",
    "gates",
    "hazard",
    "hazard_fit",
    "learner",
    "learner_parts",
    "persistence",
    "window",
]
