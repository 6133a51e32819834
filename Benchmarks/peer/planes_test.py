"""Tests of what `Benchmarks/planes` computes itself; they need neither PyTorch nor a built program."""

import contextlib
import io
import pathlib
import stat
import tempfile
import unittest

from peer import planes

# Trains nothing: the seed is the accuracy. Every call is a line of the file `calls` beside it.
STAND_IN = """#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
case $1 in
train) mkdir -p "$5" && echo "{\\"seconds\\": 1, \\"model_sha256\\": \\"$7\\"}" > "$5/$2-$3-run.json" && echo "$7" > "$5/seed" ;;
evaluate) read -r seed < "$(dirname "$2")/seed"
    echo "{\\"knn\\": {\\"accuracy\\": 0.$seed}, \\"retrieval\\": {\\"map_at_r\\": 0.25}}" ;;
esac
"""


class Planes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.siamese = self.folder / "siamese"
        self.siamese.write_text(STAND_IN)
        self.siamese.chmod(self.siamese.stat().st_mode | stat.S_IXUSR)

    def run_planes(self, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            planes.main(["--siamese", str(self.siamese), "--results", str(self.folder / "results"), *arguments])
        return output.getvalue()

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def test_a_row_has_the_median_the_range_and_the_peer(self):
        text = self.run_planes("--networks", "triplet", "--datasets", "MNIST", "--seeds", "93", "95", "94")
        self.assertIn("| triplet, MNIST |        0.940 |    0.930–0.950 |         0.250 |   0.939 |     yes |", text)

    def test_what_is_done_is_not_done_again(self):
        few = ("--networks", "triplet", "--datasets", "MNIST", "--seeds", "93")
        first = self.run_planes(*few)
        before = self.calls()
        self.assertEqual(self.run_planes(*few), first)
        self.assertEqual(self.calls(), before)
        self.assertIn("NO |", first)

    def test_a_recipe_goes_to_the_training_and_has_no_peer(self):
        few = ("--networks", "triplet", "--datasets", "MNIST", "--seeds", "93")
        self.run_planes(*few)
        text = self.run_planes(*few, "--", "--lr", "0.001")
        self.assertTrue(self.calls()[-2].endswith("--lr 0.001"), self.calls())
        self.assertNotIn("PyTorch", text)

    def test_a_failing_evaluation_is_reported(self):
        self.siamese.write_text(STAND_IN.replace("evaluate)", "evaluate) echo no such thing >&2; exit 65;"))
        with self.assertRaises(SystemExit) as caught:
            self.run_planes("--networks", "triplet", "--datasets", "MNIST", "--seeds", "93")
        self.assertIn("no such thing", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
