"""Which labels may be learned while an experiment treats some of the installs.

A learner that takes treated installs for untreated overstates what those who are not treated will
pay, and quality views call it calibrated. So labels of the treated are left out from their
assignment on, and those of the control are learned as often as it takes to stand for all that are
assigned: left out alone, the treated would be missing among people like them. Scores stay those of
nobody treated.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.buckets import BUCKETS, bucket_of_id
from schemas.records import OUTCOMES_ALONE, Example, UnitAssignment

COPIES_MAX = 20
"""Most copies: a control of less than a twentieth does not stand for all that are assigned."""


def copies_of(index: int, control_share: float, salt: str, unit: str) -> int:
    """How often the labels of a unit are learned: of the treated never; of the control 1 / share on
    average, in whole numbers by a draw of the unit."""
    if index > 0:
        return 0
    draw = bucket_of_id(f"experiment-copies:{salt}", unit) / BUCKETS
    return min(int(1.0 / control_share + draw), COPIES_MAX)


def learned_labels(
    examples: Sequence[Example], assigned: Sequence[UnitAssignment]
) -> list[Example]:
    """The examples as they may be learned: labels of bins that begin before an assignment are not
    concerned by it; of outcomes alone it cannot be told, so they are taken to be."""
    kept: list[Example] = []
    for example in examples:
        newest = max((one.landmark for one in example.snapshots), default=-1)
        copies = 1
        for assignment in assigned:
            if example.bin == OUTCOMES_ALONE or newest >= assignment.landmark:
                copies *= assignment.copies
        kept += [example] * min(copies, COPIES_MAX)
    return kept
