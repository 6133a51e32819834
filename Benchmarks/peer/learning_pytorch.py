"""`Benchmarks/learning-pytorch`: the recipe of `Benchmarks/learning` in PyTorch, for the spread between its seeds.

Ten epochs, Adam at 1e-4, batch 32, on one thread; partners drawn anew in each epoch. Some minutes a seed.
"""

import argparse

import numpy as np
import torch

from . import images as data
from . import model_file, networks


def parse(arguments):
    parser = argparse.ArgumentParser(prog="learning-pytorch", description=__doc__.split("\n")[0])
    parser.add_argument("network", choices=networks.NETWORKS)
    parser.add_argument("dataset", choices=data.FOLDERS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--data", help="folder with the IDX files")
    return parser.parse_args(arguments)


def epoch_examples(network, images, labels, generator):
    """The towers and the targets of one epoch, in the images' order."""
    everywhere = np.ones(len(labels), bool)
    pick = lambda wanted: images[data.partners(labels, wanted, generator)]
    if network == "embedding-classification":
        return [images], [torch.from_numpy(labels.astype(np.int64))]
    if network == "triplet":
        return [images, pick(everywhere), pick(~everywhere)], []
    same = generator.integers(0, 2, len(labels)).astype(bool)
    return [images, pick(same)], [torch.from_numpy(same).float()]


def train(options, seed, images, labels):
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    model = networks.NETWORKS[options.network]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(options.epochs):
        towers, targets = epoch_examples(options.network, images, labels, generator)
        for part in torch.randperm(len(labels)).split(32):
            optimizer.zero_grad()
            inputs = [torch.from_numpy(tower[part]).unsqueeze(1).float() / 255 for tower in towers]
            model(*inputs, *(target[part] for target in targets)).backward()
            optimizer.step()
    return model.eval()


def main(arguments=None):
    options = parse(arguments)
    torch.set_num_threads(1)
    folder = data.folder_of(options.dataset, options.data)
    images, labels = data.load(folder, "train")
    test_images, test_labels = data.load(folder, "t10k")
    losses = []
    for seed in options.seeds:
        model = train(options, seed, images, labels)
        with torch.no_grad():
            losses.append(model_file.test_loss(
                model, options.network, test_images, test_labels, np.random.default_rng(12345)))
        print(f"{options.dataset} {options.network} in PyTorch, seed {seed}: test loss {losses[-1]:.4f}", flush=True)
    print(f"median {np.median(losses):.4f}")


if __name__ == "__main__":
    main()
