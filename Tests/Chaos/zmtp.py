"""Just enough of ZMTP 3.0 and of our own protocol to be a bad peer: greetings, frames, headers. RFC 23; docs/protocol.md.

Makes bytes only; who sends them is `strangers`.
"""

import random
import struct

# 10 bytes of signature, version 3.0, mechanism NULL, client, filler.
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)

MORE, LONG, COMMAND = 1, 2, 4

PROTOCOL_VERSIONS = [2, 3, 4]
WORKER_KINDS = [1, 2, 3, 4, 5]
KINDS = [*WORKER_KINDS, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0, 6, 0x7F, 0xFFFF]


def frame(body: bytes, flags: int = 0, length: int | None = None) -> bytes:
    """A frame; `length` may lie."""
    length = len(body) if length is None else length
    if length > 255:
        return struct.pack(">BQ", flags | LONG, length) + body
    return struct.pack(">BB", flags, length) + body


def message(*bodies: bytes) -> bytes:
    """A message of these frames."""
    last = len(bodies) - 1
    return b"".join(frame(body, MORE if index < last else 0) for index, body in enumerate(bodies))


def ready(socket_type: bytes = b"DEALER") -> bytes:
    """The command that ends the handshake."""
    body = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", len(socket_type)) + socket_type
    return frame(body, COMMAND)


PONG = frame(b"\x04PONG", COMMAND)
HANDSHAKE = GREETING + ready()


def header(kind: int, fields: bytes = b"", version: int = 4, run: bytes = bytes(16)) -> bytes:
    """A header of our protocol."""
    return b"SIAM" + struct.pack("<HH", version, kind) + run + fields


def hello(numbers: random.Random, version: int = 4, name: bytes = b"stranger") -> bytes:
    """A well-formed hello of a build that nobody has."""
    fields = struct.pack("<I", 1) + numbers.randbytes(32) + numbers.randbytes(8)
    return header(1, fields + struct.pack("<IHH", 4711, 1, len(name)) + name, version)


def random_message(numbers: random.Random) -> bytes:
    """Frames of random bytes, headers of ours with random fields, truncated headers, empty frames."""

    def header_frame() -> bytes:
        body = header(numbers.choice(KINDS), numbers.randbytes(numbers.randrange(200)), numbers.choice(PROTOCOL_VERSIONS))
        choice = numbers.randrange(4)
        if choice == 0:
            return body[: numbers.randrange(len(body))]
        if choice == 1:
            return hello(numbers, numbers.choice([*PROTOCOL_VERSIONS, 1, 9]))[: numbers.randrange(20, 90)]
        return body if choice == 2 else numbers.randbytes(numbers.randrange(300))

    payload = [numbers.randbytes(numbers.choice([0, 1, 4, 300, 5000])) for _ in range(numbers.randrange(4))]
    return message(header_frame(), *payload)


def huge_frame(numbers: random.Random) -> bytes:
    """A frame that announces up to 2⁶³ bytes and brings a few."""
    length = numbers.choice([1 << 24, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
    return frame(numbers.randbytes(2000), numbers.choice([0, MORE]), length)


def many_frames(numbers: random.Random) -> bytes:
    """A message of a hundred thousand frames that has no end."""
    return frame(numbers.randbytes(numbers.randrange(40)), MORE) * 100_000
