"""A machine's network card and the line behind it, in user space: every connection to the address that it prints goes on to TARGET;
all of them share a rate in either direction, and every byte arrives so much later. No loss, no limit of what is under way.

    python3 -m exchange.line tcp://127.0.0.1:5555 --latency 0.01 --rate 12.5e6

Ends with its standard input. It wakes up in whole milliseconds (epoll), so a crossing takes up to one more than it should.
"""

import argparse
import asyncio
import sys

CHUNK = 1 << 16  # as fine as a rate is kept to
LIMIT = 1 << 20


class Direction:
    """One direction of a line: what was given to it earlier leaves earlier."""

    def __init__(self, rate, latency):
        self.rate, self.latency, self.free = rate, latency, 0.0

    def arrival(self, size, now):
        """When bytes that are handed over now are on the other side."""
        self.free = max(self.free, now) + (size / self.rate if self.rate else 0.0)
        return self.free + self.latency


async def carry(reader, writer, direction):
    """Everything from `reader` to `writer`, and then the end."""
    loop = asyncio.get_running_loop()
    under_way = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while True:
            data = await reader.read(CHUNK if direction.rate else LIMIT)
            under_way.put_nowait((direction.arrival(len(data), loop.time()), data))
            if not data:
                break
        await delivery
        writer.write_eof()
    except OSError:
        delivery.cancel()
        writer.close()


async def connect_both(near, far, directions):
    """Until both ways have ended."""
    await asyncio.gather(carry(near[0], far[1], directions[0]), carry(far[0], near[1], directions[1]))
    near[1].close()
    far[1].close()


async def serve(target, rate, latency, until):
    directions = Direction(rate, latency), Direction(rate, latency)
    host, port = target.removeprefix("tcp://").rsplit(":", 1)

    async def connect(reader, writer):
        try:
            far = await asyncio.open_connection(host, int(port), limit=LIMIT)
        except OSError:
            writer.close()
            return
        await connect_both((reader, writer), far, directions)

    server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=LIMIT)
    print(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await until()


async def end_of_input():
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main():
    parser = argparse.ArgumentParser(prog="line", description=__doc__.split("\n")[0])
    parser.add_argument("target", help="tcp://HOST:PORT")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every byte takes, one way")
    parser.add_argument("--rate", type=float, default=0.0, help="bytes a second in either direction; 0: no limit")
    options = parser.parse_args()
    asyncio.run(serve(options.target, options.rate, options.latency, end_of_input))


if __name__ == "__main__":
    main()
