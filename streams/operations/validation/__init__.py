"""What Headwater would make of the events in a file, said to the people who publish them.

The judgement is that of intake: `schemas.decode` decides, and everything here only explains it.
"""

from __future__ import annotations

from streams.operations.validation.input.submissions import Submission, Submissions
from streams.operations.validation.tally import VerdictTally
from streams.operations.validation.verdict import EventVerdict, Judge, Submitted
from streams.operations.validation.verdict_text import VerdictText

__all__ = [
    "EventVerdict",
    "Judge",
    "Submission",
    "Submissions",
    "Submitted",
    "VerdictTally",
    "VerdictText",
]
