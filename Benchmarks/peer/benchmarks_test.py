"""Tests of what the benchmarks compute themselves; they need neither PyTorch nor a built program."""

import pathlib
import stat
import tempfile
import unittest

from peer import fma_peak, program, tables

STAND_IN = """#!/bin/sh
echo '{"images_per_second": 5.5}' > "$5/triplet-MNIST-run.json"
"""


class Tables(unittest.TestCase):
    def test_columns_are_padded_and_aligned(self):
        self.assertEqual(
            tables.markdown(["", "n"], [["long name", 1], ["b", 200]]),
            "|           |   n |\n| :-------- | --: |\n| long name |   1 |\n| b         | 200 |")

    def test_spread(self):
        self.assertEqual(tables.spread([3000, 1000, 2000.4]), "1,000 / 2,000 / 3,000")

    def test_verdict(self):
        self.assertEqual(tables.verdict(5, 5), "yes")
        self.assertEqual(tables.verdict(4.9, 5), "NO")
        self.assertEqual(tables.verdict(4.9, 5, at_least=False), "yes")


class Program(unittest.TestCase):
    def test_options(self):
        self.assertEqual(
            program.train_command("siamese", "triplet", "MNIST", "out", max_steps=5, data=None),
            ["siamese", "train", "triplet", "MNIST", "--output", "out", "--max-steps", "5"])

    def test_train_reads_the_run(self):
        self.assertEqual(self.train(STAND_IN), {"images_per_second": 5.5})

    def test_a_failing_program_is_reported(self):
        with self.assertRaises(SystemExit) as caught:
            self.train("#!/bin/sh\necho no such dataset >&2\nexit 65\n")
        self.assertIn("no such dataset", str(caught.exception))
        self.assertIn("65", str(caught.exception))

    def train(self, script):
        with tempfile.TemporaryDirectory() as folder:
            stand_in = pathlib.Path(folder, "siamese")
            stand_in.write_text(script)
            stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
            return program.train(stand_in, "triplet", "MNIST")


class Peak(unittest.TestCase):
    def test_it_compiles_and_measures(self):
        with fma_peak.PeakMeter() as meter:
            self.assertGreater(meter.gflops_per_core(1), 0.1)


if __name__ == "__main__":
    unittest.main()
