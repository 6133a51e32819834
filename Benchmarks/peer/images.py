"""MNIST-shaped data sets from IDX files, and examples drawn from them. Needs the files on this machine: no download."""

import numpy as np

from .idx_files import FOLDERS, folder_of, read_file

__all__ = ["FOLDERS", "folder_of", "load", "partners"]


def read_idx(folder, name, header):
    content = read_file(folder, name)
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
