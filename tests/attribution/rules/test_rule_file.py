"""A rule file says exactly what it says, or is refused in one line that names the place."""

from __future__ import annotations

import gc
import sys
import tomllib

import pytest
from hypothesis import given, settings
from msgspec.structs import fields

from attribution.rules.rule_file import MAY_BE_ZERO, SECTIONS, WINDOWS_MS_MAX, read_rules
from attribution.rules.rules import Rules
from schemas.file_error import FileError
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, EventMs
from tests.attribution.rules.rule_world import CALLED, MARCH, MOMENTS, WINDOWS, found, rulebooks
from tests.checkout import ROOT
from tests.documents.document import blocks_in
from tests.oracle.rulebook import Rulebook

EXAMPLE = ROOT / "deploy" / "rules.example.toml"


def read(text: str) -> Rules:
    return read_rules(text, Rules())


def refusal(text: str) -> str:
    with pytest.raises(FileError) as refused:
        read_rules(text, Rules())
    line = str(refused.value)
    assert "\n" not in line
    return line


def scope(*lines: str) -> str:
    return "\n".join(["[[scope]]", *lines])


# --- what is taken --------------------------------------------------------------------------------


def test_an_empty_file_is_the_common_defaults() -> None:
    assert read("") == Rules()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("250ms", 250),
        ("90s", 90_000),
        ("30m", 30 * MINUTE_MS),
        ("6h", 6 * HOUR_MS),
        ("7d", 7 * DAY_MS),
        ("1.5d", 36 * HOUR_MS),
    ],
)
def test_lengths_of_time_are_written_with_their_unit(written: str, expected: int) -> None:
    text = f'[windows]\nclick = "{written}"\nprobabilistic_click = "1ms"'
    assert read(text).default.windows.click == expected


def test_what_a_file_does_not_say_stays_as_it_is() -> None:
    base = Rules(late_ms_max=DAY_MS, touches_per_key_max=7)
    rules = read_rules('[fraud]\nctit_anomalies = "off"', base)
    assert (rules.late_ms_max, rules.touches_per_key_max) == (DAY_MS, 7)
    assert rules.default.windows == base.default.windows
    assert rules.default.fraud.ctit_anomalies == "off"


def test_every_window_may_be_as_long_as_its_maximum_and_not_a_millisecond_longer() -> None:
    for name, most in WINDOWS_MS_MAX.items():
        long = 'click = "30d"\nview = "24h"\n' if name.startswith("probabilistic") else ""
        assert getattr(read(f'[windows]\n{long}{name} = "{most}ms"').default.windows, name) == most
        assert f"windows.{name}" in refusal(f'[windows]\n{long}{name} = "{most + 1}ms"')


def test_only_windows_that_mean_something_at_zero_may_be_zero() -> None:
    for name in WINDOWS_MS_MAX:
        text = f'[windows]\n{name} = "0s"'
        if name in MAY_BE_ZERO:
            assert getattr(read(text).default.windows, name) == 0
        else:
            assert refusal(text).startswith(f"windows.{name}: 0s is out of range; allowed: 1ms to ")


def test_periods_that_touch_do_not_overlap() -> None:
    rules = read(
        scope('app_id = "a"', "until = 2026-03-01T00:00:00Z", 'windows.click = "1d"')
        + "\n"
        + scope('app_id = "a"', "from = 2026-03-01T00:00:00Z", 'windows.click = "2d"')
    )
    assert rules.app_policy("a", EventMs(MARCH - 1)).windows.click == DAY_MS
    assert rules.app_policy("a", EventMs(MARCH)).windows.click == 2 * DAY_MS


def test_times_count_in_utc_whatever_zone_they_are_written_in() -> None:
    rules = read(scope('app_id = "a"', "from = 2026-03-01T02:00:00+02:00"))
    assert [one.since for one in rules.scopes] == [MARCH]


def test_the_example_beside_the_deployment_says_what_its_comments_say() -> None:
    rules = read(EXAMPLE.read_text())
    spring = rules.policy("puzzle", "meadow", "puzzle_social_5", EventMs(MARCH))
    assert rules.default.windows.click == 7 * DAY_MS
    assert rules.app_policy("puzzle", EventMs(MARCH)).windows.reattribution == 30 * DAY_MS
    assert spring.windows.click == 3 * DAY_MS
    assert rules.policy("puzzle", "meadow", "other", EventMs(MARCH)).windows.click == DAY_MS
    assert rules.policy("puzzle", "meadow", "other", EventMs(MARCH - 1)).windows.click == 7 * DAY_MS
    assert spring.fraud.ctit_anomalies == "reject"
    assert rules.policy("run", "adroute", "", EventMs(MARCH)).probabilistic.click
    assert not rules.policy("run", "adroute", "", EventMs(MARCH)).probabilistic.view


