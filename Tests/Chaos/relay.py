"""A TCP relay with bad manners: delay, jitter, little bandwidth, silence, cuts. It needs no root and no kernel support, and stands
in for netem, which this project's development machine lacks.

A chunk that came in leaves in order, not before its delay is over. What is in the pipe when a connection is cut is lost.
"""

import asyncio
import dataclasses
import random
import threading

from .world import World

CHUNK = 16384


@dataclasses.dataclass
class Conditions:
    """The weather; may change at any time."""

    # Each way, in seconds; the jitter is added.
    delay: float = 0
    jitter: float = 0
    # Each way and connection; zero: as fast as it goes.
    bytes_per_second: float = 0
    # Nothing passes, but nothing is closed: a silent cut, which TCP does not notice.
    holds_upwards: bool = False
    holds_downwards: bool = False
    # New connections are closed at once.
    refuses: bool = False
    # More connections than so many are closed at once; zero: as many as come.
    most_connections: int = 0


@dataclasses.dataclass
class Recording:
    """What was said over one connection."""

    upwards: bytearray = dataclasses.field(default_factory=bytearray)
    downwards: bytearray = dataclasses.field(default_factory=bytearray)


class Relay:
    """Listens on a free port of this machine; one thread with its own event loop."""

    def __init__(self, world: World, target: str, records: bool = False):
        """`records`: keeps all that passes."""
        self.conditions = Conditions()
        self.recordings: list[Recording] = []
        self._records = records
        self._target = target
        self._random = random.Random(world.random.random())
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._server = server
        host, port = server.sockets[0].getsockname()
        self.address = f"tcp://{host}:{port}"
        world.note(f"relay at {self.address}, leads to {target}")
        self._note = world.note
        world.finally_do(self.close)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    def lead_to(self, target: str) -> None:
        """Where new connections go."""
        self._note(f"the relay leads to {target}")
        self._target = target

    def change(self, **conditions: float | bool) -> None:
        """Changes some conditions, and says so."""
        self._note(f"relay: {conditions}")
        self.conditions = dataclasses.replace(self.conditions, **conditions)

    def heal(self) -> None:
        """Good weather."""
        self._note("relay: healed")
        self.conditions = Conditions()

    def cut(self) -> None:
        """Resets every connection; new ones are taken."""

        async def abort() -> None:
            for writer in list(self._open):
                writer.transport.abort()

        self._call(abort())
        self._note("relay: connections cut")

    def connections(self) -> int:
        """Those open at present."""
        return len(self._open) // 2

    def close(self) -> None:
        self.cut()

        async def end() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    # The event loop's

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        most = self.conditions.most_connections
        if self.conditions.refuses or (most and self.connections() >= most):
            writer.transport.abort()
            return
        host, _, port = self._target.removeprefix("tcp://").rpartition(":")
        self._open.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            self._open.discard(writer)
            writer.transport.abort()
            return
        self._open.add(far_writer)
        recording = Recording()
        if self._records:
            self.recordings.append(recording)
        ways = [
            asyncio.ensure_future(self._pass_on(reader, far_writer, "holds_upwards", recording.upwards)),
            asyncio.ensure_future(self._pass_on(far_reader, writer, "holds_downwards", recording.downwards)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # the relay closes; not raised again, for asyncio 3.11 would log it as an error
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, far_writer):
                self._open.discard(end)
                # Not `abort`: what has been passed on, the last word of a side that has ended, still arrives.
                end.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hold: str, record: bytearray
    ) -> None:
        # As much as a fat pipe holds; beyond it the sender waits.
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)
        taker = asyncio.ensure_future(self._take_in(reader, queue))
        try:
            while True:
                due, chunk = await queue.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                while getattr(self.conditions, hold):
                    await asyncio.sleep(0.01)
                if not chunk:
                    return
                if self._records:
                    record += chunk
                writer.write(chunk)
                await writer.drain()
                if self.conditions.bytes_per_second:
                    await asyncio.sleep(len(chunk) / self.conditions.bytes_per_second)
        except OSError:
            return
        finally:
            taker.cancel()

    async def _take_in(self, reader: asyncio.StreamReader, queue: asyncio.Queue) -> None:
        chunk = b"."
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            delay = self.conditions.delay + self._random.uniform(0, 1) * self.conditions.jitter
            await queue.put((self._loop.time() + delay, chunk))
