"""A dataset small enough to train on in seconds, as IDX files: stripes of ten kinds, shifted and noisy.

Made with integers and `random.Random`, whose sequence Python keeps: the same bytes everywhere. Not meant to be learned
well, and not the synthetic data of the Swift tests, whose bytes enter golden digests.
"""

import pathlib
import random
import struct

# Distinct images, and how often the training set repeats them: an epoch is long enough that a run is steps, not validation.
DISTINCT_IMAGES = 600
REPETITIONS = 20
TEST_IMAGES = 100
SIDE = 28

# Steps of a stripe's phase per column and row: direction and width tell the class.
DIRECTIONS = [(1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2), (3, 1), (1, 3)]


def write_dataset(folder: pathlib.Path, seed: int = 0) -> None:
    """Writes the four files that `--data` looks for."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(seed)
    for name, count, repetitions in [("train", DISTINCT_IMAGES, REPETITIONS), ("t10k", TEST_IMAGES, 1)]:
        labels = bytes(numbers.randrange(10) for _ in range(count))
        pixels = b"".join(_image(label, numbers) for label in labels)
        total = count * repetitions
        images = struct.pack(">IIII", 0x803, total, SIDE, SIDE) + pixels * repetitions
        (folder / f"{name}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, total) + labels * repetitions)


def _image(label: int, numbers: random.Random) -> bytes:
    across, down = DIRECTIONS[label]
    shift = numbers.randrange(32)
    noise = numbers.randbytes(SIDE * SIDE)
    return bytes(
        abs((across * x + down * y + 128 + shift) * 3 % 32 - 16) * 14 + noise[y * SIDE + x] % 32
        for y in range(SIDE)
        for x in range(SIDE)
    )
