"""The four networks as PyTorch modules, with the module tree (so the parameter names) of the original program.

Losses are means over the batch.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from .architectures import ARCHITECTURES

MARGIN = 1.0


class Embedding(nn.Module):
    """images [n, 1, 28, 28] in 0…1 → latent vectors [n, dims]."""

    def __init__(self, architecture="seed", dims=2):
        super().__init__()
        (first, second), hidden = ARCHITECTURES[architecture]
        layers = [nn.Conv2d(1, first, 5), nn.PReLU(), nn.MaxPool2d(2, 2)]
        layers += [nn.Conv2d(first, second, 5), nn.PReLU(), nn.MaxPool2d(2, 2), nn.Flatten()]
        width = second * 4 * 4
        for units in hidden:
            layers += [nn.Linear(width, units), nn.PReLU()]
            width = units
        self.encoder = nn.Sequential(*layers, nn.Linear(width, dims))

    def forward(self, images):
        return self.encoder(images)


class Network(nn.Module):
    """An embedding and a loss on top of it; `forward` gives the loss, so that DDP can wrap the whole."""

    def __init__(self, architecture="seed", dims=2, joined=False):
        super().__init__()
        self.embedding = Embedding(architecture, dims)
        self.joined = joined

    def embed(self, *towers):
        """The towers' latent vectors: one call each as in the original program, or, `joined`, one call for all."""
        if self.joined:
            return self.embedding(torch.cat(towers)).chunk(len(towers))
        return [self.embedding(images) for images in towers]


class EmbeddingClassification(Network):
    def __init__(self, architecture="seed", dims=2, joined=False):
        super().__init__(architecture, dims, joined)
        self.classifier = nn.Sequential(nn.Linear(dims, 10))

    def forward(self, images, labels):
        return F.cross_entropy(self.classifier(self.embedding(images)), labels)


class SiameseContrastive(Network):
    """Hadsell, Chopra, LeCun 2006; `same` is 1 for a pair of one class, else 0."""

    def forward(self, left, right, same):
        left, right = self.embed(left, right)
        distance = (left - right).norm(p=2, dim=1)
        return (0.5 * (same * distance.pow(2) + (1 - same) * F.relu(MARGIN - distance).pow(2))).mean()


class SiameseBinaryCrossEntropy(Network):
    """After Koch 2015: a learned scale per latent dimension, one dense layer, a logit."""

    def __init__(self, architecture="seed", dims=2, joined=False):
        super().__init__(architecture, dims, joined)
        self.output = nn.Sequential(nn.Linear(dims, 1))
        self.scaling_factor = nn.Parameter(torch.randn(dims))

    def forward(self, left, right, same):
        left, right = self.embed(left, right)
        difference = (left - right).abs() * self.scaling_factor
        return F.binary_cross_entropy_with_logits(self.output(difference).view(-1), same)


class Triplet(Network):
    """Schroff, Kalenichenko, Philbin 2015."""

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_loss(*self.embed(anchor, positive, negative), margin=MARGIN)


NETWORKS = {
    "embedding-classification": EmbeddingClassification,
    "siamese-contrastive": SiameseContrastive,
    "siamese-binary-cross-entropy": SiameseBinaryCrossEntropy,
    "triplet": Triplet,
}
