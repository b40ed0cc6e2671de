"""Keys and conversion values come from files; what is wrong in them is said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from attribution.postbacks.keys import (
    DEVELOPMENT_KEYS,
    OWN_KEYS_MAX,
    PRODUCTION_KEY,
    PRODUCTION_KEY_ID,
)
from attribution.postbacks.postback_check import PostbackCheck
from streams.errors import Stop
from streams.settings import PostbackSettings, read_settings
from streams.wiring.parts import stage_rules
from streams.wiring.postbacks import postback_rules
from tests.checkout import ROOT
from tests.worlds.postback_world import OUR_KEY, OURS, VERSION_4_0, public_key, signed

EXAMPLE = ROOT / "deploy" / "conversion_values.example.toml"
P384 = (
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEaaGb7QR2bcs6DyctZiNtfJk9w2JXgxg6qS3cHgzGUIUBkE8Z8inH4OASJVJ5"
    "zovkz3QFC2zfP83TM5+gxo/yCtq8skK9xRFNVQvUzjU5+QG1UbrUp86ozyJuaq2TPTgE"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text)
    return path


def keys_file(folder: Path, keys: dict[str, str]) -> Path:
    return written(folder, json.dumps(keys))


def check(settings: PostbackSettings) -> PostbackCheck:
    return PostbackCheck(postback_rules(settings))


def stopped(settings: PostbackSettings) -> str:
    with pytest.raises(Stop) as stop:
        postback_rules(settings)
    line = str(stop.value)
    assert "\n" not in line
    return line


def test_without_files_only_apples_production_key_is_trusted_and_nothing_is_decoded() -> None:
    ready = check(PostbackSettings())
    assert set(ready.keys.by_id) == {PRODUCTION_KEY_ID}
    assert ready.values.apps == {}


def test_a_key_of_ones_own_is_trusted_beside_apples(tmp_path: Path) -> None:
    path = keys_file(tmp_path, {OURS: public_key(OUR_KEY)})
    ready = check(PostbackSettings(keys=path))
    assert set(ready.keys.by_id) == {PRODUCTION_KEY_ID, OURS}
    postback, _ = ready("skadnetwork", json.dumps(signed(VERSION_4_0)), "app")
    assert postback.verdict.state == "valid"


def test_development_keys_are_trusted_only_on_request() -> None:
    ready = check(PostbackSettings(takes_development_keys=True))
    assert set(ready.keys.by_id) == {PRODUCTION_KEY_ID, *DEVELOPMENT_KEYS}


def test_a_development_key_of_ones_own_needs_the_same_request(tmp_path: Path) -> None:
    path = keys_file(tmp_path, {"apple-development-identifier/9": public_key(OUR_KEY)})
    assert set(check(PostbackSettings(keys=path)).keys.by_id) == {PRODUCTION_KEY_ID}


def test_nobody_replaces_a_key_of_apple_but_may_write_it_down(tmp_path: Path) -> None:
    path = keys_file(tmp_path, {PRODUCTION_KEY_ID: public_key(OUR_KEY)})
    line = stopped(PostbackSettings(keys=path))
    assert str(path) in line
    assert PRODUCTION_KEY_ID in line
    path = keys_file(tmp_path, {PRODUCTION_KEY_ID: PRODUCTION_KEY})
    assert set(check(PostbackSettings(keys=path)).keys.by_id) == {PRODUCTION_KEY_ID}


@pytest.mark.parametrize("key", ["", "AAAA", "no base64", PRODUCTION_KEY[:-4], P384])
def test_what_is_no_key_on_the_right_curve_is_refused_by_its_id(tmp_path: Path, key: str) -> None:
    line = stopped(PostbackSettings(keys=keys_file(tmp_path, {"mine": key})))
    assert "mine" in line
    assert "P-256" in line


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "{"])
def test_what_is_no_object_of_keys_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    line = stopped(PostbackSettings(keys=path))
    assert f"HEADWATER_POSTBACK_KEYS {path}: " in line


def test_more_keys_than_the_bound_are_refused(tmp_path: Path) -> None:
    names = [f"skadnetwork/{number}" for number in range(OWN_KEYS_MAX + 1)]
    path = keys_file(tmp_path, dict.fromkeys(names, public_key(OUR_KEY)))
    assert f"at most {OWN_KEYS_MAX}" in stopped(PostbackSettings(keys=path))


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert "HEADWATER_POSTBACK_KEYS" in stopped(PostbackSettings(keys=missing))
    line = stopped(PostbackSettings(conversion_values=missing))
    assert "HEADWATER_CONVERSION_VALUES" in line
    assert str(missing) in line


def test_a_wrong_schema_is_named_by_file_and_key(tmp_path: Path) -> None:
    path = written(tmp_path, '[[schema]]\napp_id = "x"\nfine = [{ values = "70", event = "e" }]')
    line = stopped(PostbackSettings(conversion_values=path))
    assert f"{path}: schema[0].fine[0].values: '70'" in line


def test_the_settings_reach_intake(tmp_path: Path) -> None:
    schema = written(tmp_path, '[[schema]]\napp_id = "x"\nfine = [{ values = "7", event = "e" }]')
    environ = {
        "HEADWATER_CONVERSION_VALUES": str(schema),
        "HEADWATER_POSTBACK_DEVELOPMENT_KEYS": "yes",
    }
    ready = PostbackCheck(stage_rules(read_settings(environ)).intake.postbacks)
    assert set(ready.values.apps) == {"x"}
    assert set(DEVELOPMENT_KEYS) < set(ready.keys.by_id)


def test_the_example_that_people_copy_is_sound() -> None:
    ready = check(PostbackSettings(conversion_values=EXAMPLE))
    (app,) = ready.values.apps.values()
    assert app.otherwise is not None
    assert app.by_source_identifier["5217"].fine[7].events == ("tutorial", "purchase")


def test_equal_rules_can_be_written_down_alike_to_compare_two_runs(tmp_path: Path) -> None:
    path = keys_file(tmp_path, {OURS: public_key(OUR_KEY)})
    own = postback_rules(PostbackSettings(keys=path, conversion_values=EXAMPLE))
    assert msgspec.json.encode(own) != msgspec.json.encode(postback_rules(PostbackSettings()))
    again = postback_rules(PostbackSettings(keys=path, conversion_values=EXAMPLE))
    assert msgspec.json.encode(own) == msgspec.json.encode(again)
