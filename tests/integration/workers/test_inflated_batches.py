"""Small batches that inflate to gigabytes pass a real broker: a worker neither grows nor stops."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cramjam
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from deploy.local.servers import KafkaServer
from schemas import topics
from schemas.time import DAY_MS
from streams.kafka.topics import create_topics
from streams.lab.bench.free_port import free_port
from streams.runtime.faust.inflation import INFLATED_BYTES_MAX
from streams.runtime.faust.internals import send_request
from tests.chaos.installation import Installation
from tests.integration.workers.test_kafka_away import EVENTS, decided, page, publish, wait_for
from tests.worlds.clock import NOON

MIB = 1_048_576
GZIP, LZ4, ZSTD = 1, 3, 4
TIME = NOON + DAY_MS
CRC_AT, CRC_OF, RECORDS_AT = 17, 21, 61
PIECE = bytes(MIB)
_DEAD_LETTERS = re.compile(r"^headwater_dead_letters_total\{[^\n]* ([\d.e+]+)$", re.MULTILINE)
GROWTH_MIB_MAX = 400
"""Of the worker's memory: a fetch that inflates, what of it waits, and the worker itself."""


def bomb(codec: int, mib: int) -> bytes:
    """A batch of one record with so many zeros, of which nobody has all in memory."""
    size = mib * MIB
    prefix = b"\0\0\0\1" + _varint(size)
    suffix = b"\0"
    record = [_varint(len(prefix) + size + len(suffix)) + prefix, *[PIECE] * mib, suffix]
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    builder.append(0, TIME, None, b"", [])
    content = builder.build()[:RECORDS_AT] + _packed(codec, record)
    content[8:12] = (len(content) - 12).to_bytes(4)
    content[22] = codec
    content[CRC_AT:CRC_OF] = calc_crc32c(bytes(content[CRC_OF:])).to_bytes(4)
    return bytes(content)


def _varint(value: int) -> bytes:
    """A positive number as records have it: doubled, seven bits in each byte, the lowest first."""
    left, octets = 2 * value, bytearray()
    while left >= 0x80:
        octets.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*octets, left])


def _packed(codec: int, pieces: Iterable[bytes]) -> bytes:
    if codec == GZIP:
        member = zlib.compressobj(wbits=31)
        return b"".join([*map(member.compress, pieces), member.flush()])
    frame = cramjam.zstd.Compressor() if codec == ZSTD else _lz4_of_java()
    packed = b""
    for piece in pieces:
        frame.compress(piece)
        packed += bytes(frame.flush()) if codec == LZ4 else b""
    return packed + bytes(frame.finish())


def _lz4_of_java() -> Any:
    """Kafka's own reader takes no blocks that refer to those before them."""
    return cramjam.lz4.Compressor(level=1, content_checksum=False, block_linked=False)


async def send_batches(address: str, topic: str, batches: Iterable[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        for batch in batches:
            answer = await send_request(
                admin, ProduceRequest(None, 1, 60_000, [(topic, [(0, batch)])])
            )
            ((_, ((_, error, *_),)),) = answer.topics
            assert error == 0, f"error {error} of codec {batch[22]}"
    finally:
        await admin.close()


def dead_letters(port: int) -> float:
    found = _DEAD_LETTERS.findall(page(port, "/metrics")[1])
    return sum(map(float, found))


def peak_mib(worker: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{worker.pid}/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) // 1_024


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_bombs_become_dead_letters_and_take_no_memory(kafka: KafkaServer, tmp_path: Path) -> None:
    beyond = [bomb(ZSTD, 1_200), bomb(GZIP, 300), bomb(LZ4, 150)]
    assert len(beyond[0]) < MIB // 8
    # Each keeps the bound of a batch, and one fetch has room for all of them.
    within = [bomb(ZSTD, INFLATED_BYTES_MAX // MIB - 4)] * 30
    installation = Installation("bombs", kafka.address, tmp_path)
    asyncio.run(create_topics(installation.settings.kafka))
    port = free_port()
    worker = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "worker", "--role", "core"],
        env={**installation.environ("core"), "HEADWATER_METRICS_PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: page(port, "/readyz")[0] == 200, worker)
        publish(installation, 0)
        wait_for(lambda: decided(port) >= EVENTS, worker)
        before = peak_mib(worker)
        topic = installation.settings.kafka.topic_prefix + topics.PAYMENTS.name
        asyncio.run(send_batches(kafka.address, topic, [*beyond, *within]))
        publish(installation, EVENTS)
        bombs = len(beyond) + len(within)
        wait_for(lambda: dead_letters(port) >= bombs, worker)
        wait_for(lambda: decided(port) >= 2 * EVENTS, worker)
        assert dead_letters(port) == bombs
        grown = peak_mib(worker) - before
        print(f"grown from {before} by {grown} MiB")
        assert grown < GROWTH_MIB_MAX
        worker.send_signal(signal.SIGTERM)
        _, stderr = worker.communicate(timeout=60)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0, stderr
    assert "Traceback" not in stderr
