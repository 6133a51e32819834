"""MNIST-shaped data sets from IDX files, and examples drawn from them. Needs the files on this machine: no download."""

import gzip
import os
import pathlib

import numpy as np

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


def read_idx(folder, name, header):
    plain = pathlib.Path(folder, name)
    content = plain.read_bytes() if plain.exists() else gzip.decompress(pathlib.Path(f"{plain}.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=header).copy()  # a copy, for PyTorch wants writable memory


def load(folder, split):
    """images [n, 28, 28] and labels [n], both bytes; `split` is "train" or "t10k"."""
    images = read_idx(folder, f"{split}-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    return images, read_idx(folder, f"{split}-labels-idx1-ubyte", 8)


def partners(labels, same, generator):
    """For every example the index of another image: of its class where `same`, else of another class."""
    by_class = [np.flatnonzero(labels == label) for label in range(10)]
    other_classes = [np.flatnonzero(labels != label) for label in range(10)]
    chosen = np.empty(len(labels), np.int64)
    for label in range(10):
        for wanted, pool in ((True, by_class[label]), (False, other_classes[label])):
            where = np.flatnonzero((labels == label) & (same == wanted))
            chosen[where] = generator.choice(pool, len(where))
    return chosen