def test_the_documents_show_a_file_that_is_taken() -> None:
    shown = next(block.text for block in blocks_in("toml") if block.text.startswith("[windows]"))
    rules = read(shown)
    assert rules.default.windows.view == 12 * HOUR_MS
    assert rules.policy("any", "meadow", "", EventMs(MARCH)).windows.click == DAY_MS


def test_the_example_names_every_key_there_is() -> None:
    output = tomllib.loads(EXAMPLE.read_text())
    for name, kind in SECTIONS.items():
        known = {field.name for field in fields(kind)}
        assert set(output[name]) == known, name


def test_the_example_says_the_defaults_before_its_scopes() -> None:
    assert read(EXAMPLE.read_text()).default == Rules().default


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # no TOML, or not in the shape of one of ours
        ("click = ", "this is not TOML: "),
        ("[window]", "unknown key 'window', did you mean windows?"),
        (
            "bids = 1",
            "unknown key 'bids'; allowed: windows, probabilistic, fraud, consent, sco",
        ),
        ("windows = 7", "windows: 7 is not a table; allowed: keys and values"),
        ("[scope]\napp_id = 'a'", "scope: this is not a list of tables; allowed: [[scope]] blocks"),
        ("scope = [1]", "scope: this is not a list of tables; allowed: [[scope]] blocks"),
        # windows
        ('[windows]\nclik = "7d"', "windows: unknown key 'clik', did you mean click?"),
        ('[windows]\nclick = "-7d"', "windows.click: -7d is out of range; allowed: 1ms to 30d"),
        ('[windows]\nclick = "31d"', "windows.click: 31d is out of range; allowed: 1ms to 30d"),
        ('[windows]\nview = "25h"', "windows.view: 25h is out of range; allowed: 1ms to 1d"),
        ("[windows]\nclick = 7", "windows.click: 7 is not a duration such as"),
        ('[windows]\nclick = "7 days"', "windows.click: '7 days' is not a duration such as"),
        ("[windows]\nclick = true", "windows.click: True is not a duration such as"),
        (f'[windows]\nclick = "{"9" * 400}d"', "is not a duration such as"),
        ('[windows]\nclick = "999999999999d"', "is out of range; allowed: 1ms to 30d"),
        (
            '[windows]\nclick = "5h"',
            "windows: the probabilistic_click window is longer than the click window",
        ),
        (
            '[windows]\nprobabilistic_view = "6h"\nview = "5h"',
            "windows: the probabilistic_view window is longer than the view window",
        ),
        # matching without ids
        ("[probabilistic]\nclick = 1", "probabilistic.click: Expected `bool`, got `int`"),
        (
            "[probabilistic]\nconfidence = 1.0",
            "confidence: 1.0 is out of range; allowed: 0.5",
        ),
        (
            "[probabilistic]\nconfidence = 0.4",
            "confidence: 0.4 is out of range; allowed: 0.5",
        ),
        (
            "[probabilistic]\nconfidence = nan",
            "confidence: nan is out of range; allowed: 0.5",
        ),
        ("[probabilistic]\nconfidence = '0.9'", "probabilistic.confidence: Expected `float`"),
        # fraud
        (
            "[fraud]\nctit_anomalies = 'delete'",
            "fraud.ctit_anomalies: 'delete' is not a choice; allowed: off, reject, suspicious, tag",
        ),
        ("[fraud]\nclick_flod = 'tag'", "fraud: unknown key 'click_flod', did you mean click_"),
        (
            "[fraud]\nengagements_max = -1",
            "engagements_max: -1 is out of range; allowed: 1 to",
        ),
        (
            "[fraud]\nengagements_max = 0",
            "fraud.engagements_max: 0 is out of range",
        ),
        (
            "[fraud]\nengagement_window_ms = '0s'",
            "engagement_window_ms: 0s is out of range",
        ),
        ("[fraud]\nengagements_max = 1.5", "fraud.engagements_max: Expected `int`, got `float`"),
        ("[fraud]\nengagements_max = 10000000", "10000000 is out of range; allowed: 1 to 1000000"),
        (
            "[fraud]\nshort_ctit_ms = '-1s'",
            "fraud.short_ctit_ms: -1s is out of range",
        ),
        ("[fraud]\nshort_ctit_ms = '31d'", "31d is out of range; allowed: 0ms to 30d"),
        (
            "[fraud]\nsite_posterior_min = inf",
            "fraud.site_posterior_min: inf is out of range; allowed: 0.5",
        ),
        # scopes
        (scope('windows.click = "1d"'), "scope[0]: it selects nothing: give it one of app_id"),
        (scope('app_id = ""'), "scope[0].app_id: '' is not a name; allowed: text, or no key"),
        (scope("app_id = 7"), "scope[0].app_id: 7 is not a name; allowed: text, or no key"),
        (scope('app = "a"'), "scope[0]: unknown key 'app'; allowed: app_id, media_"),
        (
            scope('app_id = "a"', 'windows.click = "0s"'),
            "scope[0].windows.click: 0s is out of",
        ),
        (scope('app_id = "a"', 'fraud = "off"'), "scope[0].fraud: 'off' is not a table"),
        (
            scope('media_source = "m"', 'windows.reattribution = "9d"'),
            "scope[0].windows.reattribution: this window holds for the whole app",
        ),
        # periods
        (
            scope('app_id = "a"', "from = 2026-03-01T00:00:00"),
            "scope[0].from: 2026-03-01T00:00:00 is not",
        ),
        (
            scope('app_id = "a"', "from = 2026-03-01"),
            "scope[0].from: 2026-03-01 is not a time with",
        ),
        (
            scope('app_id = "a"', 'until = "2026-03-01"'),
            "scope[0].until: '2026-03-01' is not",
        ),
        (scope('app_id = "a"', "from = 2026-03-01T00:00:00+99:00"), "this is not TOML: "),
        (
            scope('app_id = "a"', "until = 1969-12-31T23:00:00Z"),
            "scope[0].until: 1969-12-31T23:00:00",
        ),
        (
            scope('app_id = "a"', "from = 2026-03-02T00:00:00Z", "until = 2026-03-01T00:00:00Z"),
            "scope[0]: it ends (until) before it begins (from)",
        ),
        (
            scope('app_id = "a"') + "\n" + scope('app_id = "a"'),
            "scope[1]: it overlaps scope[0]: same selectors at the same time",
        ),
        (
            scope('app_id = "a"', "until = 2026-03-02T00:00:00Z")
            + "\n"
            + scope('app_id = "b"')
            + "\n"
            + scope('app_id = "a"', "from = 2026-03-01T00:00:00Z"),
            "scope[2]: it overlaps scope[0]: same selectors at the same time",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, expected: str) -> None:
    assert expected in refusal(text)


