"""`Benchmarks/planes`: how good is the plane that a recipe makes, over several seeds?

Trains each network on each dataset with each seed, and asks `siamese evaluate` for the accuracy of the five nearest
neighbours (the test set's latent vectors among the training set's). Prints a table of medians and ranges: without
options that of docs/recipes.md, "At the defaults", beside one run of the same recipe in PyTorch; what follows `--` goes
to `siamese train` and makes it the table of that recipe:

    Benchmarks/planes --networks online-triplet --seeds 0 1 2 -- --architecture wide --batch-size 256 --lr 0.001

With --results FILE every finished run is appended there, and what is there already is not done again: the benchmark may
be stopped at any time. Needs no PyTorch.
"""

import argparse
import collections
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from . import program, tables

DATASETS = ["MNIST", "FashionMNIST"]
# 5-NN accuracy of the recipe of the defaults in PyTorch 2.13, one seed.
PYTORCH = {
    ("MNIST", "embedding-classification"): 0.933,
    ("MNIST", "siamese-contrastive"): 0.955,
    ("MNIST", "siamese-binary-cross-entropy"): 0.752,
    ("MNIST", "triplet"): 0.939,
    ("FashionMNIST", "embedding-classification"): 0.696,
    ("FashionMNIST", "siamese-contrastive"): 0.790,
    ("FashionMNIST", "siamese-binary-cross-entropy"): 0.672,
    ("FashionMNIST", "triplet"): 0.776,
}
WITH_A_PEER = list(dict.fromkeys(network for _, network in PYTORCH))
NETWORKS = WITH_A_PEER + ["vae", "online-contrastive", "online-triplet", "supervised-contrastive", "nt-xent"]

Run = collections.namedtuple("Run", "network dataset seed options knn map_at_r sha256")


def parse(arguments):
    before, dash, recipe = split(arguments)
    parser = argparse.ArgumentParser(
        prog="planes", usage="%(prog)s [options] [-- options of siamese train]", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=WITH_A_PEER, choices=NETWORKS, metavar="NETWORK")
    parser.add_argument("--datasets", nargs="+", default=DATASETS, choices=DATASETS, metavar="DATASET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4], metavar="SEED")
    parser.add_argument("--results", type=pathlib.Path, help="file of finished runs, a JSON object a line")
    parser.add_argument("--mnist", help="folder with MNIST's IDX files (default: as siamese train looks for them)")
    parser.add_argument("--threads", type=int, default=2, help="changes the speed, not the result (default: 2)")
    program.add_program_option(parser)
    options = parser.parse_args(before)
    if dash and not recipe:
        parser.error("nothing follows --: name options of siamese train, or leave it out")
    options.recipe = recipe
    return options


def split(arguments):
    """(what is before the first "--", whether there is one, what is behind it)"""
    if "--" not in arguments:
        return arguments, False, []
    place = arguments.index("--")
    return arguments[:place], True, arguments[place + 1:]


def finished_runs(path):
    """Runs by what makes them: (network, dataset, seed, options)."""
    if path is None or not path.exists():
        return {}
    runs = [Run(**json.loads(line)) for line in path.read_text().splitlines()]
    return {(run.network, run.dataset, run.seed, run.options): run for run in runs}


def evaluate(siamese, model, dataset, data):
    """5-NN accuracy and MAP@R, of siamese evaluate."""
    command = [str(siamese), "evaluate", str(model), dataset, "--no-pictures", "--json"]
    if data:
        command += ["--data", data]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with exit status {ended.returncode}:\n{ended.stderr}")
    figures = json.loads(ended.stdout)
    return figures["knn"]["accuracy"], figures["retrieval"]["map_at_r"]


def train_and_evaluate(siamese, options, network, dataset, seed):
    data = options.mnist if dataset == "MNIST" else None
    with tempfile.TemporaryDirectory(prefix="planes-") as folder:
        command = program.train_command(
            siamese, network, dataset, folder, seed=seed, workers=0, threads=options.threads, data=data)
        program.run_to_end([*command, *options.recipe])
        report = program.read_run(folder, network, dataset)
        model = pathlib.Path(folder, f"{network}-{dataset}-model.safetensors")
        knn, map_at_r = evaluate(siamese, model, dataset, data)
    print(f"{dataset} {network} seed {seed} {' '.join(options.recipe)}: 5-NN {knn:.4f}, MAP@R {map_at_r:.4f}, "
          f"{report['seconds']:.0f} s", file=sys.stderr)
    return Run(network, dataset, seed, " ".join(options.recipe), knn, map_at_r, report["model_sha256"])


def row(runs, has_peer):
    """The cells of the runs of one network and dataset."""
    accuracies = sorted(run.knn for run in runs)
    median = statistics.median(accuracies)
    cells = [
        f"{runs[0].network}, {runs[0].dataset}", f"{median:.3f}", f"{accuracies[0]:.3f}–{accuracies[-1]:.3f}",
        f"{statistics.median(run.map_at_r for run in runs):.3f}"]
    if has_peer:
        peer = PYTORCH.get((runs[0].dataset, runs[0].network))
        cells += [f"{peer:.3f}", tables.verdict(round(median, 3), peer)] if peer else ["", ""]
    return cells


def table(groups, has_peer):
    header = ["", "5-NN, median", "lowest–highest", "MAP@R, median"] + (["PyTorch", "reached"] if has_peer else [])
    return tables.markdown(header, [row(runs, has_peer) for runs in groups])


def main(arguments=None):
    options = parse(sys.argv[1:] if arguments is None else arguments)
    siamese = program.program_of(options)
    finished = finished_runs(options.results)
    groups = []
    for network in options.networks:
        for dataset in options.datasets:
            groups.append([])
            for seed in options.seeds:
                run = finished.get((network, dataset, seed, " ".join(options.recipe)))
                if run is None:
                    run = train_and_evaluate(siamese, options, network, dataset, seed)
                    if options.results:
                        with options.results.open("a") as file:
                            file.write(json.dumps(run._asdict()) + "\n")
                groups[-1].append(run)
    print(table(groups, has_peer=not options.recipe))


if __name__ == "__main__":
    main()
