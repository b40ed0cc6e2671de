"""`headwater doctor`: what an installation lacks, and what to do about it.

One module per subject; `examination` lists them in the order in which they are shown.
"""

from streams.operations.doctor.check import Check
from streams.operations.doctor.examination import examine

__all__ = ["Check", "examine"]
