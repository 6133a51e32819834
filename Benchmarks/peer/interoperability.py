"""`Benchmarks/interoperability`: a finished run's weights, opened with Python's safetensors and PyTorch's strict loading.

Checks names, shapes and float32, then that PyTorch computes with them what the run reports: the test loss on pairs of
PyTorch's own drawing has to agree with run.json within sampling error.
"""

import argparse
import pathlib
import sys

import numpy as np

from . import images, model_file, networks, program

# As many that their spread tells that of one more draw to within some 15 %.
DRAWS = 20


def parse(arguments):
    parser = argparse.ArgumentParser(prog="interoperability", description=__doc__.split("\n")[0])
    parser.add_argument("network", choices=networks.NETWORKS)
    parser.add_argument("dataset", choices=images.FOLDERS)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("tmp"), help="folder of the finished run")
    parser.add_argument("--architecture", choices=networks.ARCHITECTURES, default="seed")
    parser.add_argument("--latent-dims", type=int, default=2)
    parser.add_argument("--data", help="folder with the IDX files")
    return parser.parse_args(arguments)


def agrees(reported, draws):
    """Whether one more draw could be `reported`: within five standard deviations of the draws, and 1e-4 for rounding."""
    return abs(reported - np.mean(draws)) <= 5 * np.std(draws, ddof=1) + 1e-4 * abs(reported)


def main(arguments=None):
    options = parse(arguments)
    path = options.output / f"{options.network}-{options.dataset}-model.safetensors"
    try:
        model = model_file.load(path, options.network, options.architecture, options.latent_dims)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"{path} does not open in PyTorch: {error}")
    for name, tensor in model.state_dict().items():
        print(f"{name:32} {str(list(tensor.shape)):18} {tensor.dtype}")
    folder = images.folder_of(options.dataset, options.data)
    test_images, test_labels = images.load(folder, "t10k")
    losses = [
        model_file.test_loss(model, options.network, test_images, test_labels, np.random.default_rng(draw))
        for draw in range(DRAWS)]
    reported = program.read_run(options.output, options.network, options.dataset)["final_test_loss"]
    print(f"test loss: run.json {reported:.5f}; PyTorch {np.mean(losses):.5f}, {DRAWS} draws, ± {np.std(losses, ddof=1):.5f}")
    print(f"5-NN accuracy of the embedding, test against train: {model_file.five_nearest_accuracy(model, folder):.4f}")
    if not agrees(reported, losses):
        sys.exit("PyTorch computes another test loss from these weights")


if __name__ == "__main__":
    main()
