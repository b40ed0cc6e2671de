"""Installs whose touchpoint is known by an id, and the candidates they have without any id.

Candidates are found as matching finds them: with consent on both sides, in the same network,
within the lookback windows of probabilistic matching, and logged before the install.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from attribution.probabilistic.pair_fit import KnownMatch
from attribution.rules.rules import Rules
from schemas.clocks import at_right_time, corrected_time
from schemas.decode import decode
from schemas.events import Install, Touchpoint
from schemas.records import Installed, Touch
from schemas.time import DAY_MS, HOUR_MS, LogMs
from streams.replay.memory_log import MemoryRecord
from streams.stages.common.match_keys import device_keys
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.contract import is_tick
from streams.stages.factory import StageRules
from streams.stages.intake.stage_records import installed, installed_at_right_time, touch_seen
from streams.stages.intake.traits import event_traits, has_consent, network_key

SWEEP_MS = 6 * HOUR_MS
"""How often touchpoints that are too old to be candidates are dropped, in log time."""

_NOWHERE = (0, 0, 0)


def known_matches(
    records: Iterable[MemoryRecord], answers: Mapping[tuple[str, str], str], rules: StageRules
) -> Iterator[KnownMatch]:
    """Installs in log order, each with its candidates and the right answer.

    `answers` is touch_id by app and install; others are left out. "" says that nothing caused the
    install, which is believed only of installs that carry a device id.
    """
    networks = _Networks(rules.attribution)
    pseudonyms = Pseudonyms(rules.intake.pseudonym_secret)
    missing = set(answers)
    for record in records:
        if is_tick(record):
            continue
        earliest = rules.intake.earliest_event_time
        event = decode(record.value, record.topic, record.timestamp, earliest)
        if not isinstance(event, Touchpoint | Install) or not has_consent(event):
            continue
        values = event_traits(event, pseudonyms)
        if not values:
            continue
        clock = corrected_time(event, LogMs(record.timestamp), rules.intake.clocks)
        key = network_key(event.app_id, values)
        if isinstance(event, Touchpoint):
            placed = at_right_time(event, clock)
            networks.add(key, touch_seen(placed, LogMs(record.timestamp), 0, values, clock))
        elif (name := (event.app_id, event.install_id)) in missing:
            missing.remove(name)
            answer = answers[name]
            if answer or device_keys(event, pseudonyms):
                as_reported = installed(event, _NOWHERE, LogMs(record.timestamp), 0, values)
                install = installed_at_right_time(as_reported, event, clock)
                yield KnownMatch(install, networks.candidates(key, install), answer)


class _Networks:
    """Recent touchpoints by network."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._touches: dict[str, deque[Touch]] = {}
        self._next_sweep = 0

    def add(self, key: str, touch: Touch) -> None:
        known = self._touches.setdefault(key, deque(maxlen=self._rules.touches_per_key_max))
        if all(other.identity != touch.identity for other in known):
            known.append(touch)
        if touch.ts >= self._next_sweep:
            self._next_sweep = touch.ts + SWEEP_MS
            self._forget(touch.ts - DAY_MS)

    def candidates(self, key: str, install: Installed) -> list[Touch]:
        return [touch for touch in self._touches.get(key, ()) if self._is_recent(touch, install)]

    def _is_recent(self, touch: Touch, install: Installed) -> bool:
        names = install.app_id, touch.media_source, touch.campaign_id
        policy = self._rules.policy(*names, install.time)
        window = policy.window_ms(touch, is_probabilistic=True, is_known_user=False)
        return 0 <= install.time - touch.time <= window

    def _forget(self, before: int) -> None:
        """Drop networks where nothing was logged since."""
        self._touches = {
            key: known for key, known in self._touches.items() if known[-1].ts >= before
        }
