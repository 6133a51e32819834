"""Reference vectors of the in-batch family, computed with PyTorch in float64: every loss, selector and distance on random latent
vectors, and for two networks the gradient of every parameter through both rounds.

Which tuples are selected is decided here by plain loops over all of them; gradients are autograd's. Needs no data. Random selections are
drawn from Philox4x32-10 as docs/exactness.md says, implemented here once more.

A case is one tensor of float32: the summed loss, the number of tuples, how many of them have a loss, then the gradient of the latent
vectors, [row][dimension]. Of a parameter's gradient there are its norm and a sample: of n > 512 elements every (n // 256 | 1)-th one.

Usage: python make_in_batch_reference.py OUT_DIR
"""

import itertools
import os
import sys

import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save_file

SEED = 21
STEP = 3  # of a run whose batches have as many vectors as the case
MARGIN = 0.4
STREAMS = {"initialization": 1, "tuple selection": 8}
DISTANCES = ("euclidean", "squared", "cosine")
TRIPLET_SELECTORS = ("all", "hardest", "random-hard", "semi-hard", "batch-hard")


# ---- random numbers

def philox(counter, key):
    """Four words of Philox4x32-10 (Salmon et al., SC'11)."""
    x, y, z, w = counter
    k, l = key
    mask = 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * x, 0xCD9E8D57 * z
        x, y, z, w = (q >> 32) ^ y ^ k, q & mask, (p >> 32) ^ w ^ l, p & mask
        k, l = (k + 0x9E3779B9) & mask, (l + 0xBB67AE85) & mask
    return x, y, z, w


def words(stream, position, group):
    counter = (position & 0xFFFFFFFF, (position >> 32) | group << 16, STREAMS[stream], 0)
    return philox(counter, (SEED & 0xFFFFFFFF, SEED >> 32))


