"""Play install referrers as store links, redirects and SDKs really deliver them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from attribution.matching.referrer import (
    CLICK_IDS_MAX,
    LAYERS_MAX,
    REFERRER_CHARS_MAX,
    ReferrerReader,
)
from schemas.ids import IdJudge, normal_click_id

STORE = "https://play.google.com/store/apps/details?id=com.example.app"
READER = ReferrerReader()


def clicks(text: str | None, reader: ReferrerReader = READER) -> list[str]:
    return list(reader.read(text).click_ids)


@pytest.mark.parametrize(
    "text",
    [
        "click_id=clk-1",
        "utm_source=adnova&click_id=clk-1",
        "?utm_source=adnova&click_id=clk-1",
        "utm_source%3Dadnova%26click_id%3Dclk-1",
        "utm_source%253Dadnova%2526click_id%253Dclk-1",
        "utm_source=adnova%26click_id%3Dclk-1",
        "click_id=clk-1%26utm_source%3Dadnova",
        "utm_source=adnova&amp;click_id=clk-1",
        "utm_source=adnova&amp;amp;click_id=clk-1",
        "utm_source=adnova&#38;click_id=clk-1",
        "utm_source%3Dadnova%26amp%3Bclick_id%3Dclk-1",
        "utm_source=adnova\\u0026click_id=clk-1",
        "utm_source\\u003dadnova\\u0026click_id\\u003dclk-1",
        '{"referrer":"utm_source\\\\u003dadnova\\\\u0026click_id\\\\u003dclk-1"}',
        '{"installReferrer":"utm_source=adnova&click_id=clk-1","clickTimestamp":"1790000000"}',
        '{"installReferrer":"click_id=clk-1&utm_source=adnova","googlePlayInstant":false}',
        '{"channelId":"7","callback":"security:x","taskid":"1","referrer":"click_id%3Dclk-1"}',
        '{"data":{"referrer":"utm_source%253Dadnova%2526click_id%253Dclk-1"}}',
        '{\\"click_id\\":\\"clk-1\\",\\"pid\\":\\"adnova\\"}',
        '{"installReferrer":"utm_source=adnova&click_id=clk-1","clickTi',
        "click_id[]=clk-1",
        "click_id%5B%5D=clk-1",
        "utm_source=adnova;click_id=clk-1;utm_medium=cpi",
        "utm_source=adnova click_id=clk-1",
        "utm_source=adnova&CLICK_ID=clk-1",
        "utm_source=adnova&clickId=clk-1",
        "utm_source=adnova&click-id=clk-1",
        "click%5Fid=clk-1",
        "click_id=%20clk-1%0A",
        "referrer=utm_source%3Dadnova%26click_id%3Dclk-1",
        "referrer=click_id=clk-1&utm_source=adnova",
        "install_referrer=referrer%3Dclick_id%253Dclk-1",
        f"{STORE}&referrer=utm_source%3Dadnova%26click_id%3Dclk-1&hl=en",
        f"{STORE}&referrer=click_id=clk-1",
        "market://details?id=com.example.app&referrer=click_id%3Dclk-1",
        "link_click_id-clk-1&utm_source-adnova",
        "click_id={click_id}&aff_click_id=clk-1",
        "click_id=&click_id=clk-1",
        "&".join(f"p{n}=1" for n in range(500)) + "&click_id=clk-1",
    ],
)
def test_a_click_id_that_is_plainly_there_is_read(text: str) -> None:
    assert clicks(text) == ["clk-1"]


@pytest.mark.parametrize(
    "name",
    [
        *("af_tranid", "clickid", "adjust_reftag", "adjust_external_click_id", "link_click_id"),
        *("_branch_match_id", "transaction_id", "irclickid", "tracking_id", "kwai_click_id"),
        *("gclid", "gbraid", "wbraid", "dclid", "fbclid", "ttclid", "twclid", "msclkid", "ScCid"),
    ],
)
def test_the_parameters_of_networks_and_trackers_are_known(name: str) -> None:
    assert clicks(f"utm_source=x&{name}=Ab1_x-9") == ["Ab1_x-9"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "utm_source=(not%20set)&utm_medium=(not%20set)",
        "click_id=(not%20set)",
        "click_id=(not+set)",
        "click_id=%20",
        "click_id=null&gclid=undefined&fbclid=0",
        "click_id={click_id}&gclid=__CLICKID__&ttclid=%24%7Bclid%7D&fbclid=%25%25ID%25%25",
        "click_id=%257Bclick_id%257D",
        "%%%=;;&&",
        "organic",
        "com.example.browser",
        STORE,
        "utm_source=apps.facebook.com&utm_campaign=fb4a&utm_content=%7B%22app%22%3A12%2C%22t%22"
        "%3A17%2C%22source%22%3A%7B%22data%22%3A%22a0f3%22%2C%22nonce%22%3A%22b1%22%7D%7D",
        "click_id=" + "x" * 257,
    ],
)
def test_nobodys_ids_and_other_texts_name_no_click(text: str | None) -> None:
    assert clicks(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "click_id=k1#frag",
        "click_id=k1#frag&utm_source=x",
        "click_id=k1#utm_source=x",
        '"utm_source=x&click_id=k1"',
        "'click_id=k1'",
        "click_id='k1'&utm_source=x",
        "%22click_id%3Dk1%22",
        "\u201cclick_id=k1\u201d",
        '\\"click_id=k1\\"',
        '{"click_id":"k1","utm_source":"x"}',
        'utm_content={"a":{"clickId":"k1"}}&utm_source=x',
        "utm_source=x&utm_content=%7B%22a%22%3A%7B%22click_id%22%3A%22k1%22%7D%7D",
        '"{"click_id":"k1"}"',
    ],
)
def test_fragments_quotes_and_json_around_an_id_are_taken_off(text: str) -> None:
    assert clicks(text) == ["k1"]
    assert not READER.read(text).is_sealed


def test_an_encoded_hash_belongs_to_the_id() -> None:
    assert clicks("click_id=k%2351&utm_source=x") == ["k#51"]


@pytest.mark.parametrize("content", ['{"app":1,"source":{"data":"a0f3","nonce":"b1"}}', "{}"])
def test_json_that_only_its_network_can_open_is_told(content: str) -> None:
    text = f"utm_source=apps.facebook.com&utm_content={quote(content)}"
    assert READER.read(text).is_sealed
    assert clicks(text) == []
    assert not READER.read(text + "&click_id=k1").is_sealed
    assert not READER.read("utm_content={broken&utm_source=x").is_sealed
    assert not READER.read("utm_content=" + '{"a":' * 2_000 + "}" * 2_000).is_sealed


def test_every_click_id_is_read_that_of_the_tracker_first() -> None:
    assert clicks("gclid=g&click_id=a&utm_source=x&referrer=fbclid%3Df") == ["a", "g", "f"]


def test_an_id_keeps_what_was_encoded_once_more_than_its_referrer() -> None:
    assert clicks("click_id=ab%26cd&utm_source=x") == ["ab&cd"]
    assert clicks("click_id=" + normal_click_id("a%00b")) == ["a%00b"]


def test_a_referrer_that_is_only_an_id_is_one() -> None:
    assert clicks("NetworkA_1234567") == ["NetworkA_1234567"]


@pytest.mark.parametrize(
    ("text", "is_organic"),
    [
        ("utm_source=google-play&utm_medium=organic", True),
        ("utm_source%3Dgoogle-play%26utm_medium%3Dorganic", True),
        ("utm_source=google-play&amp;utm_medium=organic", True),
        ("UTM_MEDIUM=Organic", True),
        ("utm_source=(not%20set)&utm_medium=(not%20set)", False),  # a link without a referrer
        ("utm_medium=cpc", False),
        ("utm_campaign=utm_medium_organic", False),
        ("", False),
    ],
)
def test_google_play_itself_calls_traffic_organic(text: str, is_organic: bool) -> None:
    assert READER.read(text).is_organic is is_organic


def test_more_parameters_count_for_the_source_that_the_referrer_names() -> None:
    reader = ReferrerReader({"AdNova": ("n_ref", "Sub-1"), "*": ("any_id",)})
    assert clicks("utm_source=adnova&N_REF=k1", reader) == ["k1"]
    assert clicks("pid=ADNOVA&sub1=k1&gclid=g", reader) == ["k1", "g"]
    assert clicks("n_ref=k1", reader) == ["k1"]
    assert clicks("utm_source=other&n_ref=k1", reader) == []
    assert clicks("utm_source=other&any_id=k1", reader) == ["k1"]


def test_a_producers_own_placeholders_are_nobodys() -> None:
    assert clicks("click_id=no-click", ReferrerReader(judge=IdJudge(["no-click"]))) == []


def test_more_click_ids_than_are_looked_up_are_counted() -> None:
    many = "&".join(f"n{n}_click_id=k{n}" for n in range(CLICK_IDS_MAX + 3))
    referrer = READER.read(many)
    assert referrer.click_ids == tuple(f"k{n}" for n in range(CLICK_IDS_MAX))
    assert referrer.dropped == 3


def test_text_beyond_the_contract_is_not_read() -> None:
    assert clicks("x" * REFERRER_CHARS_MAX + "&click_id=a1") == []


def test_more_layers_than_any_redirect_adds_are_left_on() -> None:
    assert LAYERS_MAX == 5
    assert clicks("utm_source" + "%" + "25" * LAYERS_MAX + "3Dx") == []
