"""Connections that nobody asked for: idle ones, slow ones, and garbage. A program of its own, so that it slows nobody's clock.

    python3 -m Chaos.strangers HOST:PORT KIND --count N --rate PER_SECOND --seed N

Idle kinds hold `count` connections open and replace those that are closed. Sending kinds try `rate` times a second.
Prints `ready` on standard error when all connections stood once, or with the first attempt. Ends on SIGTERM, and says how often it
has connected. With `--elsewhere` it takes only what the rest of the machine leaves idle (SCHED_IDLE), as if it had one of its own.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time

from . import zmtp

# What an attempt sends after connecting.
ATTEMPTS = {
    "noise": lambda numbers: numbers.randbytes(numbers.randrange(1, 2000)),
    "partial-greeting": lambda numbers: zmtp.GREETING[: numbers.randrange(len(zmtp.GREETING))],
    "garbage": lambda numbers: zmtp.HANDSHAKE + b"".join(zmtp.random_message(numbers) for _ in range(20)),
    "huge": lambda numbers: zmtp.HANDSHAKE + zmtp.huge_frame(numbers),
    "many-frames": lambda numbers: zmtp.HANDSHAKE + zmtp.many_frames(numbers),
    "hello": lambda numbers: zmtp.HANDSHAKE + zmtp.message(zmtp.hello(numbers)),
    "wrong-socket": lambda numbers: zmtp.GREETING + zmtp.ready(numbers.choice([b"PUB", b"PULL", b"", b"\xff" * 40])),
}
# What an idle connection says at its beginning, and whether it drips the rest byte by byte.
IDLE = {
    "mute": (b"", b""),
    "greeted": (zmtp.GREETING, b""),
    "idle": (zmtp.HANDSHAKE, b""),
    "loris": (b"", zmtp.GREETING),
    "loris-frame": (zmtp.HANDSHAKE, zmtp.frame(bytes(60_000))),
}


class Strangers:
    """All that one process does to one address."""

    def __init__(self, host: str, port: int, seed: int):
        self._host, self._port = host, port
        self._numbers = random.Random(seed)
        self._standing = 0
        self._most = 0
        self.connections = 0

    async def hold(self, kind: str, count: int) -> None:
        """Keeps connections open, for ever."""
        self._most = count
        await asyncio.gather(*(self._hold_one(kind) for _ in range(count)))

    async def _hold_one(self, kind: str) -> None:
        opening, rest = IDLE[kind]
        first = True
        while True:
            try:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(0.2)
                continue
            self.connections += 1
            if first:
                first = False
                self._stand()
            try:
                writer.write(opening)
                dripping = asyncio.ensure_future(self._drip(writer, rest))
                # Whatever comes is answered as a live ZeroMQ peer would: so it stays as long as it is let.
                while await reader.read(4096):
                    if kind == "idle":
                        writer.write(zmtp.PONG)
                dripping.cancel()
            except OSError:
                pass
            writer.transport.abort()
            await asyncio.sleep(0.05)

    async def _drip(self, writer: asyncio.StreamWriter, rest: bytes) -> None:
        for byte in rest:
            await asyncio.sleep(0.9)
            writer.write(bytes([byte]))

    def _stand(self) -> None:
        self._standing += 1
        if self._standing == self._most:
            print("ready", file=sys.stderr, flush=True)

    async def attempt(self, kinds: list[str], rate: float) -> None:
        """Tries `rate` times a second, for ever."""
        clock = asyncio.get_running_loop()
        due = clock.time()
        running: set[asyncio.Task] = set()
        print("ready", file=sys.stderr, flush=True)
        while True:
            task = asyncio.ensure_future(self._attempt_one(self._numbers.choice(kinds)))
            running.add(task)
            task.add_done_callback(running.discard)
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - clock.time()))

    async def _attempt_one(self, kind: str) -> None:
        content = ATTEMPTS[kind](self._numbers)
        patience = self._numbers.choice([0, 0.01, 0.3])
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            return
        self.connections += 1
        try:
            writer.write(content)
            await asyncio.wait_for(writer.drain(), 2)
            await asyncio.wait_for(reader.read(4096), 0.5)
            await asyncio.sleep(patience)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            writer.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("kinds", nargs="+", choices=[*ATTEMPTS, *IDLE])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--elsewhere", action="store_true")
    options = parser.parse_args()
    if options.elsewhere:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    host, _, port = options.address.removeprefix("tcp://").rpartition(":")
    strangers = Strangers(host, int(port), options.seed)
    began = time.monotonic()

    def end(*_) -> None:
        print(f"connected {strangers.connections} times in {time.monotonic() - began} s", file=sys.stderr, flush=True)
        # Without farewell to a thousand connections.
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    if options.kinds[0] in IDLE:
        asyncio.run(strangers.hold(options.kinds[0], options.count))
    else:
        asyncio.run(strangers.attempt(options.kinds, options.rate))


if __name__ == "__main__":
    main()
