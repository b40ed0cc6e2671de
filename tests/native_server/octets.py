"""Numbers and texts of the native protocol, read from a socket or from bytes."""

from __future__ import annotations

import socket
import struct


class Source:
    """Reads exactly what is asked for. EOFError: the other side has gone."""

    def take(self, size: int) -> bytes:
        raise NotImplementedError

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            octet = self.byte()
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value
            shift += 7

    def octets(self) -> bytes:
        return self.take(self.varint())

    def text(self) -> str:
        return self.octets().decode()

    def unsigned64(self) -> int:
        return int.from_bytes(self.take(8), "little")


class SocketSource(Source):
    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb", buffering=1 << 16)

    def take(self, size: int) -> bytes:
        found: bytes = self._file.read(size)
        if len(found) < size:
            raise EOFError
        return found


class BytesSource(Source):
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def take(self, size: int) -> bytes:
        begin, self._position = self._position, self._position + size
        if self._position > len(self._content):
            raise EOFError
        return self._content[begin : self._position]

    @property
    def is_empty(self) -> bool:
        return self._position >= len(self._content)


def varint(value: int) -> bytes:
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def text(value: str) -> bytes:
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def signed32(value: int) -> bytes:
    return struct.pack("<i", value)
