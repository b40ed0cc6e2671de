"""TLS to ClickHouse: a certificate that is not trusted is named in one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.settings.storing import StoreTarget
from streams.store.base import Refused, UnavailableError
from streams.store.server import ServerStore
from tests.integration.wire.conftest import target_of
from tests.native_server import NativeServer
from tests.native_server.certificates import tls_of


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NativeServer, StoreTarget]]:
    """A server with a certificate, and a target that trusts its authority."""
    pytest.importorskip("chdb")
    folder = tmp_path_factory.mktemp("tls")
    context, authority = tls_of(folder / "own")
    server = NativeServer(folder / "store", tls=context)
    try:
        yield server, replace(target_of(server, 3.0), ca_certificate=authority)
    finally:
        server.stop()


def refusal(target: StoreTarget, kind: type[Exception] = Refused) -> str:
    store = ServerStore(target)
    with pytest.raises(kind) as caught:
        store.query("SELECT 1")
    store.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_trusted_certificate_lets_everything_through(
    secure: tuple[NativeServer, StoreTarget],
) -> None:
    store = ServerStore(secure[1])
    store.execute("CREATE TABLE IF NOT EXISTS numbered (x Int64) ENGINE = MergeTree ORDER BY x")
    store.insert("numbered", {"x": list(range(10_000))})
    assert store.query("SELECT count(), sum(x) FROM numbered").rows == [(10_000, 49_995_000)]
    store.close()


def test_a_certificate_of_another_authority_is_refused_in_one_line(
    secure: tuple[NativeServer, StoreTarget], tmp_path: Path
) -> None:
    _, other = tls_of(tmp_path / "other")
    line = refusal(replace(secure[1], ca_certificate=other))
    assert "certificate" in line
    assert "HEADWATER_CLICKHOUSE_CA_CERTIFICATE" in line

    line = refusal(replace(secure[1], ca_certificate=None))
    assert "HEADWATER_CLICKHOUSE_CA_CERTIFICATE" in line


def test_a_certificate_of_another_host_is_refused_in_one_line(
    secure: tuple[NativeServer, StoreTarget],
) -> None:
    server, target = secure
    elsewhere = replace(target, url=server.url.replace("localhost", "127.0.0.1"))
    assert "127.0.0.1" in refusal(elsewhere)


def test_a_file_that_is_no_certificate_is_named(
    secure: tuple[NativeServer, StoreTarget], tmp_path: Path
) -> None:
    wrong = tmp_path / "not.pem"
    wrong.write_text("nothing")
    assert "not.pem" in refusal(replace(secure[1], ca_certificate=wrong))
    assert "absent.pem" in refusal(replace(secure[1], ca_certificate=tmp_path / "absent.pem"))


def test_speaking_without_tls_to_a_port_with_tls_says_so(
    secure: tuple[NativeServer, StoreTarget],
) -> None:
    server, target = secure
    plain = replace(target, url=server.url.replace("clickhouses:", "clickhouse:"))
    assert "clickhouses://" in refusal(plain, UnavailableError)


def test_a_wrong_password_is_one_line_over_tls_too(
    secure: tuple[NativeServer, StoreTarget],
) -> None:
    assert "correct HEADWATER_CLICKHOUSE" in refusal(replace(secure[1], password="wrong"))
