"""Reference vectors of the bigger networks, computed with PyTorch in float64: the variational autoencoder and the architecture `koch`.

Small enough to be committed, because nothing is stored that a test can compute: the parameters are those a run with seed SEED starts
from (docs/exactness.md: Philox4x32-10, PyTorch's uniform initialization; computed here once more, from the definition), and so is the
latent noise. Stored are one batch of real images, the loss, its terms, the latent vectors, and of every parameter's gradient its norm
and a sample: of a tensor of n > 512 elements every (n // 256 | 1)-th one.

Usage: python make_sampled_reference.py DATA_DIR OUT_DIR
DATA_DIR holds train-images-idx3-ubyte and train-labels-idx1-ubyte, gzipped or not.
"""

import gzip
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

SEED = 8
BATCH = 12
# Position of the first example in the run: that of step 3 of a run with batches of 12.
FIRST_POSITION = 24
STREAMS = {"initialization": 1, "latent noise": 4}


def philox(counter, key):
    """Philox4x32-10 of arrays of 32-bit words, [4][n] (Salmon et al., SC'11)."""
    x, y, z, w = (c.astype(np.uint64) for c in counter)
    k, l = (np.uint64(k) for k in key)
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        p, q = np.uint64(0xD2511F53) * x, np.uint64(0xCD9E8D57) * z
        x, y, z, w = (q >> half) ^ y ^ k, q & mask, (p >> half) ^ w ^ l, p & mask
        k, l = (k + np.uint64(0x9E3779B9)) & mask, (l + np.uint64(0xBB67AE85)) & mask
    return x, y, z, w


def uniform(stream, positions, draw):
    """24 bits in [0, 1): word `draw` of each position."""
    positions = np.asarray(positions, dtype=np.uint64)
    high = (positions >> np.uint64(32)) | np.uint64(draw // 4 << 16)
    fill = np.full(len(positions), STREAMS[stream], dtype=np.uint64)
    words = philox((positions & np.uint64(0xFFFFFFFF), high, fill, fill * np.uint64(0)), (SEED, 0))
    return (words[draw % 4] >> np.uint64(8)).astype(np.float64) * 2.0**-24


def normal(positions, draw):
    """Standard normal numbers by Box & Muller, number `draw` of each position."""
    u, v = (uniform("latent noise", positions, 2 * draw + k) for k in range(2))
    return np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)


def initialize(net, order):
    """The parameters of a run with seed SEED, in the order of our buffer; float32 values in float64 tensors."""
    parameters = dict(net.named_parameters())
    assert sorted(order) == sorted(parameters), set(order) ^ set(parameters)
    offset = 0
    for name in order:
        tensor = parameters[name]
        n = tensor.numel()
        if tensor.numel() == 1 and name.endswith("weight"):  # a PReLU
            values = np.full(1, 0.25, np.float32)
        else:
            weight = parameters[name.rsplit(".", 1)[0] + ".weight"]
            bound = np.float32(1) / np.sqrt(np.float32(weight[0].numel()))
            u = uniform("initialization", np.arange(offset, offset + n), 0).astype(np.float32)
            values = (np.float32(2) * u - np.float32(1)) * bound
        tensor.data = torch.from_numpy(values.astype(np.float64)).reshape(tensor.shape)
        offset += n


class Embedding(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.encoder = nn.Sequential(*layers)

    def forward(self, x):
        return self.encoder(x)


def seed_layers(d):
    return [
        nn.Conv2d(1, 6, 5), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.PReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 128), nn.PReLU(), nn.Linear(128, d),
    ]


def koch_layers(d):
    """Koch et al. (2015), halved: see docs/networks.md."""
    return [
        nn.Conv2d(1, 32, 5), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.PReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 2), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 2), nn.PReLU(),
        nn.Flatten(), nn.Linear(128, 512), nn.PReLU(), nn.Linear(512, d),
    ]


