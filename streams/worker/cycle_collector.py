"""How often Python looks for reference cycles while records are decided."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


def relax_collector() -> None:
    """Look for reference cycles less often, from now on.

    A batch creates many short-lived objects and hardly any cycles. Looking for cycles every 700
    objects, Python's default, costs a tenth of the CPU time of the stages, or more.
    """
    gc.set_threshold(50_000, 20, 100)


@contextlib.contextmanager
def relaxed_collector() -> Iterator[None]:
    """The same for a while: for programs that do more than decide."""
    before = gc.get_threshold()
    relax_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
