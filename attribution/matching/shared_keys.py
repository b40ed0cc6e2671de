"""Shared keys: a key that meets too many installs identifies nobody, whatever it looks like.

An id that a producer writes for everybody (a test device, a guest account, a placeholder that no
list knows) joins strangers. So a device id, click id or account that meets more different installs
within a day of log time than a limit is no evidence from the last of them on, for a named time.
Decisions made before stay as they are: the index no longer knows whom it joined, and to take them
back would depend on the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from schemas.time import DAY_MS, LogMs, Millis


class SharedPeriod(Struct, frozen=True, array_like=True, gc=False):
    """Log time in which a key is no evidence; both 0: never so far."""

    since: LogMs = LogMs(0)
    until: LogMs = LogMs(0)

    def covers(self, ts: LogMs) -> bool:
        """Whether a record logged then is no evidence under the key."""
        return self.since <= ts <= self.until


NEVER_SHARED = SharedPeriod()


def shared_period(
    known: SharedPeriod, met: Iterable[tuple[str, LogMs]], limit: int, rest_ms: Millis
) -> SharedPeriod:
    """The period after the key has met these installs, each named with log times at which it did.

    It begins when the limit is exceeded, and lasts until `rest_ms` after the last time it was.
    """
    first: dict[str, LogMs] = {}
    for install_id, ts in met:
        first[install_id] = min(ts, first.get(install_id, ts))
    times = sorted(first.values())
    crossed = [
        later for earlier, later in zip(times, times[limit:], strict=False)
        if later - earlier <= DAY_MS
    ]  # fmt: skip
    if not crossed:
        return known
    since, until = crossed[0], LogMs(crossed[-1] + rest_ms)
    if known.until >= since:
        return SharedPeriod(min(known.since, since), max(known.until, until))
    return SharedPeriod(since, until)
