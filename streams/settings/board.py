"""Settings of the board: where it listens, and who may look at it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from streams.settings.values import Secret


class BoardSettings(Struct, frozen=True, kw_only=True):
    host: Annotated[
        str,
        Meta(
            description="Address that the board listens on. On any but one of this machine it asks "
            "for HEADWATER_BOARD_TOKEN or HEADWATER_BOARD_PROXY_HEADER.",
            examples=["0.0.0.0"],
        ),
    ] = field(name="HEADWATER_BOARD_HOST", default="127.0.0.1")
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="Port of the board. 0: one that is free.",
            examples=["8080"],
        ),
    ] = field(name="HEADWATER_BOARD_PORT", default=6070)
    token: Annotated[
        Secret | None,
        Meta(
            description="Secret that a browser shows to see the board, of at least 16 characters: "
            "open it once with `?token=`.",
            examples=["HEADWATER_BOARD_TOKEN_FILE=/run/secrets/board"],
        ),
    ] = field(name="HEADWATER_BOARD_TOKEN", default=None)
    proxy_header: Annotated[
        str,
        Meta(
            description="Header in which a proxy that signs people in names them: requests without "
            "it are refused. Only that proxy may reach the board, for anybody can send a header; "
            "or set HEADWATER_BOARD_TOKEN, too, which the proxy sends as `Authorization: Bearer`.",
            examples=["X-Forwarded-User"],
        ),
    ] = field(name="HEADWATER_BOARD_PROXY_HEADER", default="")
