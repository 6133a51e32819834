"""Trains a few steps of every kind of network, exports each with `siamese export`, and compares ONNX Runtime with the program.

For each model: onnx.checker accepts it; its opset is 17 and its IR version 8; for batches of 1, 7 and 64 real test images the output
`embedding` is within 1e-5 of what `siamese embed` wrote; the head is within 1e-5 of the same formula in numpy, in double precision,
on the weights of model.safetensors. At last the check checks itself: a model with one weight changed has to fail.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-5
BATCHES = (1, 7, 64)
STEPS = 40
# Every head, every architecture, with and without normalization.
MODELS = [
    ("embedding-classification", "seed", 2, []),
    ("embedding-classification", "koch", 3, []),
    ("siamese-contrastive", "wide", 2, []),
    ("siamese-binary-cross-entropy", "seed", 8, []),
    ("triplet", "koch", 2, []),
    ("vae", "seed", 2, []),
    ("vae", "wide", 5, []),
    ("online-triplet", "wide", 3, ["--normalize"]),
    ("supervised-contrastive", "seed", 2, []),
]
HEADS = {
    "embedding-classification": "log_probabilities", "siamese-binary-cross-entropy": "probability",
    "vae": "reconstruction"}


class Disagreement(Exception):
    pass


def program(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"siamese {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def weights_of(path):
    content = path.read_bytes()
    length, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(content, "<f4", int(np.prod(entry["shape"])), 8 + length + entry["data_offsets"][0])
        .reshape(entry["shape"]).astype(np.float64)
        for name, entry in header.items()}


def test_images(folder, count):
    path = next(path for path in (folder / "t10k-images-idx3-ubyte", folder / "t10k-images-idx3-ubyte.gz") if path.exists())
    content = path.read_bytes()
    if path.suffix == ".gz":
        import gzip
        content = gzip.decompress(content)
    pixels = np.frombuffer(content, np.uint8, count * 784, 16)
    return (pixels.astype(np.float32) / 255).reshape(count, 1, 28, 28)


def expect_close(what, found, expected):
    if found.shape != expected.shape:
        raise Disagreement(f"{what}: shape {found.shape} instead of {expected.shape}")
    # Of numbers beyond 1 the last digits of a float are more than the tolerance.
    worst = float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))
    if not worst <= TOLERANCE:
        raise Disagreement(f"{what}: {worst:.2g} apart")
    return worst


def head_by_hand(network, weights, embedding, references):
    if network == "embedding-classification":
        logits = embedding @ weights["classifier.0.weight"].T + weights["classifier.0.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    if network == "siamese-binary-cross-entropy":
        distances = np.abs(embedding[:, None] - references[None]) * weights["scaling_factor"]
        return 1 / (1 + np.exp(-(distances @ weights["output.0.weight"][0] + weights["output.0.bias"][0])))
    values, layer = embedding, 0
    while f"decoder.{layer}.weight" in weights:
        values = values @ weights[f"decoder.{layer}.weight"].T + weights[f"decoder.{layer}.bias"]
        if f"decoder.{layer + 1}.weight" in weights:
            values = np.where(values > 0, values, weights[f"decoder.{layer + 1}.weight"] * values)
        layer += 2
    return (1 / (1 + np.exp(-values))).reshape(-1, 1, 28, 28)


def check(path, network, images, embeddings, weights, with_head):
    """The largest deviation of all outputs."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if model.ir_version != 8 or [entry.version for entry in model.opset_import] != [17]:
        raise Disagreement(f"IR version {model.ir_version}, opset {model.opset_import}")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = ["embedding"] + ([HEADS[network]] if with_head else [])
    if [output.name for output in session.get_outputs()] != names:
        raise Disagreement(f"outputs {[output.name for output in session.get_outputs()]}")
    worst = 0.0
    for size in BATCHES:
        inputs = {"images": images[:size]}
        references = embeddings[size:size + 5]
        if with_head and network == "siamese-binary-cross-entropy":
            inputs["references"] = references
        outputs = session.run(None, inputs)
        worst = max(worst, expect_close(f"embedding of {size}", outputs[0], embeddings[:size]))
        if with_head:
            by_hand = head_by_hand(network, weights, embeddings[:size].astype(np.float64), references.astype(np.float64))
            worst = max(worst, expect_close(f"{names[1]} of {size}", outputs[1], by_hand))
    return worst


def spoil(path):
    """Changes one bias of the file's first layer."""
    model = onnx.load(path)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "embedding.encoder.0.bias")
    values = np.frombuffer(tensor.raw_data, "<f4").copy()
    values[0] += 0.01
    tensor.raw_data = values.tobytes()
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=ROOT / ".build/release/siamese")
    parser.add_argument("--dataset", default="FashionMNIST")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"))
    options = parser.parse_args()
    images = test_images(options.data, max(BATCHES) + 8)
    with tempfile.TemporaryDirectory() as folder:
        for number, (network, architecture, dimensions, more) in enumerate(MODELS):
            output = pathlib.Path(folder) / str(number)
            program(
                options.binary, "train", network, options.dataset, "--data", options.data, "--output", output, "--architecture",
                architecture, "--latent-dims", dimensions, "--max-steps", STEPS, "--lr", "0.001", "--workers", "0", *more)
            prefix = output / f"{network}-{options.dataset}-"
            model = pathlib.Path(f"{prefix}model.safetensors")
            program(options.binary, "embed", output, options.dataset, "--data", options.data, "--output", output)
            embeddings = np.load(output / "test-vectors.npy")
            weights = weights_of(model)
            for with_head in [False] + ([True] if network in HEADS else []):
                file = output / "exported.onnx"
                program(options.binary, "export", output, "--output", file, *(["--with-head"] if with_head else []))
                name = f"{network}, {architecture}, {dimensions} dimensions{', with head' if with_head else ''}"
                try:
                    worst = check(str(file), network, images, embeddings, weights, with_head)
                except Disagreement as error:
                    sys.exit(f"{name}: {error}")
                print(f"{name}: within {worst:.1e}")
        spoil(str(file))
        try:
            check(str(file), network, images, embeddings, weights, with_head)
        except Disagreement:
            return
        sys.exit("a changed weight was not noticed")


if __name__ == "__main__":
    main()
