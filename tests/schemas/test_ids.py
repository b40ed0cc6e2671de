"""Placeholder ids: what producers send when they have none."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import Defect, Unreadable, decode
from schemas.events import InAppEvent
from schemas.ids import IdJudge, normal_device_id
from schemas.leniency import PLANS, Leniency
from tests.schemas.test_decode import EARLIEST, IN_APP, NOW

JUDGE = IdJudge()

PLACEHOLDERS = """null|(null)|NULL|none|nil|N/A|#N/A|<NA>|NaN|undefined|unknown|guest
Anonymous|(not set)
not_set|[object Object]|1234567890|true|FALSE|0|-1|0x0|--|***|{gaid}|{{idfa}}|${TM_ID}|$[x]
[DEVICE_ID]|[:_jv_uaid:]|__IDFA__|%%ADVERTISING_ID_PLAIN%%|%7Bidfa%7D|%257Bidfa%257D|%5Bidfa%5D
0000-0000|gps_adid={gps_adid}|$IMP_ID|xxxidfaxxx|#IDFA#|@idfa@|<idfa>|Optional(nil)|9774d56d682e549c
00000000-0000-0000-0000-000000000000|{00000000-0000-0000-0000-000000000000}|02:00:00:00:00:00
ffffffff-ffff-ffff-ffff-ffffffffffff|000000000000000
null_null|undefined:undefined|None-None|user_undefined|auth0.null|uid:nil
ios:00000000-0000-0000-0000-000000000000|d41d8cd98f00b204e9800998ecf8427e
d41d8cd9-8f00-3204-a980-0998ecf8427e|da39a3ee5e6b4b0d3255bfef95601890afd80709
0000000000000000""".replace("\n", "|").split("|")
SOMEBODYS = """GPA.3371-0002|{6D92078A-8246-4BA4-AE5B-76104861E7DC}|$RCAnonymousID:abc123def
1000000832|guest-8213|dev_null|john.none|na.smith|3f00-0000|abc==|a__b|null0|nullify|1|true1|user-17|com.example.app|0a|f""".replace(
    "\n", "|"
).split("|")
SPACES = st.text(" \t\n\u00a0\u200b\ufeff", max_size=3)


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_placeholders_are_recognised(text: str) -> None:
    assert JUDGE.is_placeholder(text)


@pytest.mark.parametrize("text", SOMEBODYS)
def test_ids_are_somebodys(text: str) -> None:
    assert not JUDGE.is_placeholder(text)
    assert not JUDGE.amiss()([text])


@given(st.sampled_from(PLACEHOLDERS), SPACES, SPACES, st.booleans())
def test_case_and_space_around_make_no_id(
    text: str, before: str, after: str, is_upper: bool
) -> None:
    text = before + (text.upper() if is_upper and "%" not in text else text) + after
    assert JUDGE.is_placeholder(text)
    assert JUDGE.amiss()([None, text])


@given(
    st.sampled_from(["{%s}", "{{%s}}", "${%s}", "[%s]", "__%s__", "%%%s%%", "%%%%%s%%%%", "<%s>"]),
    st.from_regex(r"[A-Za-z][A-Za-z_]{0,20}[A-Za-z]", fullmatch=True),
)
def test_every_unfilled_macro_is_placeholder(form: str, name: str) -> None:
    assert JUDGE.is_placeholder(form % name)
    assert JUDGE.amiss()([form % name])


@given(st.uuids(version=4), st.sampled_from(["%s", "{%s}", " %s "]), st.booleans(), st.booleans())
def test_a_device_id_has_one_normal_form(
    uuid: Any, form: str, is_upper: bool, is_plain: bool
) -> None:
    text = uuid.hex if is_plain else str(uuid)
    text = form % (text.upper() if is_upper else text)
    assert not JUDGE.is_placeholder(text)
    assert normal_device_id(text) == str(uuid)


@given(st.uuids(version=4), st.integers(1, 3), st.sampled_from("\u2010\u2011\u2013\u2212\uff0d"))
def test_encoding_and_look_alikes_make_no_other_device(
    uuid: Any, encodings: int, dash: str
) -> None:
    encoded = f"{{{uuid}}}"
    for _ in range(encodings):
        encoded = quote(encoded)
    for text in (encoded, f"urn:uuid:{uuid}", str(uuid).replace("-", dash), f"\u200b{uuid}"):
        assert not JUDGE.is_placeholder(text)
        assert normal_device_id(text) == str(uuid)


@given(
    st.sampled_from(["", "null", "undefined", "None", "NULL", "unknown", "n/a", "\n"]),
    st.sampled_from(["md5", "sha1", "sha256"]),
    st.booleans(),
)
def test_the_hash_of_nothing_is_nobodys(text: str, algorithm: str, is_upper: bool) -> None:
    digest = hashlib.new(algorithm, text.encode()).hexdigest()
    assert JUDGE.amiss()([digest.upper() if is_upper else digest])
    assert JUDGE.is_placeholder(digest.upper() if is_upper else digest)


@given(st.binary(min_size=17, max_size=31))
def test_the_hash_of_something_is_an_id(content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    assert not JUDGE.is_placeholder(digest)


@given(
    st.lists(st.sampled_from(["null", "undefined", "none", "unknown"]), min_size=2, max_size=4),
    st.sampled_from("_-:.|/+"),
    st.sampled_from(["", "user", "device", "android"]),
)
def test_an_id_made_of_nothing_is_nobodys(parts: list[str], mark: str, prefix: str) -> None:
    assert JUDGE.amiss()([mark.join(parts)])
    assert JUDGE.amiss()([mark.join([prefix or "user", "undefined"])])
    assert not JUDGE.is_placeholder(mark.join([*parts, "17"]))


@given(st.text(max_size=24))
def test_the_quick_question_overlooks_no_word_of_ascii(text: str) -> None:
    if text and text.isascii() and "%" not in text and JUDGE.is_placeholder(text):
        assert JUDGE.amiss()([text]) or "{" in text


def _decode(fields: dict[str, Any], leniency: Leniency) -> Any:
    return decode(json.dumps(IN_APP | fields).encode(), "activity", NOW, EARLIEST, leniency)


@given(st.sampled_from(PLACEHOLDERS), st.sampled_from(PLANS[InAppEvent].ids))
def test_placeholder_is_absent_or_a_dead_letter(text: str, name: str) -> None:
    event = _decode({name: text}, Leniency())
    if name in IN_APP:
        assert isinstance(event, Unreadable)
        assert event.reason is Defect.MISSING_ID
        assert name in event.detail
    else:
        assert getattr(event, name) is None


def test_a_setting_adds_placeholders() -> None:
    dropped: list[tuple[str, str]] = []
    leniency = Leniency(["No-Device"], lambda app_id, field: dropped.append((app_id, field)))
    event = _decode({"gaid": "no-device", "platform": "iOS", "country_code": "Germany"}, leniency)
    assert (event.gaid, event.platform, event.country_code) == (None, None, None)
    assert sorted(field for _, field in dropped) == ["country_code", "gaid", "platform"]
    assert {app_id for app_id, _ in dropped} == {IN_APP["app_id"]}


@pytest.mark.parametrize("name", ["gaid", "platform", "country_code", "customer_user_id"])
def test_empty_text_is_absent_and_not_counted(name: str) -> None:
    dropped: list[str] = []
    event = _decode({name: ""}, Leniency((), lambda _, field: dropped.append(field)))
    assert getattr(event, name) is None
    assert not dropped


@pytest.mark.parametrize(
    "fields", [{"environment": "Sandbox"}, {"limit_ad_tracking": "yes"}, {"event_time": "now"}]
)
def test_what_decides_stays_strict(fields: dict[str, Any]) -> None:
    assert isinstance(_decode(fields, Leniency()), Unreadable)
