"""Tests of the comparison's own arithmetic and files; they need neither PyTorch nor a built program."""

import gzip
import pathlib
import stat
import tempfile
import unittest

from peer import comparison_report, contestants, idx_files, measurements, our_speed, program, tuning

CASE = contestants.Case("siamese-contrastive", "seed", 256)


def speed(contestant, images_per_second, repeat=0, case=CASE, **fields):
    return {"kind": "speed", **vars(case), "repeat": repeat, "contestant": contestant.name,
            "images_per_second": images_per_second, "cpu_seconds_per_image": 1e-5, **fields}


def peak(gflops, case=CASE):
    return {"kind": "peak", **vars(case), "gflops": gflops}


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "measurements.json")

    def test_a_run_that_was_killed_goes_on(self):
        with measurements.Store(self.path) as store:
            store.add("speed", CASE, repeat=0)
        with self.path.open("a") as file:
            file.write('{"kind": "spe')
        with measurements.Store(self.path, resume=True) as store:
            self.assertEqual(len(store.records), 1)
            store.add("speed", CASE, repeat=1)
        self.assertEqual([record["repeat"] for record in measurements.read(self.path)], [0, 1])

    def test_measurements_are_not_overwritten(self):
        self.path.write_text("")
        with self.assertRaisesRegex(SystemExit, "--resume"):
            measurements.Store(self.path)

    def test_another_file_is_refused(self):
        self.path.write_text("[\n 1,\n 2\n]\n")
        with self.assertRaisesRegex(SystemExit, "not a file of measurements"):
            measurements.read(self.path)

    def test_select(self):
        store = measurements.Store()
        store.add("speed", CASE, repeat=0)
        store.add("speed", contestants.Case("triplet", "seed", 256), repeat=0)
        self.assertEqual(len(store.select("speed", CASE)), 1)
        self.assertEqual(len(store.select("speed", repeat=0)), 2)
        self.assertEqual(store.select("peak", CASE), [])


class Tuning(unittest.TestCase):
    def test_what_gains_stays_and_what_fails_or_gains_nothing_goes(self):
        def speed(settings):
            if settings["static_graph"]:
                return None
            return 100 + 50 * settings["channels_last"] + {"loop": 0, "fused": 1, "foreach": 30}[settings["adam"]]

        start = {"channels_last": False, "adam": "loop", "static_graph": False}
        changes = [{"channels_last": True}, {"adam": "fused"}, {"adam": "foreach"}, {"static_graph": True},
                   {"channels_last": True}]
        best, trials = tuning.climb(start, changes, speed)
        self.assertEqual(best, {"channels_last": True, "adam": "foreach", "static_graph": False})
        self.assertEqual([reached for _, reached in trials], [100, 150, 151, 180, None])

    def test_label(self):
        self.assertEqual(tuning.label({"joined": True, "adam": "fused", "compiled": False}), "joined, adam fused")
        self.assertEqual(tuning.label({"joined": False}), "as it comes")

    def test_the_budget_is_shared_by_the_cases_left(self):
        self.assertEqual(tuning.seconds_for_each(left=1000, cases_left=10, overhead=40, weight=30), 2)
        self.assertEqual(tuning.seconds_for_each(left=10, cases_left=10, overhead=40, weight=30), 1)
        self.assertEqual(tuning.seconds_for_each(left=10_000, cases_left=1, overhead=40, weight=30), 8)


class Outcomes(unittest.TestCase):
    def test_speeds_peaks_and_ratios_of_one_case(self):
        other = contestants.Case("siamese-contrastive", "wide", 256)
        records = [speed(contestants.TWO_WORKERS, rate, repeat) for repeat, rate in enumerate((10, 30, 20))]
        records += [speed(contestants.DDP, 4), speed(contestants.DDP, 1000, case=other), peak(90), peak(100)]
        outcome, second = measurements.outcomes(records)
        self.assertEqual(outcome.names(), [contestants.TWO_WORKERS.name, contestants.DDP.name])
        self.assertEqual(outcome.ratio(contestants.TWO_WORKERS.name, contestants.DDP.name), 5)
        ddp, compiled = contestants.DDP.name, contestants.COMPILED.name
        self.assertEqual(outcome.ratio(contestants.TWO_WORKERS.name, ddp, compiled), 5)
        self.assertIsNone(outcome.ratio(contestants.TWO_WORKERS.name, contestants.COMPILED.name))
        self.assertEqual(outcome.peak, 100)
        self.assertEqual((second.case, second.peak), (other, None))

    def test_other_weights_after_the_same_steps_are_void(self):
        records = [speed(contestants.TWO_WORKERS, 1, steps=5, digest="a"),
                   speed(contestants.ONE_WORKER, 1, steps=5, digest="a"),
                   speed(contestants.IN_PROCESS, 1, steps=6, digest="b")]
        self.assertFalse(measurements.Outcome(CASE, records).void)
        records.append(speed(contestants.TWO_THREADS, 1, steps=6, digest="c"))
        outcome = measurements.Outcome(CASE, records)
        self.assertTrue(outcome.void)
        self.assertIn("b ≠ c", comparison_report.details(outcome))


