"""The sizes of the networks and what training them costs. Standard library only."""

# name: channels of the convolutions, units of the hidden dense layers
ARCHITECTURES = {"seed": ((6, 16), (128,)), "wide": ((32, 64), (256, 256))}
IMAGES_PER_EXAMPLE = {
    "embedding-classification": 1, "siamese-contrastive": 2, "siamese-binary-cross-entropy": 2, "triplet": 3,
    "online-triplet": 1}


def flops_per_trained_image(architecture):
    """Forward, weight gradient, and data gradient of all layers but the first, whose input needs none; multiply and add
    count as two."""
    (first, second), hidden = ARCHITECTURES[architecture]
    first_layer = 24 * 24 * first * 25 * 2
    forward = first_layer + 8 * 8 * second * first * 25 * 2
    widths = [second * 4 * 4, *hidden, 2]
    forward += sum(inputs * outputs * 2 for inputs, outputs in zip(widths, widths[1:]))
    return 3 * forward - first_layer
