"""Tests of what the campaign itself is made of: it must be able to fail, and to say why. Needs no built program."""

import contextlib
import io
import pathlib
import signal
import socket
import tempfile
import time
import unittest

from . import oracle, procfs, scenarios, zmtp
from .dataset import write_dataset
from .job import SHORT, Job, digest_in, read_losses
from .long_measurements import MILLION, MOST_GROWTH, Sample, require_flat, require_right_counters
from .process import Broken
from .registry import SCENARIOS, Scenario, scenario
from .relay import Relay
from .report import report
from .runner import Runner, tell
from .steptrace import Answer, read_answers, recomputed_at
from .world import World

DIGEST = "ab" * 32


class OracleTests(unittest.TestCase):
    def test_the_last_line_carries_the_digest(self):
        self.assertEqual(digest_in(f"model a b.safetensors sha256 {DIGEST}\n"), DIGEST)
        for text in ["", "model x sha256 12", f"model x sha1 {DIGEST}", f"model x sha256 {DIGEST}\nmore"]:
            with self.assertRaises(Broken):
                digest_in(text)

    def test_a_gap_a_repeat_and_another_loss_are_found(self):
        lines = tuple((step, 1, "train", 1 / step) for step in (5, 10, 15))
        oracle.require_same_losses(lines, lines)
        for wrong in [lines[:2], lines[::2], (lines[0], *lines), (*lines, lines[2]), (*lines[:2], (15, 1, "train", 0.1))]:
            with self.assertRaises(Broken):
                oracle.require_same_losses(wrong, lines)

    def test_only_the_lines_that_a_run_says_it_has_lost_may_be_missing(self):
        said = "metrics.jsonl can be written again, without 1 line that it has lost\nx\nmetrics.jsonl can be written again, without 2 lines that"
        self.assertEqual(oracle.lines_lost(said + " it has lost\n"), (1, 2))
        self.assertEqual(oracle.lines_lost("WARNING: metrics.jsonl has lost 3 lines: full"), ())
        lines = tuple((step, 1, "train", 1 / step) for step in range(1, 9))
        oracle.require_same_losses((lines[0], *lines[2:5], lines[7]), lines, (1, 2))
        oracle.require_same_losses(lines[:5], lines, (3,))
        for wrong, lost in [
            (lines[:5], (2,)),
            (lines[:5], (3, 1)),
            (lines, (1,)),
            ((lines[0], *lines[3:]), (1, 1)),
            ((*lines[:4], lines[3], *lines[6:]), (1,)),
            ((*lines[:4], lines[2], *lines[5:]), (1,)),
            ((*lines[:4], (6, 1, "train", 0.5), *lines[6:]), (1,)),
            ((*lines[:4], *lines[5:], lines[7]), (1,)),
        ]:
            with self.assertRaises(Broken):
                oracle.require_same_losses(wrong, lines, lost)

    def test_unknown_files_are_found(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file in oracle.FILES:
                (folder / (SHORT.prefix + file)).touch()
            (folder / f".{SHORT.prefix}lock").touch()
            oracle.require_clean_output(SHORT, folder)
            (folder / f"{SHORT.prefix}checkpoint.safetensors.123.tmp").touch()
            with self.assertRaisesRegex(Broken, "123.tmp"):
                oracle.require_clean_output(SHORT, folder)

    def test_a_torn_line_of_metrics_is_found(self):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "metrics.jsonl"
            path.write_text('{"step":5,"epoch":1,"split":"train","loss":0.5}\n{"step":1')
            self.assertEqual(read_losses(path), ((5, 1, "train", 0.5),))
            path.write_text('{"step":5,"epo\n')
            with self.assertRaises(Broken):
                read_losses(path)


class WorldTestCase(unittest.TestCase):
    """A test with a world of its own."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="siamese-chaos-test-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)

    def world(self, limit: float = 20) -> World:
        world = World(
            program=pathlib.Path("/bin/sh"),
            data=self.place,
            references=None,
            folder=self.place / "world",
            seed="1/test",
            limit=limit,
        )
        self.addCleanup(world.close)
        return world


class WorldTests(WorldTestCase):
    def test_lines_and_endings_are_told(self):
        process = self.world().start("a", ["-c", "echo out; echo one >&2; echo two >&2; exit 3"])
        self.assertEqual(process.wait_for_line("two", within=10)[1], "two")
        self.assertEqual(process.wait(within=10), 3)
        self.assertEqual((process.output, process.errors), ("out\n", "one\ntwo"))
        with self.assertRaisesRegex(Broken, "ended with 3"):
            process.wait_for_line("three", within=10)

    def test_who_does_not_end_is_a_failure_and_is_killed(self):
        world = self.world()
        process = world.start("a", ["-c", "sleep 1000 & echo here >&2; wait"])
        process.wait_for_line("here", within=10)
        with self.assertRaisesRegex(Broken, "did not end within"):
            process.wait(within=0.05)
        strays = world.strays()
        self.assertEqual(len(strays), 2)
        with self.assertRaisesRegex(Broken, "processes left behind"):
            process.kill()
            process.popen.wait()
            oracle.require_nothing_left(world)
        world.close()
        self.assertFalse(any(procfs.is_running(pid) for pid in strays))

    def test_files_left_behind_are_found(self):
        world = self.world()
        oracle.require_nothing_left(world)
        (self.place / "world/tmp/siamese-socket").touch()
        with self.assertRaisesRegex(Broken, "siamese-socket"):
            oracle.require_nothing_left(world)

    def test_memory_is_bounded(self):
        world = self.world()
        world.peak_bytes["worker"] = oracle.MOST_BYTES["worker"]
        oracle.require_bounded_memory(world)
        world.peak_bytes["worker"] += 1
        with self.assertRaisesRegex(Broken, "worker"):
            oracle.require_bounded_memory(world)

    def test_a_scenario_has_a_time_limit(self):
        world = self.world(limit=0.01)
        time.sleep(0.02)
        with self.assertRaisesRegex(Broken, "not through"):
            world.wait_until("never", lambda: False)

    def test_a_stopped_process_is_seen(self):
        process = self.world().start("a", ["-c", "echo here >&2; read x < /dev/zero"])
        process.wait_for_line("here", within=10)
        process.send(signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while procfs.state(process.pid) != "T" and time.monotonic() < deadline:
            time.sleep(0.001)
        self.assertEqual(procfs.state(process.pid), "T")

    def test_failures_are_kept_with_their_command(self):
        def broken(world: World) -> None:
            world.fault("a fault")
            raise Broken("it broke")

        runner = Runner(pathlib.Path("/bin/sh"), self.place, verbose=False)
        good = Scenario("good", "", lambda world: {"figure": world.random.random()}, False, False, False, 10)
        bad = Scenario("bad", "", broken, False, False, False, 10)
        mistaken = Scenario("mistaken", "", lambda world: 1 // 0, False, False, False, 10)
        verdicts = [runner.run(each, 7) for each in (good, good, bad, mistaken)]
        self.assertEqual([verdict.passed for verdict in verdicts], [True, True, False, False])
        self.assertEqual(verdicts[0].figures, verdicts[1].figures, "the seed decides")
        self.assertIn("FAULT a fault", (verdicts[2].folder / "events.log").read_text())
        with contextlib.redirect_stderr(io.StringIO()) as said:
            tell(verdicts[2])
        self.assertIn("scripts/chaos --only bad --seed 7", said.getvalue())
        text = report(verdicts, "heading")
        self.assertIn("4 runs of scenarios, 1 faults, 2 failed", text)
        self.assertIn("ZeroDivisionError", text)


class MillionTests(unittest.TestCase):
    def samples(self, growth: float, files: int = 20) -> list[Sample]:
        """One every 10,000 steps; what is taken at first does not count."""
        steps = range(0, MILLION.steps, 10_000)
        grown = [10**7 * (step > 50_000) + int(growth * step) for step in steps]
        return [Sample(step, step / 1000, size, 20 if step < 700_000 else files) for step, size in zip(steps, grown)]

    def test_growth_is_found(self):
        most = MOST_GROWTH / (MILLION.steps * 0.45)
        require_flat("a worker", self.samples(0))
        require_flat("a worker", self.samples(0.9 * most))
        for wrong in [self.samples(1.1 * most), self.samples(0)[:60], [*self.samples(0)[:50], *self.samples(0, 21)[70:]]]:
            with self.assertRaises(Broken):
                require_flat("a worker", wrong)

    def test_counters_that_cannot_be_are_found(self):
        text = 'siamese_step_total {}\nsiamese_worker_shards_total{{worker="a"}} {}\nsiamese_worker_shards_total{{worker="b"}} 3\n'
        text += 'siamese_worker_late_leases_total{{worker="a"}} 1\nsiamese_worker_images_total{{worker="b"}} {}\n'
        for right in [(10, 7, 10), (10, 10, 13)]:
            require_right_counters(text.format(*right))
        for wrong in [(11, 7, 10), (10, 11, 14), (10, 7, 9)]:
            with self.assertRaises(Broken):
                require_right_counters(text.format(*wrong))


class RelayTests(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.relay = Relay(self.world(), f"tcp://127.0.0.1:{self.server.getsockname()[1]}")

    def connect(self) -> tuple[socket.socket, socket.socket]:
        near = socket.create_connection(self._place(), timeout=5)
        self.server.settimeout(5)
        far, _ = self.server.accept()
        far.settimeout(5)
        for end in (near, far):
            self.addCleanup(end.close)
        return near, far

    def test_bytes_pass_both_ways_late_and_in_order(self):
        near, far = self.connect()
        self.relay.change(delay=0.05, jitter=0.02)
        began = time.monotonic()
        for number in range(50):
            near.sendall(bytes([number]))
        received = b""
        while len(received) < 50:
            received += far.recv(100)
        self.assertEqual(received, bytes(range(50)))
        self.assertGreaterEqual(time.monotonic() - began, 0.05)
        far.sendall(b"back")
        far.close()
        self.assertEqual((near.recv(10), near.recv(10)), (b"back", b""))

    def test_it_holds_one_way_cuts_and_refuses(self):
        near, far = self.connect()
        self.relay.change(holds_upwards=True)
        near.sendall(b"up")
        far.sendall(b"down")
        self.assertEqual(near.recv(10), b"down")
        far.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            far.recv(10)
        self.relay.heal()
        far.settimeout(5)
        self.assertEqual(far.recv(10), b"up")
        self.relay.cut()
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(near.recv(10), b"")
        self.relay.change(refuses=True)
        refused = socket.create_connection(self._place(), timeout=5)
        self.addCleanup(refused.close)
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(refused.recv(10), b"")

    def _place(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.relay.address.rpartition(":")[2])


class PieceTests(unittest.TestCase):
    def test_every_scenario_says_what_it_does(self):
        self.assertGreater(len(SCENARIOS), 40)
        self.assertFalse([each.name for each in SCENARIOS.values() if each.quick and (each.needs_root or each.measures)])
        with self.assertRaises(ValueError):
            scenario("worker-kill")(lambda world: None)
        order = scenarios.shuffled(list(SCENARIOS.values()), 3)
        self.assertEqual(order, scenarios.shuffled(list(SCENARIOS.values()), 3))
        self.assertNotEqual(order, scenarios.shuffled(list(SCENARIOS.values()), 4))

    def test_the_dataset_is_the_same_everywhere(self):
        with tempfile.TemporaryDirectory() as name:
            write_dataset(pathlib.Path(name))
            images = (pathlib.Path(name) / "train-images-idx3-ubyte").read_bytes()
            labels = (pathlib.Path(name) / "train-labels-idx1-ubyte").read_bytes()
        self.assertEqual((len(images), len(labels)), (16 + 12000 * 784, 8 + 12000))
        self.assertEqual(images[:8], b"\x00\x00\x08\x03\x00\x00\x2e\xe0")
        self.assertEqual(set(labels[8:]), set(range(10)))

    def test_frames(self):
        self.assertEqual(len(zmtp.GREETING), 64)
        self.assertEqual(zmtp.message(b"a", b""), b"\x01\x01a\x00\x00")
        self.assertEqual(zmtp.frame(bytes(300))[:9], b"\x02" + (300).to_bytes(8, "big"))
        self.assertEqual(zmtp.frame(b"x", length=1 << 40)[:9], b"\x02" + (1 << 40).to_bytes(8, "big"))
        self.assertEqual(zmtp.header(1)[:8], b"SIAM\x04\x00\x01\x00")

    def test_a_trace_tells_when_a_shard_was_recomputed(self):
        span = '{{"name":"send","ph":"X","pid":{},"tid":0,"ts":{},"dur":1000,"args":{{"step":{}}}}}'
        name = '{{"name":"process_name","ph":"M","pid":{},"args":{{"name":"{}"}}}}'
        lines = [name.format(1, "a (pid 7, peer 1)"), name.format(2, "b (pid 8, peer 2)")]
        answers_at = [(1, 1, 10), (2, 1, 11), (1, 2, 20), (2, 2, 22), (2, 3, 30), (2, 3, 90), (2, 4, 95)]
        lines += [span.format(pid, at * 1000, step) for pid, step, at in answers_at]
        text = "[" + "\n,".join(lines) + '\n,{"name":"send","ph":"X","pi'
        answers = read_answers(text, origin=100)
        self.assertEqual(answers[0], Answer(1, "a (pid 7, peer 1)", 100.011))
        self.assertAlmostEqual(recomputed_at(answers, "pid 7,", 100.0205, 0.02), 100.091)
        self.assertIsNone(recomputed_at(answers, "pid 8,", 100.2, 0.02))

    def test_jobs_differ(self):
        self.assertNotEqual(Job(), Job(batch=7))
        self.assertIn("7", Job(batch=7).arguments(pathlib.Path("d"), pathlib.Path("o")))


if __name__ == "__main__":
    unittest.main()