class Report(unittest.TestCase):
    RECORDS = [
        {"kind": "machine", "processor": "one", "cores": 2, "torch": "2", "busy": False, "program": "a"},
        speed(contestants.TWO_WORKERS, 100_000), speed(contestants.ONE_WORKER, 54_000),
        speed(contestants.IN_PROCESS, 50_000), speed(contestants.TWO_THREADS, 98_000), speed(contestants.DDP, 12_000),
        peak(100),
        {"kind": "unavailable", **vars(CASE), "contestant": contestants.COMPILED.name, "reason": "no C++ compiler"},
        {"kind": "settings", **vars(CASE), "contestant": contestants.DDP.name, "label": "joined",
         "warm_up_seconds": 1.25, "trials": [[{}, 8000.4], [{"joined": True}, 9000], [{"static_graph": True}, None]]}]

    def test_bars_are_judged(self):
        verdicts = {bar.what: (round(bar.measured, 2), bar.verdict) for bar in self.bars(self.RECORDS)}
        self.assertEqual(verdicts, {
            "2 workers / PyTorch DDP, seed, batch 256": (8.33, "met"),
            "one core, % of FMA peak, seed, batch 256": (73.27, "met"),
            "2 threads / 1 thread, seed, batch 256": (1.96, "met, and the stretch"),
            "2 workers / 1 worker, seed, batch 256": (1.85, "met")})

    def test_a_missed_bar_and_one_that_was_not_measured(self):
        records = [speed(contestants.TWO_WORKERS, 79), speed(contestants.DDP, 10)]
        self.assertEqual([(bar.measured, bar.verdict) for bar in self.bars(records)], [(7.9, "missed")])

    def test_all_is_in_the_report(self):
        text = comparison_report.report(self.RECORDS, measurements.outcomes(self.RECORDS))
        for part in ("siamese-contrastive, seed architecture", "PyTorch compiled, 2 threads does not work here: no C++",
                     "12,000 / 12,000 / 12,000", "8.33", "8,000 → 9,000", "### Bars"):
            self.assertIn(part, text)
        self.assertNotIn("do not quote", text)

    def test_two_builds_are_not_one_comparison(self):
        records = [*self.RECORDS, self.RECORDS[0] | {"program": "b"}]
        self.assertIn("different builds", comparison_report.report(records, measurements.outcomes(records)))

    def bars(self, records):
        return comparison_report.bars(measurements.outcomes(records))


# Trains for as long as it takes to count; tells in run.json how many steps it was asked for.
STAND_IN = """#!/bin/sh
output=$5
while [ $# -gt 0 ]; do
    [ "$1" != --max-steps ] || steps=$2
    shift
done
count=0
while [ $count -lt $((steps * 2000)) ]; do count=$((count + 1)); done
echo "{\\"images_per_second\\": 51200, \\"training_seconds\\": 1, \\"model_sha256\\": \\"of $steps\\"}" \\
    > "$output/siamese-contrastive-MNIST-run.json"
"""


class OurSide(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        stand_in = pathlib.Path(folder.name, "siamese")
        stand_in.write_text(STAND_IN)
        stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
        self.store = measurements.Store()
        self.ours = our_speed.OurSide(stand_in, "MNIST", None, self.store)

    def test_all_of_a_case_train_the_same_steps(self):
        first = self.ours.measure(CASE, contestants.ONE_WORKER, seconds=0.1)
        # 51,200 images a second, 512 a step
        self.assertEqual((first["steps"], first["digest"]), (10, "of 10"))
        self.store.add("speed", CASE, contestant=contestants.ONE_WORKER.name, **first)
        self.assertEqual(self.ours.steps(CASE, seconds=5), 10)

    def test_cpu_time_is_that_of_the_steps(self):
        self.store.add("start-up", network=CASE.network, architecture=CASE.architecture,
                       contestant=contestants.IN_PROCESS.name, cpu_seconds=0, images=512)
        all_of_it = self.ours.measure(CASE, contestants.IN_PROCESS, seconds=0.1)["cpu_seconds_per_image"]
        self.assertGreater(all_of_it, 0)
        self.store.records[-1]["cpu_seconds"] = 1000
        self.assertLess(self.ours.measure(CASE, contestants.IN_PROCESS, seconds=0.1)["cpu_seconds_per_image"], 0)

    def test_children_count(self):
        busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"
        self.assertGreater(program.run_to_end(["sh", "-c", f"sh -c '{busy}'; true"]), 0.02)


class SmallData(unittest.TestCase):
    def test_the_first_images(self):
        with tempfile.TemporaryDirectory() as folder:
            for split in ("train", "t10k"):
                pixels = (2051).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes([0, 0, 0, 28] * 2)
                pathlib.Path(folder, f"{split}-images-idx3-ubyte.gz").write_bytes(
                    gzip.compress(pixels + bytes(784) + bytes([1]) * 784 + bytes([2]) * 784))
                labels = (2049).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes([7, 8, 9])
                pathlib.Path(folder, f"{split}-labels-idx1-ubyte").write_bytes(labels)
            with idx_files.first_images(folder, train=2, test=1) as small:
                images = pathlib.Path(small, "train-images-idx3-ubyte").read_bytes()
                self.assertEqual((len(images), images[7], images[-1]), (16 + 2 * 784, 2, 1))
                self.assertEqual(pathlib.Path(small, "t10k-labels-idx1-ubyte").read_bytes()[4:], bytes([0, 0, 0, 1, 7]))


if __name__ == "__main__":
    unittest.main()
