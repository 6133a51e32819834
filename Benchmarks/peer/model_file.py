"""Reading our model.safetensors into the PyTorch modules: the check that the two agree on names, shapes and meaning."""

import numpy as np
import torch
from safetensors.torch import load_file

from . import images as data
from . import neighbours, networks


def load(path, network, architecture="seed", dims=2):
    """The PyTorch network with the weights of `path`. Raises where a tensor is missing, unknown, misshapen or not float32."""
    tensors = load_file(path)
    other = [f"{name} is {tensor.dtype}" for name, tensor in tensors.items() if tensor.dtype != torch.float32]
    if other:
        raise ValueError(f"{path}: {', '.join(other)}, expected float32")
    model = networks.NETWORKS[network](architecture, dims)
    model.load_state_dict(tensors, strict=True)
    return model.eval()


@torch.inference_mode()
def embed(model, pixels, chunk=2000):
    """Latent vectors [n, dims] of byte images [n, 28, 28]."""
    parts = [
        model.embedding(torch.from_numpy(pixels[start : start + chunk]).unsqueeze(1).float() / 255)
        for start in range(0, len(pixels), chunk)]
    return torch.cat(parts).numpy()


@torch.inference_mode()
def test_loss(model, network, test_images, test_labels, generator, chunk=2000):
    """The loss on examples of PyTorch's own drawing: an estimate of run.json's `final_test_loss`, which has its own."""
    count = len(test_images)
    same = generator.integers(0, 2, count).astype(bool)
    pick = lambda wanted: test_images[data.partners(test_labels, wanted, generator)]
    towers, target = {
        "embedding-classification": lambda: ([test_images], [torch.from_numpy(test_labels.astype(np.int64))]),
        "triplet": lambda: ([test_images, pick(np.ones(count, bool)), pick(np.zeros(count, bool))], []),
    }.get(network, lambda: ([test_images, pick(same)], [torch.from_numpy(same).float()]))()
    total = 0.0
    for start in range(0, count, chunk):
        part = slice(start, start + chunk)
        inputs = [torch.from_numpy(tower[part]).unsqueeze(1).float() / 255 for tower in towers]
        targets = [tensor[part] for tensor in target]
        total += model(*inputs, *targets).item() * len(inputs[0])
    return total / count


def five_nearest_accuracy(model, folder):
    """5-NN accuracy of the test images' embedding against the training images'."""
    train_images, train_labels = data.load(folder, "train")
    test_images, test_labels = data.load(folder, "t10k")
    return neighbours.accuracy(embed(model, train_images), train_labels, embed(model, test_images), test_labels)
