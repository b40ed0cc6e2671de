"""What producers write never makes the key of another: separators within ids stay apart."""

from __future__ import annotations

from schemas.records import journey_key, site_key


def test_an_install_id_with_a_separator_is_never_the_key_of_a_later_life() -> None:
    of_life = f"{journey_key('app', 'abc')}\x1f12ab"
    assert journey_key("app", "abc\x1f12ab") != of_life
    keys = {journey_key("app", one) for one in ("abc", "abc\x1f", "abc\x1f\x1f", "abc\x1f12ab")}
    assert len(keys) == 4
    lives = {f"{journey_key('app', one)}\x1f12ab" for one in ("abc", "abc\x1f")}
    assert not lives & keys


def test_a_media_source_with_a_separator_is_not_another_one_with_another_site() -> None:
    key = site_key("app", "north\x1fwest", "site")
    assert key.split("\x1f", 2) == ["app", "north\u241fwest", "site"]
    assert key != site_key("app", "north", "west\x1fsite")