class VariationalAutoencoder(nn.Module):
    """Kingma & Welling (2014), on the seed architecture."""

    def __init__(self, d, beta):
        super().__init__()
        self.beta, self.d = beta, d
        self.embedding = Embedding(seed_layers(d))
        self.log_variance = nn.Sequential(nn.Linear(128, d))
        self.decoder = nn.Sequential(nn.Linear(d, 128), nn.PReLU(), nn.Linear(128, 784))

    def losses(self, images, _):
        x = images[0]
        hidden = self.embedding.encoder[:-1](x)
        mean, log_variance = self.embedding.encoder[-1](hidden), self.log_variance(hidden)
        positions = np.arange(FIRST_POSITION, FIRST_POSITION + BATCH)
        noise = torch.from_numpy(np.stack([normal(positions, k) for k in range(self.d)], 1))
        logits = self.decoder(mean + torch.exp(0.5 * log_variance) * noise)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="none").sum(1).mean()
        kl = (-0.5 * (1 + log_variance - mean**2 - log_variance.exp())).sum(1).mean()
        return reconstruction + self.beta * kl, kl

    def order(self):
        names = [name for name, _ in self.named_parameters()]
        encoder = [name for name in names if name.startswith("embedding.") and not name.startswith("embedding.encoder.9")]
        outputs = ["embedding.encoder.9", "log_variance.0"]
        decoder = ["decoder.0.weight", "decoder.0.bias", "decoder.1.weight", "decoder.2.weight", "decoder.2.bias"]
        return encoder + [f"{o}.{part}" for part in ("weight", "bias") for o in outputs] + decoder


class Contrastive(nn.Module):
    """Hadsell et al. (2006), margin 1, on the architecture `koch`."""

    def __init__(self, d):
        super().__init__()
        self.embedding = Embedding(koch_layers(d))

    def losses(self, images, same):
        d = (self.embedding(images[0]) - self.embedding(images[1])).norm(p=2, dim=1)
        return (0.5 * (same * d**2 + (1 - same) * F.relu(1 - d) ** 2)).mean(), torch.zeros(())

    def order(self):
        return [name for name, _ in self.named_parameters()]


def nearest_to_zero(net, images):
    """The smallest input of any PReLU of the encoder: on which side of zero it is must not be a matter of rounding."""
    least = 1.0
    for h in images:
        for layer in net.embedding.encoder:
            if isinstance(layer, nn.PReLU):
                least = min(least, h.detach().abs().min().item())
            h = layer(h)
    return least


def read(path):
    return open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()


def main():
    data, out = sys.argv[1:3]
    images = np.frombuffer(read(os.path.join(data, "train-images-idx3-ubyte")), np.uint8, offset=16)
    labels = np.frombuffer(read(os.path.join(data, "train-labels-idx1-ubyte")), np.uint8, offset=8)
    images = images.reshape(-1, 28, 28)
    random = np.random.default_rng(SEED)
    first, same = random.integers(0, len(images), BATCH), random.integers(0, 2, BATCH)
    second = np.array([random.choice(np.where((labels == labels[i]) == s)[0]) for i, s in zip(first, same.astype(bool))])
    cases = {
        "vae-d2": (VariationalAutoencoder(2, 4.0), [first], {"beta": "4"}),
        "vae-d3": (VariationalAutoencoder(3, 0.5), [first], {"beta": "0.5"}),
        "siamese-contrastive-koch": (Contrastive(2), [first, second], {}),
    }
    for name, (net, index, metadata) in cases.items():
        net = net.double()
        initialize(net, net.order())
        x = [torch.from_numpy(images[i].copy()).unsqueeze(1).double() / 255 for i in index]
        assert nearest_to_zero(net, x) > 1e-7, f"{name}: take another SEED"
        loss, second_term = net.losses(x, torch.from_numpy(same.astype(np.float64)))
        loss.backward()
        save = {
            "loss": loss.detach().view(1), "second_term": second_term.detach().double().view(1),
            "embedding": net.embedding(x[0]).detach(), "input.target": torch.from_numpy(same.astype(np.int32)),
        }
        for k, i in enumerate(index):
            save[f"input.images.{k}"] = torch.from_numpy(images[i].copy())
        for parameter, tensor in net.named_parameters():
            gradient = tensor.grad.flatten()
            n = gradient.numel()
            save["gradient." + parameter] = gradient[:: 1 if n <= 512 else n // 256 | 1].float().clone()
            save["norm." + parameter] = gradient.norm().view(1)
        save_file(
            save, os.path.join(out, f"{name}.sampled.safetensors"),
            metadata={"seed": str(SEED), "first_position": str(FIRST_POSITION), "computed_in": "float64",
                      "torch": torch.__version__, **metadata})
        print(name, loss.item(), second_term.item(), sum(p.numel() for p in net.parameters()), "parameters")


main()
