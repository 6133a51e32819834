"""The machine's arithmetic limit: compiles Benchmarks/fma-peak.c and runs it, once per core at the same time."""

import os
import pathlib
import platform
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "fma-peak.c"


class PeakMeter:
    """A compiled fma-peak, usable until the `with` block ends."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fma-peak-")
        self.program = os.path.join(self.folder.name, "fma-peak")
        target = ["-mavx2", "-mfma"] if platform.machine() == "x86_64" else ["-mcpu=native"]
        command = ["cc", "-O3", *target, "-ffp-contract=fast", str(SOURCE), "-o", self.program]
        subprocess.run(command, check=True)
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def gflops_per_core(self, cores):
        """The mean over `cores` copies running at once; cores that share a pipe or a clock budget show here."""
        copies = [subprocess.Popen([self.program], stdout=subprocess.PIPE, text=True) for _ in range(cores)]
        return sum(float(copy.communicate()[0]) for copy in copies) / cores
