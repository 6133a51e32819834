"""Folders of keys for a cluster, made by `siamese keygen`: what a coordinator or a relay listens with, and its workers connect with."""

import pathlib

from .process import Broken
from .world import World

# Workers and relays that a scenario may start over its life.
MOST_NAMES = 40


class Keys:
    """One coordinator's, or one relay's, keys and those of everybody whom it admits."""

    def __init__(self, world: World, folder: pathlib.Path):
        self.folder = folder
        names = [f"{kind}-{number}" for kind in ("worker", "relay") for number in range(1, MOST_NAMES + 1)]
        process = world.start(f"keygen-{folder.name}", ["keygen", str(folder), "--names", ",".join(names)])
        if process.wait(within=20) != 0:
            raise Broken(f"keygen: {process.last_words()}")

    def to_listen(self) -> list[str]:
        return ["--keys", str(self.folder)]

    def to_connect(self, name: str) -> list[str]:
        return ["--key", str(self.folder / "workers" / f"{name}.key")]
