"""Small histories full of coincidence: shared ids, equal times, and the millisecond beside every
edge the rules know."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import (
    ActivitySeen,
    ErasureSeen,
    Flag,
    Installed,
    Signal,
    SiteVerdict,
    Touch,
    TouchKind,
)
from schemas.time import EventMs, LogMs, Millis
from tests.oracle.generated.random_source import RandomSource, happens, pick
from tests.oracle.history import History, Opened, Shown, Visit, namings_of
from tests.oracle.rulebook import DAY, HOUR, LATE_MAX, MINUTE, SECOND, SITE_REASONS, Rulebook

APP = "app.one"
NOON = 1_790_000_000_000
SOURCES = ("north", "south", "east")
CAMPAIGNS = ("", "campaign-0", "campaign-1")
SITES = ("", "s")
CLICK_IDS = ("c0", "c1", "c2", "c3")
DEVICES = (("d0",), ("d0",), ("d1",), ("d0", "d1"), ())
INSTALL_FLAGS = (Flag.MALFORMED_ID, Flag.MALFORMED_ID, Flag.SIGNATURE_INVALID)
NETWORKS = ("p0", "p0", "p1")
BESIDE = (0, 0, 1, -1)
WINDOWS = (HOUR, MINUTE, 30 * MINUTE, DAY, 6 * HOUR, 7 * DAY, 30 * DAY, 14 * DAY)
ABSENCES = (7 * DAY, HOUR, DAY, 8 * DAY, 30 * DAY, 1)
GAPS = (DAY, 0, 1, HOUR, 7 * DAY, 30 * DAY, 90 * DAY, 3 * DAY)
INSTALLS = (1, 1, 2, 2, 2, 3, 3, 4)
TOUCHES = (1, 0, 2, 3, 4, 4, 5, 6, 7, 8)
ERASURES = (0, 0, 0, 0, 0, 0, 1, 2)
VERDICTS = (0, 0, 0, 0, 1, 2)
VISITS = (0, 0, 0, 1, 1, 2, 3, 4)


class Draft(NamedTuple):
    """An install before the touchpoints that it will refer to are known."""

    name: str
    time: int
    ts: int
    begin: int
    devices: tuple[str, ...]
    network: str
    referred: str  # click id in the referrer; "": none
    clicked: str  # click id that the app itself knows


def draw(rng: RandomSource, book: Rulebook) -> History:
    return _Drawing(rng, book).history()


class _Drawing:
    def __init__(self, rng: RandomSource, book: Rulebook) -> None:
        self.rng = rng
        self.guesses = book.guesses()
        self.drafts: list[Draft] = []
        self.shown: list[Shown] = []
        self.visits: list[Visit] = []

    def history(self) -> History:
        rng = self.rng
        for _ in range(pick(rng, INSTALLS)):
            self._install()
        for _ in range(pick(rng, TOUCHES)):
            self._touch()
        for _ in range(pick(rng, VISITS)):
            self._visit()
        opened = tuple(self._opened(draft) for draft in self.drafts)
        verdicts = tuple(self._verdict() for _ in range(pick(rng, VERDICTS)) if self.shown)
        visits = tuple(self.visits)
        erasures = tuple(self._erasure(n) for n in range(pick(rng, ERASURES)))
        return History(tuple(self.shown), opened, visits, namings_of(visits), verdicts, erasures)

    # --- installs -------------------------------------------------------------------------------

    def _install(self) -> None:
        rng, time = self.rng, NOON
        if self.drafts:
            time = pick(rng, self.drafts).time + pick(rng, GAPS) + pick(rng, BESIDE)
        begin = pick(rng, (0, 0, time - MINUTE, time - HOUR, time - 5 * SECOND, time, time + 1))
        self.drafts.append(
            Draft(
                f"i{len(self.drafts)}",
                time,
                self._logged(time),
                begin,
                pick(rng, DEVICES),
                pick(rng, NETWORKS) if self.guesses and happens(rng, 60) else "",
                pick(rng, CLICK_IDS) if happens(rng, 40) else "",
                pick(rng, CLICK_IDS) if happens(rng, 35) else "",
            )
        )

    def _opened(self, draft: Draft) -> Opened:
        lookups: dict[str, Signal] = {}
        if draft.referred:
            lookups[f"c:{draft.referred}"] = Signal.REFERRER
        if draft.clicked:
            lookups.setdefault(f"c:{draft.clicked}", Signal.CLICK_ID)
        for device in draft.devices:
            lookups[f"d:{device}"] = Signal.DEVICE_ID
        if draft.network:
            lookups[f"p:{draft.network}"] = Signal.PROBABILISTIC
        install = Installed(
            draft.name, f"install {draft.name}", APP, "android", "DE", "1", "14",
            EventMs(draft.time), LogMs(draft.ts), len(lookups), False, (1, 0, int(draft.name[1:])),
            begin_time=EventMs(draft.begin),
            referrer_click_time=EventMs(self._referrer_click_time(draft)),
            flags=pick(self.rng, INSTALL_FLAGS) if happens(self.rng, 8) else 0,
            adservices=self._adservices(draft) if happens(self.rng, 15) else None,
            traits=traits_of(draft.network),
        )  # fmt: skip
        return Opened(install, tuple(lookups.items()))

    def _referrer_click_time(self, draft: Draft) -> int:
        """Of a click it may have come from, an hour beside it, or after the download began."""
        rng = self.rng
        if not draft.referred or not self.shown or happens(rng, 40):
            return 0
        near = pick(rng, self.shown).touch.time
        away = pick(rng, (0, HOUR, HOUR + 1, -HOUR, -HOUR - 1))
        return pick(rng, (near + away, near + away, draft.begin, draft.begin + 1))

    def _adservices(self, draft: Draft) -> Touch:
        rng = self.rng
        kind = pick(rng, (TouchKind.CLICK, TouchKind.CLICK, TouchKind.IMPRESSION))
        time = 0
        if happens(rng, 60):
            time = draft.time - pick(rng, (0, *WINDOWS)) - pick(rng, BESIDE)
        return Touch(
            f"{draft.name}:adservices", "", kind, EventMs(time), LogMs(draft.ts), "apple", "",
            pick(rng, CAMPAIGNS), "", "", "", "", Millis(0), Millis(0), happens(rng, 40),
        )  # fmt: skip

    # --- touchpoints ----------------------------------------------------------------------------

    def _touch(self) -> None:
        rng = self.rng
        draft = pick(rng, self.drafts)
        kind = pick(rng, (TouchKind.CLICK, TouchKind.CLICK, TouchKind.IMPRESSION))
        time = self._touch_time(draft)
        ts = self._logged(time)
        if happens(rng, 10):
            ts = max(time, draft.ts + LATE_MAX + pick(rng, BESIDE))
        lookback = pick(rng, (HOUR, 20 * DAY, 99 * DAY)) if happens(rng, 12) else 0
        touch_id, keys = self._names(draft, kind)
        touch = Touch(
            f"t{len(self.shown)}", touch_id, kind, EventMs(time), LogMs(ts), pick(rng, SOURCES),
            "", pick(rng, CAMPAIGNS), "", "", "", pick(rng, SITES), Millis(lookback),
            Millis(lookback), happens(rng, 75 if time > draft.time else 30),
            pick(rng, tuple(Flag)) if happens(rng, 10) else 0,
            traits_of(keys[-1][2:] if keys[-1].startswith("p:") else ""),
        )  # fmt: skip
        self.shown.append(Shown(touch, keys))

    def _touch_time(self, draft: Draft) -> int:
        rng = self.rng
        beside = pick(rng, BESIDE)
        match pick(rng, (0, 0, 0, 1, 2, 3, 3, 4)):
            case 1:
                return draft.time - pick(rng, (10 * SECOND, 0, SECOND)) + beside
            case 2 if draft.begin:
                return draft.begin + pick(rng, (5 * SECOND, 0)) + beside
            case 3:  # after the install, for those who come back
                return draft.time + pick(rng, ABSENCES) + beside
            case 4 if self.shown:
                return pick(rng, self.shown).touch.time + pick(rng, (0, 0, DAY)) + beside
        return draft.time - pick(rng, WINDOWS) + beside

    def _names(self, draft: Draft, kind: TouchKind) -> tuple[str, tuple[str, ...]]:
        """Its own id, and the keys it is found under: the same device most of the time."""
        rng = self.rng
        devices = draft.devices if happens(rng, 60) else pick(rng, DEVICES)
        keys = [f"d:{device}" for device in devices]
        if not devices and self.guesses:
            keys.append(f"p:{draft.network or pick(rng, NETWORKS)}")
        if kind is TouchKind.IMPRESSION:
            name = f"v{len(self.shown)}"
            return name, tuple(keys) or (f"e:{name}",)
        wanted = [one for one in (draft.referred, draft.clicked) if one]
        name = pick(rng, wanted if wanted and happens(rng, 50) else CLICK_IDS)
        return name, (f"c:{name}", *keys)

    # --- sessions -------------------------------------------------------------------------------

    def _visit(self) -> None:
        """Some time after the install, or soon after a touchpoint, or when one had to be quiet."""
        rng = self.rng
        draft = pick(rng, self.drafts)
        time = draft.time + pick(rng, WINDOWS) + pick(rng, BESIDE)
        later = [one for one in self.shown if one.touch.time > draft.time]
        if later and happens(rng, 80):
            near = pick(rng, later).touch.time
            away = pick(rng, (SECOND, 0, *WINDOWS)) * pick(rng, (1, 1, 1, -1))
            time = near + away + pick(rng, BESIDE)
        clicked = pick(rng, CLICK_IDS) if happens(rng, 30) else ""
        ts = max(self._logged(time), draft.ts - LATE_MAX)
        number = len(self.visits)
        session = ActivitySeen(
            draft.name, f"s{number}", "session", True, EventMs(time), LogMs(ts), (2, 0, number)
        )
        self.visits.append(Visit(session, f"c:{clicked}" if clicked else ""))

    # --- sites ----------------------------------------------------------------------------------

    def _verdict(self) -> SiteVerdict:
        """On any touchpoint, whether it led to the install or not, near what still counts."""
        rng = self.rng
        draft = pick(rng, self.drafts)
        after = pick(rng, (HOUR, DAY, 8 * DAY, 0)) + pick(rng, BESIDE)
        value = pick(rng, (0.99, 0.999, 0.95, 0.9499, 0.5))
        near = [one for one in self.shown if one.touch.time <= draft.time] or self.shown
        name, reason = pick(rng, near).touch.event_id, pick(rng, SITE_REASONS)
        return SiteVerdict(draft.name, name, reason, value, LogMs(draft.ts + after))

    def _erasure(self, number: int) -> ErasureSeen:
        """Somebody asks to be forgotten, perhaps twice, around what comes too late."""
        rng = self.rng
        times = [draft.ts for draft in self.drafts] + [one.session.ts for one in self.visits]
        away = pick(rng, (0, DAY, LATE_MAX)) * pick(rng, (1, -1)) + pick(rng, BESIDE)
        return ErasureSeen(
            f"d:{pick(rng, DEVICES[0] + DEVICES[2])}",
            f"r{number}",
            LogMs(pick(rng, times) + away),
        )

    def _logged(self, time: int) -> int:
        """When an event reaches the log: soon, late, or as late as some other one still counts."""
        rng = self.rng
        if self.drafts and happens(rng, 15):
            edge = pick(rng, self.drafts).ts + LATE_MAX + pick(rng, BESIDE)
            return max(time, edge)
        return time + pick(rng, (0, 0, SECOND, SECOND, HOUR, DAY, 5 * DAY))


def traits_of(network: str) -> list[str]:
    """The same network looks alike, another one partly."""
    return [f"ip {network}", f"net {network}", "14", "agent", "DE"] if network else []
