"""Debian's clickhouse-server on loopback, with its own configuration and data folder.

Version 18.16 lacks most of the DDL that Headwater's tables need: it is here for what happens
on the wire (refused, hung and broken connections, a server killed in the middle of an insert).
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import ClassVar

from deploy.local.program import LOOPBACK, LocalServer, ServerError

READY_SECONDS = 60.0
PROGRAM = "clickhouse-server"

# No <openSSL>: the distribution's block names certificates that do not exist.
_CONFIG = """\
<?xml version="1.0"?>
<yandex>
    <logger>
        <level>warning</level>
        <console>1</console>
    </logger>
    <listen_host>{host}</listen_host>
    <tcp_port>{tcp_port}</tcp_port>
    <http_port>{http_port}</http_port>
    <path>{folder}/store/</path>
    <tmp_path>{folder}/tmp/</tmp_path>
    <user_files_path>{folder}/user_files/</user_files_path>
    <format_schema_path>{folder}/format_schemas/</format_schema_path>
    <users_config>{folder}/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
    <timezone>UTC</timezone>
    <max_connections>256</max_connections>
    <keep_alive_timeout>3</keep_alive_timeout>
    <max_concurrent_queries>100</max_concurrent_queries>
    <uncompressed_cache_size>67108864</uncompressed_cache_size>
    <mark_cache_size>67108864</mark_cache_size>
</yandex>
"""

_USERS = """\
<?xml version="1.0"?>
<yandex>
    <profiles>
        <default>
            <max_memory_usage>2000000000</max_memory_usage>
        </default>
    </profiles>
    <users>
        <default>
            <password></password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
    </users>
    <quotas>
        <default></default>
    </quotas>
</yandex>
"""


def clickhouse_absence() -> str | None:
    """Why a ClickHouse server cannot be started here; None when it can."""
    if _program() is not None:
        return None
    return f"there is no {PROGRAM}; install it (Debian: apt-get install {PROGRAM})"


def _program() -> str | None:
    # Debian puts it into a folder that is not on the path of every user.
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class ClickHouseServer(LocalServer):
    """A server with its folder and ports; after a kill, `start` continues with the same data."""

    program_name: ClassVar[str] = "clickhouse"
    tcp_port: int
    http_port: int

    @property
    def url(self) -> str:
        """For clickhouse-driver: native protocol, no password."""
        return f"clickhouse://default:@{LOOPBACK}:{self.tcp_port}/default"

    def start(self, *, dies_with_parent: bool = False) -> None:
        """Start the server; `wait_ready` says when it answers."""
        found = _program()
        if found is None:
            raise ServerError(clickhouse_absence() or f"no {PROGRAM}")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "config.xml"
        config.write_text(
            _CONFIG.format(
                host=LOOPBACK,
                folder=self.folder,
                tcp_port=self.tcp_port,
                http_port=self.http_port,
            )
        )
        (self.folder / "users.xml").write_text(_USERS)
        self.program.launch(
            [found, f"--config-file={config}"],
            dies_with_parent=dies_with_parent,
        )

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the server answers a query; ServerError otherwise."""
        self.program.wait_ready(lambda: self.query("SELECT 1") is not None, seconds)

    def version(self) -> str:
        return self.query("SELECT version()") or "unknown"

    def query(self, sql: str) -> str | None:
        """The answer of one statement over HTTP; None when the server does not answer."""
        url = f"http://{LOOPBACK}:{self.http_port}/"
        # Never through a proxy of the environment: the server is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, data=sql.encode(), timeout=5) as answer:
                text: str = answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None
        return text.strip()
