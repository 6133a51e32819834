"""`Benchmarks/learning`: do the networks learn what the same recipe learns in PyTorch?

Ten epochs at the defaults (learning rate 1e-4, batch 32) for four networks, two datasets, three seeds. The median test
loss may be 15 % above what PyTorch reached with one seed. Beside it stands the accuracy of a vote of the five nearest
neighbours in the 2-D embedding, test images against training images, computed by PyTorch from our model file: which
makes every run a check of the file as well. Writes docs/learning.md; the exit status is 1 when a bar is missed.
"""

import argparse
import collections
import pathlib
import statistics
import sys
import tempfile

from . import images, model_file, networks, program, tables

# (test loss, 5-NN accuracy) of the recipe in PyTorch 2.13, one seed.
PYTORCH = {
    ("MNIST", "embedding-classification"): (0.298, 0.933),
    ("MNIST", "siamese-contrastive"): (0.0249, 0.955),
    ("MNIST", "siamese-binary-cross-entropy"): (0.356, 0.752),
    ("MNIST", "triplet"): (0.0506, 0.939),
    ("FashionMNIST", "embedding-classification"): (0.784, 0.696),
    ("FashionMNIST", "siamese-contrastive"): (0.0402, 0.790),
    ("FashionMNIST", "siamese-binary-cross-entropy"): (0.345, 0.672),
    ("FashionMNIST", "triplet"): (0.145, 0.776),
}
ALLOWED = 1.15

Result = collections.namedtuple("Result", "seed loss accuracy sha256")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="learning", description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=list(networks.NETWORKS), choices=networks.NETWORKS)
    parser.add_argument("--datasets", nargs="+", default=list(images.FOLDERS), choices=images.FOLDERS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--data", help="folder with the IDX files; give one --datasets with it")
    parser.add_argument("--workers", type=int, help="changes the speed, not the result")
    parser.add_argument("--report", type=pathlib.Path, help="default: docs/learning.md, for the full table only")
    program.add_program_option(parser)
    options = parser.parse_args(arguments)
    if options.data and len(options.datasets) > 1:
        parser.error("--data is one folder: name one dataset with --datasets")
    return options


def is_full(options):
    wanted = {(dataset, network) for dataset in options.datasets for network in options.networks}
    return wanted == set(PYTORCH) and len(options.seeds) >= 3 and options.epochs == 10


def train_once(options, siamese, folder, dataset, network, seed):
    with tempfile.TemporaryDirectory(prefix="learning-") as output:
        run = program.train(
            siamese, network, dataset, output, data=folder, seed=seed, epochs=options.epochs, lr=1e-4, batch_size=32,
            workers=options.workers)
        model = model_file.load(pathlib.Path(output, f"{network}-{dataset}-model.safetensors"), network)
    accuracy = model_file.five_nearest_accuracy(model, folder)
    result = Result(seed, run["final_test_loss"], accuracy, run["model_sha256"])
    print(f"{dataset} {network} seed {seed}: test loss {result.loss:.4f}, 5-NN {accuracy:.3f}, "
          f"{run['seconds']:.0f} s", file=sys.stderr)
    return result


class Row:
    """One dataset and network: three seeds against the recipe's figures."""

    def __init__(self, dataset, network, results):
        self.dataset, self.network, self.results = dataset, network, results
        self.loss = statistics.median(result.loss for result in results)
        self.accuracy = statistics.median(result.accuracy for result in results)
        self.peer_loss, self.peer_accuracy = PYTORCH[dataset, network]
        self.bar = ALLOWED * self.peer_loss

    @property
    def met(self):
        return self.loss <= self.bar

    def cells(self):
        losses = sorted(result.loss for result in self.results)
        return [
            f"{self.dataset}, {self.network}", f"{self.loss:.4f}", f"{losses[0]:.4f}–{losses[-1]:.4f}",
            f"{self.peer_loss:.4g}", f"{self.bar:.4f}", tables.verdict(self.loss, self.bar, at_least=False),
            f"{self.accuracy:.3f}", f"{self.peer_accuracy:.3f}",
        ]


def report(rows, options):
    table = tables.markdown(
        ["", "test loss", "lowest–highest", "PyTorch", "at most", "met", "5-NN", "PyTorch's 5-NN"],
        [row.cells() for row in rows])
    digests = tables.markdown(
        ["dataset, network, seed", "SHA-256 of the model file"],
        [[f"{row.dataset}, {row.network}, {result.seed}", f"`{result.sha256}`"] for row in rows for result in row.results])
    return f"""# Learning

Made by `Benchmarks/learning`; do not edit. {options.epochs} epochs, learning rate 1e-4, batch 32, seed architecture, two latent
dimensions; the median of seeds {', '.join(map(str, options.seeds))}. PyTorch's figures are one run of the same recipe. A loss may be at most
{100 * (ALLOWED - 1):.0f} % above PyTorch's. 5-NN is the accuracy of a vote of the five nearest training images in the two-dimensional
embedding of the test images, for orientation.

{table}

## The runs

The weights depend on none of the machine, the number of workers or the transport: these digests are what everyone gets.

{digests}
"""


def main(arguments=None):
    options = parse(arguments)
    siamese = program.program_of(options)
    # All datasets are looked for before the first hour of training.
    folders = {dataset: images.folder_of(dataset, options.data) for dataset in options.datasets}
    rows = [
        Row(dataset, network, [
            train_once(options, siamese, folders[dataset], dataset, network, seed) for seed in options.seeds])
        for dataset in options.datasets for network in options.networks]
    text = report(rows, options)
    target = options.report or (program.ROOT / "docs" / "learning.md" if is_full(options) else None)
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    print(text)
    missed = [f"{row.dataset} {row.network}" for row in rows if not row.met]
    if missed:
        sys.exit(f"above the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
