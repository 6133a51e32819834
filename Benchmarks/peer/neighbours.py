"""k nearest neighbours in the latent space: how well the embedding of unseen images agrees with the training set's."""

import numpy as np


def accuracy(train, train_labels, test, test_labels, k=5, chunk=256):
    """The share of `test` vectors [n, d] whose k nearest `train` vectors [m, d] vote for the right label.

    Exact, in float64; a tied vote goes to the smaller label. `chunk` bounds memory at chunk × m distances.
    """
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    squares = (train**2).sum(axis=1)
    right = 0
    for start in range(0, len(test), chunk):
        part = test[start : start + chunk]
        # ‖t − p‖² without ‖p‖², which is the same for every t.
        distances = squares - 2 * part @ train.T
        nearest = np.argpartition(distances, k, axis=1)[:, :k]
        votes = np.apply_along_axis(np.bincount, 1, train_labels[nearest], minlength=10)
        right += int((votes.argmax(axis=1) == test_labels[start : start + chunk]).sum())
    return right / len(test)
