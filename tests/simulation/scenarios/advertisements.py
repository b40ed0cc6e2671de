"""What is drawn of advertisements: devices, where installs say they come from, and touchpoints.

Referrers lie about time, clicks are injected while an app downloads, sources share click ids,
and users are shown advertisements after they have installed.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from typing import Any, NamedTuple

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

Fields = dict[str, Any]
SECRETS = {"north": b"the secret of north"}
"""Media sources that sign their touchpoints."""
BESIDE = (0, 0, 1, -1)
BACK = (0, 1, -1, DAY_MS, DAY_MS + 1, 7 * DAY_MS, 7 * DAY_MS + 1, 2 * HOUR_MS, 2 * HOUR_MS + 1,
        10 * MINUTE_MS, 10_000)  # fmt: skip
AFTER = (7 * DAY_MS, 8 * DAY_MS, 8 * DAY_MS, DAY_MS)
ADDRESSES = ("81.2.69.142", "81.2.69.160", "89.160.20.112", "10.0.0.7")


class Person(NamedTuple):
    """An install, whether its own event exists or not."""

    install_id: str
    app_id: str
    device: Fields
    time: int
    ts: int
    begin_s: int  # when the download began; 0: nobody knows
    place: Fields  # where it is when it says so


def device(number: int, chance: random.Random) -> Fields:
    ids = {}
    if chance.random() < 0.7:
        is_malformed = chance.random() < 0.15
        name = f"gaid-{number}" if is_malformed else f"00000000-0000-4000-8000-{number:012}"
        ids["gaid"] = name
    if chance.random() < 0.7:
        ids["idfv"] = f"idfv-{number}"
    if chance.random() < 0.1:
        ids["idfa"] = "00000000-0000-0000-0000-000000000000"
    return ids


def place(chance: random.Random) -> Fields:
    """An address, most of the time with the permission to use it."""
    if chance.random() < 0.3:
        return {}
    yes = {"data_usage": True}
    consent = chance.choice((yes, yes, yes, {"data_usage": False}, None))
    fields = {"ip": chance.choice(ADDRESSES), "os_version": "14", "country_code": "DE"}
    return fields | ({"consent": consent} if consent is not None else {})


def begin_s(time: int, chance: random.Random) -> int:
    """Some time before the first open, or by a lying clock after it."""
    return chance.choice((0, 0, *(time // 1_000 - early for early in (60, 3_600, 5, 0, -2))))


def origin(person: Person, clicks: list[str], chance: random.Random) -> Fields:
    """Where an install says that it comes from."""
    fields: Fields = {}
    if chance.random() < 0.4:
        fields["click_id"] = chance.choice(clicks)
    if chance.random() < 0.4:
        click = chance.choice(clicks)
        fields["install_referrer"] = chance.choice(
            (f"utm_source=x&click_id={click}", "utm_medium=organic", f"gclid={click}")
        )
        if chance.random() < 0.6:
            away = chance.choice((0, 60, 3_600, 3_601, 7_200, 86_400))
            fields["referrer_click_time_s"] = person.time // 1_000 - away
    if person.begin_s:
        fields["install_begin_time_s"] = person.begin_s
        if chance.random() < 0.2:
            fields["install_begin_time_server_s"] = person.begin_s - 10
    if chance.random() < 0.15:
        fields["adservices"] = _claim(person.time, chance)
    if chance.random() < 0.05:
        fields["sdk_signature_valid"] = False
    return fields


def _claim(time: int, chance: random.Random) -> Fields:
    is_click = chance.random() < 0.6
    claim: Fields = {
        "attribution": chance.random() < 0.9,
        "claim_type": "Click" if is_click else "Impression",
        "conversion_type": chance.choice(("Download", "Download", "Redownload")),
    }
    if chance.random() < 0.5:
        back = chance.choice(BACK)
        claim["click_time" if is_click else "impression_time"] = time - back
    return claim


def touch_time(person: Person, chance: random.Random) -> int:
    """Before the install, at the edges of windows; while it downloads; or long after it."""
    kind = chance.random()
    if kind < 0.25:
        return person.time + chance.choice(AFTER) + chance.choice(BESIDE)
    if kind < 0.35 and person.begin_s:
        return 1_000 * (person.begin_s + chance.choice((5, 0, 30))) + chance.choice(BESIDE)
    if kind < 0.65:
        return person.time - chance.randrange(8 * DAY_MS)
    return person.time - chance.choice(BACK)


def touchpoint(person: Person, time: int, clicks: list[str], chance: random.Random) -> Fields:
    fields: Fields = {
        "touch_type": chance.choice(("click", "click", "impression")),
        "touch_id": chance.choice(clicks),
        "media_source": chance.choice(("north", "south")),
        "campaign_id": f"campaign-{chance.randrange(3)}",
        "is_retargeting": chance.random() < (0.8 if time > person.time else 0.3),
    }
    if chance.random() < 0.5:
        fields["site_id"] = "site-1"
    if chance.random() < 0.65:
        fields |= person.device
    if chance.random() < 0.7:
        fields |= person.place
    if chance.random() < 0.2:
        fields["click_lookback_s"] = fields["view_lookback_s"] = 2 * 3600
    return fields


def signature(fields: Fields, chance: random.Random) -> Fields:
    """Most are right; some are missing, and some are of somebody else."""
    secret = SECRETS.get(fields["media_source"])
    if secret is None or chance.random() < 0.1:
        return {}
    names = ("event_id", "app_id", "touch_id", "touch_type", "event_time", "media_source",
             "campaign_id", "site_id")  # fmt: skip
    text = "\n".join(str(fields.get(name, "")) for name in names)
    key = b"another secret" if chance.random() < 0.1 else secret
    return {"signature": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}


def session_time(person: Person, touched: list[tuple[Person, int]], chance: random.Random) -> int:
    """Soon after an advertisement that came after the install, or at any time."""
    later = [time for one, time in touched if time > person.time and one.device == person.device]
    if later and chance.random() < 0.85:
        away = chance.choice((1_000, 1_000, 0, HOUR_MS, DAY_MS, 7 * DAY_MS, -7 * DAY_MS))
        return chance.choice(later) + away + chance.choice(BESIDE)
    return person.time + chance.randrange(-DAY_MS, 3 * DAY_MS)
