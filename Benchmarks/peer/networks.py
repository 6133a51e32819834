"""Networks as PyTorch modules, the first four with the module tree (so the parameter names) of the original program.

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


class OnlineTriplet(Network):
    """Semi-hard triplets of Schroff, Kalenichenko, Philbin 2015 among the images of all processes: for each pair of one class the
    nearest image of another class that is farther away, if it is within the margin."""

    def forward(self, images, labels):
        processes = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
        latents, labels = from_all(self.embedding(images), processes), from_all(labels, processes)
        distances = torch.cdist(latents, latents)
        same = labels[:, None] == labels
        with torch.no_grad():
            negatives, order = distances.masked_fill(same, torch.inf).sort(dim=1)
            beyond = torch.searchsorted(negatives, distances, right=True).clamp(max=len(labels) - 1)
            chosen = same.fill_diagonal_(False) & (negatives.gather(1, beyond) < distances + MARGIN)
            chosen &= negatives.gather(1, beyond) > distances
        losses = F.relu(distances - distances.gather(1, order.gather(1, beyond)) + MARGIN)
        # Each process has the gradient of its own images only, and DDP takes the mean.
        return processes * torch.where(chosen, losses, 0).sum() / chosen.sum().clamp(min=1)


def from_all(tensor, processes):
    """The rows of all processes; those of this one keep their gradient."""
    if processes == 1:
        return tensor
    rows = [torch.empty_like(tensor) for _ in range(processes)]
    torch.distributed.all_gather(rows, tensor.detach())
    rows[torch.distributed.get_rank()] = tensor
    return torch.cat(rows)


NETWORKS = {
    "embedding-classification": EmbeddingClassification,
    "siamese-contrastive": SiameseContrastive,
    "siamese-binary-cross-entropy": SiameseBinaryCrossEntropy,
    "triplet": Triplet,
}
# Of these only the speed is compared.
IN_BATCH = {"online-triplet": OnlineTriplet}
