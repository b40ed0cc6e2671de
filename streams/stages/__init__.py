"""The stages: deterministic state machines that each decide over one ordered log.

Records flow from intake through matching to journeys; sites and journeys send each other records;
learning reads examples. `contract` is the interface to the runtime; `factory` makes stages.
"""

__all__ = [
    "common",
    "contract",
    "factory",
    "intake",
    "journeys",
    "learning",
    "matching",
    "sites",
    "stored_formats",
]
