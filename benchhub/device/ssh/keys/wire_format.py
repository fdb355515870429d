"""Strings and numbers as SSH keys, certificates and agents have them (RFC 4251, section 5)."""

from __future__ import annotations


class Malformed(ValueError):
    """Bytes that end before what they promise."""


class Reader:
    """Reads fields from the front of some bytes; Malformed where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        #: How many bytes have been read.
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > len(self._data) - self.at:
            raise Malformed("it ends too early")
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self, size: int = 4) -> int:
        """Return an unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """Return a string, which has its length in front."""
        return self.take(self.number())

    def strings(self) -> tuple[bytes, ...]:
        """Return all the strings that are left."""
        found = []
        while self.at < len(self._data):
            found.append(self.string())
        return tuple(found)


def string(data: bytes) -> bytes:
    """Return `data` with its length in front."""
    return len(data).to_bytes(4, "big") + data


def number(value: int) -> bytes:
    """Return a number that is not negative as SSH sends one of any size."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def type_of(blob: bytes) -> str:
    """Return the type of a public key or certificate; Malformed if it has none."""
    try:
        return Reader(blob).string().decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("its type is not text") from error
