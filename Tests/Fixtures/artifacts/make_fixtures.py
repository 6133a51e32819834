#!/usr/bin/env python3
"""Writes the safetensors files that Tests/ArtifactsTests reads, with the reference implementation.

Needs: pip install numpy safetensors. Run in this folder; the bytes do not change from run to run.
"""
import numpy as np
from safetensors.numpy import save_file

# Only F32, names sorted, one metadata entry: the reference implementation then leaves no choice about the bytes.
save_file(
    {
        "classifier.bias": np.array([0.5, -1.25, 3e38], dtype=np.float32),
        "classifier.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "scaling_factor": np.array(0.1, dtype=np.float32),
    },
    "floats.safetensors",
    metadata={"format": "pt"},
)
# Every element type that the decoder reads, one that it carries as bytes, and an empty tensor.
save_file(
    {
        "doubles": np.array([[1e-300, -0.0], [np.pi, np.inf]], dtype=np.float64),
        "floats": np.array([1.5, -2.5], dtype=np.float32),
        "integers": np.array([-2147483648, 7], dtype=np.int32),
        "bytes": np.array([[0, 127, 255]], dtype=np.uint8),
        "longs": np.array([1 << 40], dtype=np.int64),
        "none": np.zeros((0, 4), dtype=np.float32),
    },
    "mixed.safetensors",
    metadata={"größe": "\"quoted\"\n→"},
)