def integer(stream, position, draw, bound):
    """Uniform in 0..<bound, from the 64 bits of words 2·draw and 2·draw + 1."""
    four = words(stream, position, draw // 2)
    low, high = four[2 * (draw % 2)], four[2 * (draw % 2) + 1]
    return ((low | high << 32) * bound) >> 64


def uniform(stream, position):
    return np.float32(words(stream, position, 0)[0] >> 8) * np.float32(2.0**-24)


# ---- distances

def distance_of(kind, normalize, latents):
    """A function (i, j) -> distance, a tensor."""
    z = latents / latents.norm(dim=1, keepdim=True) if normalize or kind == "cosine" else latents
    if kind == "cosine":
        return lambda i, j: 1 - (z[i] * z[j]).sum()
    if kind == "squared":
        return lambda i, j: ((z[i] - z[j]) ** 2).sum()
    return lambda i, j: (z[i] - z[j]).norm()


# ---- losses: lists of terms

class Batch:
    def __init__(self, latents, labels, kind, normalize):
        self.labels, self.n = labels, len(labels)
        self.distance = distance_of(kind, normalize, latents)
        with torch.no_grad():
            self.d = [[float(self.distance(i, j)) if i != j else 0.0 for j in range(self.n)] for i in range(self.n)]

    def same(self, i, j):
        return self.labels[i] == self.labels[j]

    def others(self, i):
        return [j for j in range(self.n) if not self.same(i, j)]

    def partners(self, i):
        return [j for j in range(self.n) if j != i and self.same(i, j)]

    def draw(self, row, draw, bound):
        return integer("tuple selection", (STEP - 1) * self.n + row, draw, bound)


def contrastive_pairs(batch, selector):
    """Pairs of one class, and pairs of two."""
    pairs = list(itertools.combinations(range(batch.n), 2))
    same = [p for p in pairs if batch.same(*p)]
    different = [p for p in pairs if not batch.same(*p)]
    if selector == "hard-negative":
        different.sort(key=lambda p: (batch.d[p[0]][p[1]], p))
        return same, different[: len(same)]
    drawn, draws = [], {}
    for i, _ in same:
        strangers = batch.others(i)
        if strangers:
            drawn.append((i, strangers[batch.draw(i, draws.get(i, 0), len(strangers))]))
            draws[i] = draws.get(i, 0) + 1
    return same, drawn


def contrastive(batch, selector):
    same, different = contrastive_pairs(batch, selector)
    for i, j in same:
        yield 0.5 * batch.distance(i, j) ** 2
    for i, j in different:
        yield 0.5 * torch.relu(MARGIN - batch.distance(i, j)) ** 2


def triplets(batch, selector):
    for a in range(batch.n):
        positives, negatives = batch.partners(a), batch.others(a)
        if not positives or not negatives:
            continue
        d = batch.d[a]
        if selector == "batch-hard":
            yield a, max(positives, key=lambda p: d[p]), min(negatives, key=lambda n: d[n])
            continue
        for draw, p in enumerate(positives):
            hard = [n for n in negatives if d[n] < d[p] + MARGIN]
            semi = [n for n in hard if d[n] > d[p]]
            if selector == "all":
                yield from ((a, p, n) for n in negatives)
            elif selector == "hardest" and hard:
                yield a, p, min(hard, key=lambda n: d[n])
            elif selector == "semi-hard" and semi:
                yield a, p, min(semi, key=lambda n: d[n])
            elif selector == "random-hard" and hard:
                yield a, p, hard[batch.draw(a, draw, len(hard))]


def triplet(batch, selector):
    for a, p, n in triplets(batch, selector):
        yield torch.relu(batch.distance(a, p) - batch.distance(a, n) + MARGIN)


def softmax(batch, temperature):
    """Khosla et al. (2020), equation 2; with classes of two, Chen et al. (2020), equation 1."""
    for i in range(batch.n):
        positives = batch.partners(i)
        if positives:
            logit = {j: -batch.distance(i, j) / temperature for j in range(batch.n) if j != i}
            total = torch.logsumexp(torch.stack(list(logit.values())), 0)
            yield sum(total - logit[p] for p in positives) / len(positives)


def total(terms):
    """Summed loss, number of terms, how many are not zero."""
    terms = list(terms)
    loss = torch.stack(terms).sum() if terms else torch.zeros((), dtype=torch.float64)
    return loss, len(terms), sum(float(t.detach()) > 0 for t in terms)


def loss_of(network, selector, temperature, latents, labels, kind, normalize):
    batch = Batch(latents, labels, kind, normalize)
    if network == "online-contrastive":
        return total(contrastive(batch, selector))
    if network == "online-triplet":
        return total(triplet(batch, selector))
    return total(softmax(batch, temperature))


# ---- cases

def unbalanced_labels(rng, n):
    """Classes of about 1 : 2 : 4 : …, the first of them with a single member."""
    labels = np.concatenate([[9], rng.choice([0, 1, 3, 4], n - 1, p=[0.1, 0.2, 0.3, 0.4])])
    rng.shuffle(labels)
    return labels.astype(np.int32)


def selections():
    for selector, kind in itertools.product(("hard-negative", "all-positive"), DISTANCES):
        yield "online-contrastive", selector, kind, None
    for selector, kind in itertools.product(TRIPLET_SELECTORS, DISTANCES):
        yield "online-triplet", selector, kind, None
    for temperature in (0.1, 0.5):
        yield "supervised-contrastive", "none", "cosine", temperature
    yield "nt-xent", "none", "cosine", 0.2


def latent_cases(save):
    rng = np.random.default_rng(SEED)
    for n, d in itertools.product((24, 40), (2, 5)):
        name = f"n{n}-d{d}"
        # float32 values, so that both sides see the same; some of a length near the margin, some far.
        z = (rng.standard_normal((n, d)) * 0.5).astype(np.float32)
        labels = unbalanced_labels(rng, n)
        save[f"{name}.latents"] = torch.from_numpy(z)
        save[f"{name}.labels"] = torch.from_numpy(labels)
        for network, selector, kind, temperature in selections():
            for normalize in (False, True) if kind != "cosine" else (True,):
                latents = torch.from_numpy(z.astype(np.float64)).requires_grad_()
                own = [i // 2 for i in range(n)] if network == "nt-xent" else labels.tolist()
                loss, tuples, active = loss_of(network, selector, temperature, latents, own, kind, normalize)
                loss.backward()
                case = f"{name}.{network}.{selector}.{kind}.{'unit' if normalize else 'raw'}"
                if temperature is not None:
                    case += f".{temperature}"
                head = torch.tensor([float(loss.detach()), tuples, active], dtype=torch.float64)
                save[case] = torch.cat([head, latents.grad.flatten()]).float()


def strokes(rng, n):
    """Images of a few bright bars each."""
    images = np.zeros((n, 28, 28), np.uint8)
    for image in images:
        for _ in range(4):
            x, y = rng.integers(2, 20, 2)
            w, h = (3, rng.integers(4, 9)) if rng.integers(2) else (rng.integers(4, 9), 3)
            image[y : y + h, x : x + w] = rng.integers(60, 256, (h, w))
    return images


def network(d):
    layers = [
        nn.Conv2d(1, 6, 5), nn.PReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.PReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 128), nn.PReLU(), nn.Linear(128, d),
    ]
    net = nn.Sequential(*layers).double()
    offset = 0
    for name, tensor in net.named_parameters():
        n = tensor.numel()
        if n == 1 and isinstance(net[int(name.split(".")[0])], nn.PReLU):
            values = np.full(1, 0.25, np.float32)
        else:
            fan_in = net[int(name.split(".")[0])].weight[0].numel()
            bound = np.float32(1) / np.sqrt(np.float32(fan_in))
            u = np.array([uniform("initialization", p) for p in range(offset, offset + n)], np.float32)
            values = (np.float32(2) * u - np.float32(1)) * bound
        tensor.data = torch.from_numpy(values.astype(np.float64)).reshape(tensor.shape)
        offset += n
    return net


def parameter_cases(save):
    n = 21  # the last microbatch is short
    rng = np.random.default_rng(SEED + 1)
    images, labels = strokes(rng, n), unbalanced_labels(rng, n)
    save["images"], save["labels"] = torch.from_numpy(images), torch.from_numpy(labels)
    for name, selector, kind, normalize in (
        ("online-triplet", "all", "euclidean", False), ("supervised-contrastive", "none", "cosine", True),
    ):
        net = network(2)
        latents = net(torch.from_numpy(images).unsqueeze(1).double() / 255)
        loss, tuples, active = loss_of(name, selector, 0.1, latents, labels.tolist(), kind, normalize)
        loss.backward()
        save[f"{name}.sums"] = torch.tensor([float(loss.detach()), tuples, active], dtype=torch.float64)
        for key, tensor in net.named_parameters():
            gradient = tensor.grad.flatten()
            step = 1 if len(gradient) <= 512 else len(gradient) // 256 | 1
            save[f"{name}.embedding.encoder.{key}"] = gradient[::step].float()
            save[f"{name}.norm.embedding.encoder.{key}"] = gradient.norm().reshape(1)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for name, cases in (("in-batch", latent_cases), ("in-batch-parameters", parameter_cases)):
        save = {}
        cases(save)
        save_file({key: value.contiguous() for key, value in save.items()}, os.path.join(out, f"{name}.safetensors"))
        print(name, len(save), "tensors")


main()
