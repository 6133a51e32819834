"""Tests of the model of a step and of the line that stands for a network card."""

import asyncio
import time
import unittest

from exchange import line, scaling


class Model(unittest.TestCase):
    frame = 1000

    def seconds(self, fan_outs, rate=1e6, latency=0.0, **more):
        return scaling.model(fan_outs, self.frame, 0, 1, rate, latency, **more)

    def test_one_worker_waits_for_weights_and_answer(self):
        self.assertAlmostEqual(self.seconds([1]), 2e-3)
        self.assertAlmostEqual(self.seconds([1], latency=0.1), 0.202)

    def test_latency_alone(self):
        self.assertAlmostEqual(self.seconds([64], rate=0, latency=0.1), 0.2)
        self.assertAlmostEqual(self.seconds([8, 8], rate=0, latency=0.1), 0.4)

    def test_relays_turn_a_product_into_a_sum(self):
        self.assertAlmostEqual(self.seconds([64]), 65e-3)
        self.assertAlmostEqual(self.seconds([8, 8]), 18e-3)
        self.assertAlmostEqual(self.seconds([4, 4, 4]), 15e-3)

    def test_the_busiest_line_is_the_least(self):
        self.assertAlmostEqual(scaling.model([1], self.frame, 5000, 1, 1e6, 0), 6e-3)
        self.assertAlmostEqual(scaling.model([2, 8], self.frame, 5000, 1, 1e6, 0), 82e-3)

    def test_longer_answers_queue(self):
        self.assertAlmostEqual(self.seconds([64], nodes=2), 129e-3)
        self.assertAlmostEqual(self.seconds([8, 8], nodes=2), (17 + 9) * 1e-3)

    def test_shapes(self):
        self.assertEqual(scaling.fan_outs(scaling.shape_of("0"), 64), [64])
        self.assertEqual(scaling.fan_outs(scaling.shape_of("2x4"), 64), [2, 4, 8])
        self.assertEqual(scaling.line_of("100:5"), (12.5e6, 0.005))


class Line(unittest.TestCase):
    def test_bytes_leave_one_after_the_other_and_arrive_later(self):
        direction = line.Direction(1000.0, 0.5)
        self.assertAlmostEqual(direction.arrival(100, 10.0), 10.6)
        self.assertAlmostEqual(direction.arrival(100, 10.0), 10.7)
        self.assertAlmostEqual(direction.arrival(100, 20.0), 20.6)
        self.assertAlmostEqual(line.Direction(0, 0.5).arrival(100, 10.0), 10.5)

    def test_an_echo_through_a_line_takes_its_time_and_loses_nothing(self):
        sent = bytes(range(256)) * 400

        async def echo(reader, writer):
            while data := await reader.read(1 << 16):
                writer.write(data)
            writer.close()

        async def measure():
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            directions = line.Direction(0, 0.05), line.Direction(1e6, 0.05)

            async def connect(reader, writer):
                far = await asyncio.open_connection("127.0.0.1", port)
                await line.connect_both((reader, writer), far, directions)

            proxy = await asyncio.start_server(connect, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.sockets[0].getsockname()[1])
            begin = time.monotonic()
            writer.write(sent)
            writer.write_eof()
            self.assertEqual(await asyncio.wait_for(reader.read(-1), 10), sent)
            taken = time.monotonic() - begin
            writer.close()
            for listening in (proxy, server):
                listening.close()
                await listening.wait_closed()
            return taken

        # 0.1 s of latency, and 102,400 bytes at a megabyte a second.
        self.assertGreaterEqual(asyncio.run(measure()), 0.2)


if __name__ == "__main__":
    unittest.main()
