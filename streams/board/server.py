"""The HTTP server: pages as JSON, panels as CSV, and a stream that says when to look again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from importlib.resources import files
from typing import Any

import orjson
from aiohttp import web

from streams.board.access import HEADERS, Access, guard
from streams.board.answers import PageAnswers, PanelAnswer
from streams.board.filters import DAYS, Filters, filters_of
from streams.board.page_readings import PageReadings
from streams.board.pages import PAGES
from streams.board.panel import Page
from streams.errors import HeadwaterError, in_one_line
from streams.store.reading.format_answer import format_answer
from streams.store.reading.spreadsheet import for_spreadsheets

TICK_SECONDS = 2.0
"""How often an open page asks whether there is something new."""

FIRST_PAGE = "today"

READY_REST = 20.0
"""The first page is kept ready so many times more seldom than reading it takes: at most a twentieth
of the time goes into what nobody may look at."""

VIEWERS_MAX = 64
"""Open streams; a browser beyond them reads without being told of news."""

ID_LENGTH_MAX = 512
"""Characters of an id that somebody pastes: more than any id or position has."""

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
Explain = Callable[[str, str], tuple[bool, str]]
"""Id and app -> whether it is known, and what became of it, in words."""


class BoardServer:
    """Routes of the board."""

    def __init__(
        self,
        answers: PageAnswers,
        explain: Explain,
        access: Access,
        ready_seconds: float | None = None,
    ) -> None:
        """`ready_seconds`: how often the first page is read although nobody asks; None: never."""
        self._answers = answers
        self._explain = explain
        self._readings = PageReadings(answers)
        self._viewers = 0
        self._ready_seconds = ready_seconds
        self._is_closing = asyncio.Event()
        self.application = web.Application(middlewares=[guard(access)])
        self.application.add_routes(
            [
                web.get("/", self._home),
                web.get("/api/pages", self._menu),
                web.get("/api/page/{page}", self._page),
                web.get("/api/explain", self._explanation),
                web.get("/csv/{page}/{panel}", self._csv),
                web.get("/ticks", self._ticks),
                web.get("/assets/{name}", _asset),
                web.get("/{page}", self._shell),
            ]
        )
        self.application.cleanup_ctx.append(self._running)
        self.application.on_shutdown.append(self._close)

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        keeper = asyncio.create_task(self._keep_ready())
        yield
        keeper.cancel()
        await asyncio.wait([keeper])
        self._readings.close()

    async def _close(self, _: web.Application) -> None:
        self._is_closing.set()

    async def _home(self, _: web.Request) -> web.StreamResponse:
        return web.HTTPFound(f"/{FIRST_PAGE}")

    async def _shell(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["page"] not in PAGES:
            raise web.HTTPNotFound(text="no such page; the menu is at /today\n")
        return _file("index.html")

    async def _menu(self, _: web.Request) -> web.StreamResponse:
        pages = [{"name": page.name, "title": page.title} for page in PAGES.values()]
        return _json({"pages": pages, "days": DAYS})

    async def _page(self, request: web.Request) -> web.StreamResponse:
        page = PAGES.get(request.match_info["page"])
        if page is None:
            raise web.HTTPNotFound(text="no such page\n")
        try:
            filters = filters_of(request.query)
        except HeadwaterError as error:
            return _json({"reason": in_one_line(error)}, status=400)
        # A line as often as there is more to show: what is kept at once, then panel by panel.
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **HEADERS})
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the page was closed
            await self._send(response, page, filters, request.query.get("seen", ""))
        return response

    async def _send(
        self, response: web.StreamResponse, page: Page, filters: Filters, seen: str
    ) -> None:
        """`seen`: the stamp of the whole page that the browser has."""
        known: Sequence[PanelAnswer] = ()
        async with aclosing(self._readings.follow(page, filters)) as answers:
            async for answer in answers:
                if answer.stamp == seen and answer.is_whole:
                    known = answer.panels
                await response.write(_line(answer.as_json(self._answers.now(), known)))
                known = answer.panels

    async def _keep_ready(self) -> None:
        """Read the first page now and again, so that whoever opens the board sees it at once."""
        while self._ready_seconds is not None and not self._is_closing.is_set():
            began = time.monotonic()
            async for _ in self._readings.follow(PAGES[FIRST_PAGE], Filters()):
                pass
            rest = READY_REST * (time.monotonic() - began)
            await _wait(self._is_closing, max(self._ready_seconds, rest))

    async def _csv(self, request: web.Request) -> web.StreamResponse:
        page = PAGES.get(request.match_info["page"])
        panel = page.panel(request.match_info["panel"]) if page else None
        if page is None or panel is None:
            raise web.HTTPNotFound(text="no such panel\n")
        try:
            filters = filters_of(request.query)
        except HeadwaterError as error:
            return web.Response(status=400, text=f"{in_one_line(error)}\n")
        try:
            rows = await self._readings.blocking(partial(self._answers.rows, panel, filters))
        except HeadwaterError as error:
            return web.Response(status=503, text=f"{in_one_line(error)}\n")
        name = f"headwater-{page.name}-{panel.name}.csv"
        return web.Response(
            body=for_spreadsheets(format_answer(rows, "CSVWithNames")),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _explanation(self, request: web.Request) -> web.StreamResponse:
        identifier = request.query.get("id", "").strip()
        if not identifier or len(identifier) > ID_LENGTH_MAX:
            return _json({"reason": f"an id has 1 to {ID_LENGTH_MAX} characters"}, status=400)
        app = request.query.get("app", "")
        try:
            is_known, text = await self._readings.blocking(partial(self._explain, identifier, app))
        except HeadwaterError as error:
            return _json({"reason": in_one_line(error)}, status=503)
        return _json({"isKnown": is_known, "text": text})

    async def _ticks(self, request: web.Request) -> web.StreamResponse:
        """A line every `TICK_SECONDS`, so that an open page reads again, and knows it is heard."""
        if self._viewers >= VIEWERS_MAX:
            raise web.HTTPServiceUnavailable(text="too many open pages\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._viewers += 1
        try:
            while not self._is_closing.is_set():
                await response.write(b"data: tick\n\n")
                await _wait(self._is_closing, TICK_SECONDS)
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            self._viewers -= 1
        return response


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _asset(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _ASSETS:
        raise web.HTTPNotFound(text="no such file\n")
    return _file(name)


def _file(name: str) -> web.Response:
    body = files("streams.board").joinpath("assets", name).read_bytes()
    kind = _TYPES.get(name[name.rfind(".") :], "text/plain")
    return web.Response(body=body, content_type=kind, charset="utf-8")


INTEGER_MAX = 2**53 - 1
"""The largest whole number that a browser keeps exact; a larger one is sent as text."""


def exact(value: Any) -> Any:
    """The value of JSON, with whole numbers that a browser would round as texts."""
    if isinstance(value, int):
        return value if -INTEGER_MAX <= value <= INTEGER_MAX else str(value)
    if isinstance(value, dict):
        return {str(name): exact(item) for name, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list | tuple) else value


def _line(value: Any) -> bytes:
    return orjson.dumps(exact(value), default=str, option=orjson.OPT_APPEND_NEWLINE)


def _json(value: Any, status: int = 200) -> web.Response:
    body = orjson.dumps(exact(value), default=str)
    return web.Response(body=body, status=status, content_type="application/json")


_ASSETS = frozenset(
    {"board.js", "charts.js", "board.css", "icon.svg", "echarts.common.min.js", "NOTICE"}
)
