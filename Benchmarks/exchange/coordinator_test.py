"""Tests of what the benchmark of the coordinator computes itself; libzmq alone runs, the Swift program is stood in for."""

import os
import stat
import tempfile
import unittest

from exchange import coordinator_alone, programs

STAND_IN = """#!/bin/sh
[ "$1" = coordinator ] || exit 0
echo "$3"
echo '{"steps": 10, "seconds": 2, "processor_seconds": 1, "messages": 40, "bytes": 8000,
"sent": [[32, 9000], [68, 12, 4]], "received": [[104, 9000]]}'
"""


class Exchange(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = os.path.join(folder.name, "exchange")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(self.program, os.stat(self.program).st_mode | stat.S_IXUSR)

    def test_frame_sizes_for_raw_zmq(self):
        self.assertEqual(programs.pattern([[32, 9000], [68, 12, 4]]), "32,9000/68,12,4")

    def test_libzmq_alone_moves_the_pattern(self):
        for transport in ["ipc", "tcp"]:
            with programs.Programs(transport, self.program) as run:
                measured = run.raw_zmq(3, [[32, 9000], [68, 12, 4]], [[104, 9000]], 0.01)
            self.assertEqual(measured["messages"], 3 * 3 * measured["steps"])
            self.assertEqual(measured["bytes"], 3 * (9032 + 84 + 9104) * measured["steps"])
            self.assertGreaterEqual(measured["seconds"], 0.01)

    def test_a_program_that_fails_is_reported(self):
        with self.assertRaises(SystemExit) as caught:
            programs.Pair(["sh", "-c", "echo here; exit 3"], ["true", "ADDRESS"]).run(1)
        self.assertIn("ended with 3", str(caught.exception))
        with self.assertRaises(SystemExit) as caught:
            programs.Pair(["false"], ["true"]).run(1)
        self.assertIn("did not begin to listen", str(caught.exception))

    def test_ratio_and_processor_time(self):
        comparison = coordinator_alone.Comparison("seed", 4)
        comparison.coordinator = [{"bytes": b, "seconds": 1, "messages": 2, "steps": 1, "processor_seconds": 1e-5}
                                  for b in (50e6, 80e6, 100e6)]
        comparison.raw = [{"bytes": 100e6, "seconds": 1, "messages": 2, "processor_seconds": 4e-6} for _ in range(3)]
        self.assertEqual(comparison.ratio, 0.8)
        self.assertEqual(
            comparison.row(160e6),
            [4, "1", "2", "50 / 80 / 100", "100 / 100 / 100", "0.80", "0.50", "5 / 2"])

    def test_memory_bandwidth(self):
        with programs.Programs("ipc", self.program) as run:
            self.assertTrue(all(speed > 1e8 for speed in run.memory_bandwidth(1)))


if __name__ == "__main__":
    unittest.main()