def test_lists_without_end_are_refused() -> None:
    gc.collect()  # What earlier tests left shall not be finalised where no stack is left for it.
    text = "a = " + "[" * (5 * sys.getrecursionlimit())
    assert "nested too deeply" in refusal(text)


SHORT_CLICK = 'media_source = "m"', 'windows.click = "2h"'


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (('app_id = "a"', 'windows.probabilistic_click = "3h"'), "scope[1] with scope[0]"),
        (('campaign_id = "c"', 'windows.probabilistic_click = "3h"'), "scope[1] with scope[0]"),
        (
            ('media_source = "m"', 'campaign_id = "c"', 'windows.probabilistic_click = "3h"'),
            "scope[1]",
        ),
    ],
)
def test_a_guess_may_not_count_longer_than_an_id_where_two_scopes_meet(
    other: tuple[str, ...], where: str
) -> None:
    short = '[windows]\nprobabilistic_click = "1h"\n'
    assert refusal(short + scope(*SHORT_CLICK) + "\n" + scope(*other)) == (
        f"{where}: the probabilistic_click window is longer than the click window"
    )


def test_scopes_that_never_meet_are_not_measured_against_each_other() -> None:
    other = scope('media_source = "n"', 'windows.probabilistic_click = "3h"')
    read('[windows]\nprobabilistic_click = "1h"\n' + scope(*SHORT_CLICK) + "\n" + other)
    later = scope(
        'app_id = "a"', "from = 2026-03-01T00:00:00Z", 'windows.probabilistic_click = "3h"'
    )
    sooner = scope(*SHORT_CLICK, "until = 2026-03-01T00:00:00Z")
    read('[windows]\nprobabilistic_click = "1h"\n' + sooner + "\n" + later)


@settings(max_examples=150, deadline=None)
@given(rulebooks(WINDOWS, {"windows.probabilistic_click": HOUR_MS}))
def test_a_file_is_refused_exactly_when_some_touchpoint_meets_windows_that_disagree(
    book: Rulebook,
) -> None:
    disagree = any(
        int(found(book, "windows.probabilistic_click", names, time))
        > int(found(book, "windows.click", names, time))
        for names in CALLED
        for time in MOMENTS
    )
    if disagree:
        with pytest.raises(FileError) as refused:
            read_rules(book.text(), Rules())
        expected = "the probabilistic_click window is longer than the click window"
        assert refused.value.wrong == expected
    else:
        read_rules(book.text(), Rules())
