"""Whoever may look gets pages, rows to take away, and words; nobody else gets anything."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from streams.board.access import COOKIE, POLICY, Access
from streams.board.answers import PageAnswers
from streams.board.pages import PAGES
from streams.board.server import VIEWERS_MAX, BoardServer, _json
from streams.errors import Stop
from streams.store.base import QueryResult, UnavailableError
from tests.streams.board.conftest import StoreDoor, page_of

TOKEN = "a-token-of-enough-characters"
OPEN = Access("127.0.0.1")
Browser = TestClient[Any, Any]
_Result = TypeVar("_Result")


def browse(
    answers: PageAnswers, access: Access, story: Callable[[Browser], Awaitable[_Result]]
) -> _Result:
    """What a browser sees that does as the story says."""

    async def run() -> _Result:
        board = BoardServer(answers, lambda name, app: (True, f"{name} of {app}"), access)
        async with TestClient(TestServer(board.application)) as browser:
            return await story(browser)

    return asyncio.run(run())


def get(answers: PageAnswers, path: str, access: Access = OPEN, **headers: str) -> tuple[int, str]:
    """Status and text of one request."""

    async def story(browser: Browser) -> tuple[int, str]:
        response = await browser.get(path, headers=headers, allow_redirects=False)
        return response.status, await response.text()

    return browse(answers, access, story)


def test_every_page_of_the_menu_is_there_and_forbids_foreign_content(answers: PageAnswers) -> None:
    async def story(browser: Browser) -> list[ClientResponse]:
        return [await browser.get(f"/{name}") for name in PAGES]

    for response in browse(answers, OPEN, story):
        assert response.status == 200
        assert response.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY


def test_no_file_of_the_board_names_another_host() -> None:
    folder = files("streams.board").joinpath("assets")
    for name in ("index.html", "board.js", "charts.js", "board.css"):
        text = folder.joinpath(name).read_text()
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), name
        assert "style=" not in text, f"{name}: the policy forbids styles in attributes"


def test_a_page_brings_its_panels_with_sql_and_rows(answers: PageAnswers) -> None:
    status, text = get(answers, "/api/page/today?days=365&app=puzzle")
    page = page_of(text)
    assert (status, page["isReading"], page["reason"]) == (200, False, "")
    assert page["apps"] == ["puzzle"]
    assert page["newestDay"] == "2026-01-01"
    assert all("app_id = 'puzzle'" in panel["sql"] for panel in page["panels"])
    installs = page["panels"][1]
    assert installs["rows"]
    assert installs["columns"] == ["day", "paid", "organic"]


def test_a_panel_is_taken_away_as_csv(answers: PageAnswers) -> None:
    status, text = get(answers, "/csv/today/installs?days=365")
    assert status == 200
    assert text.splitlines()[0] == '"day","paid","organic"'
    assert len(text.splitlines()) > 1


def test_a_name_that_is_a_formula_is_taken_away_as_a_text(answers: PageAnswers) -> None:
    answers.rows = lambda *_: QueryResult(("campaign", "usd"), [("=1+1", -5)])  # type: ignore[method-assign]  # what producers send
    assert get(answers, "/csv/today/installs")[1] == '"campaign","usd"\n"\'=1+1",-5\n'


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (2**53 - 1, "9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**63), '"-9223372036854775808"'),
        (2**127, f'"{2**127}"'),
        ({"EUR": 2**60}, '{"EUR":"1152921504606846976"}'),
        ([1, 2**60], '[1,"1152921504606846976"]'),
        (True, "true"),
        (1.5, "1.5"),
    ],
)
def test_a_browser_gets_whole_numbers_that_it_cannot_keep_as_texts(value: Any, sent: str) -> None:
    assert _json({"rows": [(value,)]}).text == f'{{"rows":[[{sent}]]}}'


def test_an_id_is_explained(answers: PageAnswers) -> None:
    assert get(answers, "/api/explain?id=i1&app=puzzle") == (
        200,
        '{"isKnown":true,"text":"i1 of puzzle"}',
    )
    assert get(answers, "/api/explain?id=")[0] == 400
    assert get(answers, f"/api/explain?id={'x' * 513}")[0] == 400


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/page/nothing", "/csv/today/nothing", "/csv/nothing/installs",
     "/assets/../server.py", "/assets/%2e%2e%2fserver.py", "/assets/index.html"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(answers: PageAnswers, path: str) -> None:
    assert get(answers, path)[0] == 404


_SOON = "days is not a number from 1 to 365: soon"


def test_a_wrong_filter_is_told_and_costs_no_look_at_the_store(
    answers: PageAnswers, door: StoreDoor
) -> None:
    status, text = get(answers, "/api/page/today?days=soon")
    assert (status, door.opened) == (400, 0)
    assert _SOON in text
    assert get(answers, "/csv/today/installs?days=soon") == (400, f"{_SOON}\n")
    assert door.opened == 0


def test_without_the_store_rows_to_take_away_are_refused_with_the_reason(
    answers: PageAnswers, door: StoreDoor
) -> None:
    door.error = UnavailableError("ClickHouse at here: connection refused")
    assert get(answers, "/csv/today/installs") == (503, "ClickHouse at here: connection refused\n")


def test_a_name_that_was_pointed_at_this_machine_gets_nothing(answers: PageAnswers) -> None:
    assert get(answers, "/api/pages", Host="evil.example:6070")[0] == 421
    assert get(answers, "/api/pages", Host="localhost:6070")[0] == 200
    assert get(answers, "/api/pages", Host="[::1]:6070")[0] == 200
    assert get(answers, "/api/pages", Host="localhost.evil.example")[0] == 421


def test_with_a_token_a_browser_shows_it_once_and_keeps_it_as_a_cookie(
    answers: PageAnswers,
) -> None:
    async def story(browser: Browser) -> tuple[ClientResponse, str, int]:
        first = await browser.get(f"/today?token={TOKEN}&days=7", allow_redirects=False)
        browser.session.cookie_jar.clear()
        shown = {"Cookie": f"{COOKIE}={TOKEN}"}
        return first, first.headers["Location"], (await browser.get("/today", headers=shown)).status

    first, address, later = browse(answers, Access("0.0.0.0", TOKEN), story)
    assert (first.status, address, later) == (303, "/today?days=7", 200)
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"},
     {"Cookie": f"{COOKIE}=wrong"}, {"Authorization": "Bearer "}],
    ids=str,
)  # fmt: skip
def test_without_the_token_nothing_is_shown(answers: PageAnswers, headers: dict[str, str]) -> None:
    access = Access("0.0.0.0", TOKEN)
    for path in ("/today", "/api/page/today", "/csv/today/installs", "/assets/board.js", "/ticks"):
        assert get(answers, path, access, **headers)[0] == 401
    assert get(answers, "/today?token=wrong", access, **headers)[0] == 401


def test_a_script_shows_the_token_as_a_bearer(answers: PageAnswers) -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    assert get(answers, "/api/pages", Access("0.0.0.0", TOKEN), **shown)[0] == 200


def test_behind_a_proxy_its_header_lets_people_in(answers: PageAnswers) -> None:
    access = Access("0.0.0.0", proxy_header="X-Forwarded-User")
    assert get(answers, "/today", access)[0] == 401
    assert get(answers, "/today", access, **{"X-Forwarded-User": "somebody"})[0] == 200


def test_with_both_the_header_counts_only_from_whoever_knows_the_token(
    answers: PageAnswers,
) -> None:
    access = Access("0.0.0.0", TOKEN, "X-Forwarded-User")
    user, token = {"X-Forwarded-User": "somebody"}, {"Authorization": f"Bearer {TOKEN}"}
    assert get(answers, "/today", access, **user)[0] == 401
    assert get(answers, "/today", access, **token)[0] == 401
    assert get(answers, "/today", access, **user, **token)[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "board.example"])
def test_a_board_that_the_network_reaches_needs_a_lock(host: str) -> None:
    with pytest.raises(Stop, match="open to the whole network"):
        Access(host).check()
    Access(host, TOKEN).check()
    Access(host, proxy_header="X-Forwarded-User").check()


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(Stop, match="shorter than 16 characters"):
        Access("127.0.0.1", "1234").check()


def test_an_open_page_is_told_when_to_look_again_and_streams_are_bounded(
    answers: PageAnswers,
) -> None:
    async def story(browser: Browser) -> tuple[bytes, int]:
        streams = [await browser.get("/ticks") for _ in range(VIEWERS_MAX)]
        line = await streams[0].content.readline()
        beyond = (await browser.get("/ticks")).status
        for stream in streams:
            stream.close()
        return line, beyond

    assert browse(answers, OPEN, story) == (b"data: tick\n", 503)


def test_a_browser_that_has_the_page_gets_none_of_its_panels_again(answers: PageAnswers) -> None:
    first = page_of(get(answers, "/api/page/operations")[1])
    again = page_of(get(answers, f"/api/page/operations?seen={quote(first['stamp'])}")[1])
    assert again["stamp"] == first["stamp"]
    assert (len(first["panels"]), again["panels"]) == (len(PAGES["operations"].panels), [])


def test_the_first_page_is_ready_before_anybody_looks(
    answers: PageAnswers, door: StoreDoor
) -> None:
    async def run() -> tuple[int, dict[str, Any]]:
        board = BoardServer(answers, lambda *_: (True, ""), OPEN, ready_seconds=3600.0)
        async with TestClient(TestServer(board.application)) as browser:
            await asyncio.to_thread(door.was_opened.wait, 20)
            page = page_of(await (await browser.get("/api/page/today")).text())
            return door.opened, page

    opened, page = asyncio.run(run())
    assert opened == 1
    assert all(panel["isRead"] for panel in page["panels"])
