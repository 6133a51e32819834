"""Running `siamese` and reading what it wrote. Standard library only."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build():
    """Builds the release program and returns its path."""
    command = ["swift", "build", "--package-path", str(ROOT), "-c", "release"]
    try:
        built = subprocess.run(
            [*command, "--product", "siamese"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise SystemExit("no command `swift`; run scripts/quickstart first, it says how to get one") from None
    if built.returncode != 0:
        raise SystemExit(f"{built.stdout}\nthe build failed")
    folder = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True).stdout.strip()
    return pathlib.Path(folder, "siamese")


def add_program_option(parser):
    parser.add_argument("--siamese", metavar="PROGRAM", type=pathlib.Path, help="default: builds the release program")


def program_of(options):
    return options.siamese.resolve() if options.siamese else build()


def train_command(program, network, dataset, output, **options):
    """`max_steps=5` becomes `--max-steps 5`; an option that is None is left out."""
    command = [str(program), "train", network, dataset, "--output", str(output)]
    for name, value in options.items():
        if value is not None:
            command += ["--" + name.replace("_", "-"), str(value)]
    return command


def read_run(output, network, dataset):
    return json.loads(pathlib.Path(output, f"{network}-{dataset}-run.json").read_text())


def run_to_end(command):
    """Runs it quietly; CPU seconds of it and of all processes that it started and waited for."""
    with tempfile.TemporaryFile() as messages:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=messages, stderr=subprocess.STDOUT)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.terminate()
            child.wait()
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            messages.seek(0)
            said = messages.read()[-4000:].decode(errors="replace")
            raise SystemExit(f"{' '.join(command)}\nended with exit status {child.returncode}:\n{said}")
    return usage.ru_utime + usage.ru_stime


def train(program, network, dataset, output=None, **options):
    """One training run; returns run.json as a dictionary. Without `output` the files are thrown away."""
    return train_measured(program, network, dataset, output, **options)[0]


def train_measured(program, network, dataset, output=None, **options):
    """The same, and the CPU seconds of all its processes, from their start to their end."""
    if output is None:
        with tempfile.TemporaryDirectory(prefix="siamese-") as folder:
            return train_measured(program, network, dataset, folder, **options)
    cpu_seconds = run_to_end(train_command(program, network, dataset, output, **options))
    return read_run(output, network, dataset), cpu_seconds
