"""The coordinator alone, against workers that compute nothing, beside libzmq alone. `Benchmarks/coordinator` runs it."""
