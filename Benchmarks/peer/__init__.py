"""The comparison with PyTorch: the same networks, the same data, the same cores. Not needed to train with `siamese`."""
