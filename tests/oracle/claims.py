"""Which touchpoints stand beside an install, in which order, and what forbids one to win."""

from __future__ import annotations

from typing import NamedTuple

from attribution.probabilistic.pair_model import DEFAULT_MODEL
from attribution.probabilistic.pair_score import confidences
from schemas.records import Installed, Prior, Signal, SiteVerdict, Touch, TouchKind
from tests.oracle.history import History, Opened, Shown
from tests.oracle.rulebook import CLICK_MAX, LATE_MAX, VIEW_MAX, Rulebook

NAMED = frozenset({Signal.REFERRER, Signal.CLICK_ID, Signal.ADSERVICES})
"""What names a touchpoint in the install itself."""


class Claim(NamedTuple):
    """A touchpoint beside an install, and the strongest evidence that joins them."""

    touch: Touch
    signal: Signal
    is_refused: bool = False  # the user has opted out of what joins them

    @property
    def is_click(self) -> bool:
        return self.touch.kind is TouchKind.CLICK

    @property
    def is_probabilistic(self) -> bool:
        return self.signal is Signal.PROBABILISTIC

    @property
    def is_timeless(self) -> bool:
        """Apple does not always say when."""
        return self.signal is Signal.ADSERVICES and self.touch.time == 0


Rank = tuple[int, int, int, str]


def rank(claim: Claim) -> Rank:
    """The highest wins: the tier, the later touchpoint, the stronger signal, the higher id."""
    tier = {(True, False): 4, (False, False): 3, (True, True): 2, (False, True): 1}
    return (
        tier[claim.is_click, claim.is_probabilistic],
        claim.touch.time,
        -claim.signal,
        claim.touch.event_id,
    )


def claims_on(opened: Opened, history: History) -> list[Claim]:
    """Every touchpoint that shares a key with the install, and what Apple says; best first."""
    install = opened.install
    found = []
    for shown in history.shown:
        signals = opened.signals(shown, history.erasures)
        if signals and not brings_back(shown.touch, min(signals), install):
            found.append(claim_of(shown, min(signals), opened, history))
    if install.adservices is not None:
        found.append(Claim(install.adservices, Signal.ADSERVICES))
    return sorted(found, key=rank, reverse=True)


def claim_of(shown: Shown, signal: Signal, opened: Opened, history: History) -> Claim:
    keys, ts = opened.joining(shown, history.erasures), shown.touch.ts
    return Claim(shown.touch, signal, opened.refuses(keys, signal, ts, history.choices))


def brings_back(touch: Touch, signal: Signal, install: Installed) -> bool:
    """Whether it belongs to the life after the install, and so is no candidate for it."""
    return touch.is_retargeting and touch.time > install.time and signal is Signal.DEVICE_ID


def is_cause(touch: Touch, opened: Opened, signals: list[Signal]) -> bool:
    """Whether the install names it, and they are near enough to be looked up: then it came first,
    whatever the clocks say."""
    install = opened.install
    return (
        not NAMED.isdisjoint(signals)
        and abs(install.time - touch.time) <= CLICK_MAX
        and -CLICK_MAX - LATE_MAX <= touch.ts - install.ts <= LATE_MAX
    )


def prior_of(opened: Opened, history: History, book: Rulebook) -> Prior | None:
    """The latest earlier install on the same device, if it was recent enough."""
    here = opened.install
    window = int(book.find("windows.reattribution", here.app_id, None, here.time))
    earlier = [
        other.as_prior()
        for other in history.opened
        if is_linked(other, opened, history)
        and (other.install.time, other.install.install_id) < (here.time, here.install_id)
        and other.install.time >= here.time - window
        and other.install.ts - here.ts <= LATE_MAX
    ]
    return max(earlier, key=lambda one: (one.time, one.install_id), default=None)


def is_linked(other: Opened, opened: Opened, history: History) -> bool:
    """Whether they share a device, and nobody asked to be forgotten between the two."""
    asked = opened.erased_ts(history.erasures)
    shared = other.devices() & opened.devices()
    return (
        bool(shared)
        and not opened.refuses(shared, Signal.DEVICE_ID, other.install.ts, history.choices)
        and other.install.ts > opened.cut_ts(history.erasures)
        and (not asked or other.install.ts <= asked)
    )


class Case(NamedTuple):
    """All that is asked about one install."""

    opened: Opened
    prior: Prior | None
    claims: list[Claim]
    book: Rulebook
    verdicts: list[SiteVerdict]  # on touchpoints of this install

    def rule(self, name: str, touch: Touch | None) -> int | bool | str | float:
        install = self.opened.install
        return self.book.find(name, install.app_id, touch, install.time)


def window_of(claim: Claim, case: Case) -> int:
    """Milliseconds within which this touchpoint counts; its own wish does not stretch a guess."""
    touch = claim.touch
    kind = "click" if claim.is_click else "view"
    if claim.is_probabilistic:
        return int(case.rule(f"windows.probabilistic_{kind}", touch))
    own = touch.click_lookback_ms if claim.is_click else touch.view_lookback_ms
    if own:
        return min(own, CLICK_MAX if claim.is_click else VIEW_MAX)
    if case.prior is not None:
        kind = f"retargeting_{kind}"
    return int(case.rule(f"windows.{kind}", touch))


def refusal(claim: Claim, case: Case) -> str:
    """The first rule that forbids this touchpoint to win, before fraud is asked; "" when none."""
    touch, install, prior = claim.touch, case.opened.install, case.prior
    if touch.time > install.time and claim.signal not in NAMED:
        return "after_install"
    if claim.is_refused:
        return "opted_out"
    if touch.ts - install.ts > LATE_MAX:
        return "logged_too_late"
    if not claim.is_timeless and install.time - touch.time > window_of(claim, case):
        return "outside_click_window" if claim.is_click else "outside_view_window"
    if prior is not None and touch.time <= prior.time and not claim.is_timeless:
        return "before_prior_install"
    if prior is not None and not touch.is_retargeting:
        return "not_retargeting"
    switch = "probabilistic.click" if claim.is_click else "probabilistic.view"
    if claim.is_probabilistic and not case.rule(switch, touch):
        return "probabilistic_off"
    return ""


def unsure(case: Case) -> set[str]:
    """Event ids of probabilistic touchpoints that nothing forbids but doubt."""
    install = case.opened.install
    guesses = [one for one in case.claims if one.is_probabilistic and not refusal(one, case)]
    sure = confidences([one.touch for one in guesses], install, DEFAULT_MODEL)
    return {
        one.touch.event_id
        for one, confidence in zip(guesses, sure, strict=True)
        if confidence < float(case.rule("probabilistic.confidence", one.touch))
    }
