"""Who may look at the board: whoever is on this machine, or shows the token or the proxy's header.

A page elsewhere in the same browser reaches 127.0.0.1, too, under a name of its own that resolves
to it (DNS rebinding): so a board on loopback answers to names of loopback only.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from streams.errors import Stop

COOKIE = "headwater_board"
TOKEN_LENGTH_MIN = 16
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Access:
    """`token` and `proxy_header` empty: not asked for. Then only loopback is served. With both, a
    request has to show both: the proxy sends the token, so that nobody else's header counts."""

    host: str
    token: str = ""
    proxy_header: str = ""

    def check(self) -> None:
        """Stop: anybody in the network could look, or the token can be guessed."""
        if self.token and len(self.token) < TOKEN_LENGTH_MIN:
            raise Stop(
                f"HEADWATER_BOARD_TOKEN is shorter than {TOKEN_LENGTH_MIN} characters: make one "
                'with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
            )
        if not (is_loopback(self.host) or self.token or self.proxy_header):
            raise Stop(
                f"the board on {self.host} would be open to the whole network: set "
                "HEADWATER_BOARD_TOKEN, or HEADWATER_BOARD_PROXY_HEADER behind a proxy"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(access: Access) -> Middleware:
    """The middleware that lets a request pass, or answers 401 or 421; it adds the headers, too."""

    @web.middleware
    async def admit(request: web.Request, handler: _Next) -> web.StreamResponse:
        try:
            response = _refusal(access, request) or await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return admit


def _refusal(access: Access, request: web.Request) -> web.StreamResponse | None:
    if access.proxy_header and not request.headers.get(access.proxy_header):
        return web.Response(status=401, text="sign in at the proxy first\n")
    if access.token:
        return _without_token(access.token, request)
    if access.proxy_header:
        return None
    name = request.host.rsplit(":", 1)[0] if request.host.count(":") == 1 else request.host
    if name in _LOCAL_NAMES or name.startswith("[::1]"):
        return None
    return web.Response(status=421, text="this board answers to localhost only\n")


def _without_token(token: str, request: web.Request) -> web.StreamResponse | None:
    """None when the request shows the token: as a cookie, or as a bearer. With `?token=` in the
    address, the cookie is set, and the address is left without it."""
    asked = request.query.get("token", "")
    if asked and _is_same(asked, token):
        bare = request.rel_url.without_query_params("token")
        response = web.Response(status=303, headers={"Location": str(bare)})
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", max_age=86_400 * 30)
        return response
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    shown = bearer if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")
    if _is_same(shown, token):
        return None
    return web.Response(status=401, text="open the board with ?token=… once in this browser\n")


def _is_same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), token.encode())
