"""MNIST-shaped data sets' IDX files: where they lie on this machine, and smaller copies. Standard library only."""

import contextlib
import gzip
import os
import pathlib
import struct
import tempfile

FOLDERS = {"MNIST": ("MNIST", "mnist"), "FashionMNIST": ("FashionMNIST", "fashion-mnist")}


def folder_of(dataset, data=None):
    """The folder with `dataset`'s files, looked for where `siamese` looks: --data, SIAMESE_DATA, cache, Debian."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    roots = [root for root in (os.environ.get("SIAMESE_DATA"), f"{cache}/siamese", "/usr/share/datasets") if root]
    candidates = [pathlib.Path(data)] if data else [
        pathlib.Path(root, name) for root in roots for name in FOLDERS[dataset]]
    for folder in candidates:
        if any(folder.glob("train-images-idx3-ubyte*")):
            return folder
    looked = ", ".join(str(folder) for folder in candidates)
    raise SystemExit(f"no {dataset} found; looked in {looked}. Give --data, or run `siamese train` once to download it.")


def read_file(folder, name):
    """An IDX file's bytes, gzipped or not."""
    plain = pathlib.Path(folder, name)
    return plain.read_bytes() if plain.exists() else gzip.decompress(pathlib.Path(f"{plain}.gz").read_bytes())


@contextlib.contextmanager
def first_images(folder, train, test):
    """A temporary folder with the first images and labels of `folder`'s files."""
    with tempfile.TemporaryDirectory(prefix="siamese-data-") as target:
        for split, count in (("train", train), ("t10k", test)):
            for name, header, size in ((f"{split}-images-idx3-ubyte", 16, 784), (f"{split}-labels-idx1-ubyte", 8, 1)):
                content = read_file(folder, name)
                cut = content[:4] + struct.pack(">I", count) + content[8 : header + size * count]
                pathlib.Path(target, name).write_bytes(cut)
        yield target
