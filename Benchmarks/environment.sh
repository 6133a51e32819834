# shellcheck shell=bash
# The benchmarks' own Python environment, Benchmarks/.venv: PyTorch's CPU build, numpy, safetensors, and
# matplotlib for plots. Sourced, never run.
# Made once, from PyPI; it touches nothing outside that folder.

readonly TORCH_VERSION=2.13.0
readonly MATPLOTLIB_VERSION=3.11.2
benchmarks=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly benchmarks

# The module with the benchmark's name, in that environment.
run_with_pytorch() {
    local module=$1
    shift
    make_environment
    PYTHONPATH=$benchmarks exec "$benchmarks/.venv/bin/python" -m "peer.$module" "$@"
}

make_environment() {
    local python=$benchmarks/.venv/bin/python
    has() { "$python" -c "import $1" 2> /dev/null; }
    if ! has "torch, numpy, safetensors"; then
        echo "Installing PyTorch $TORCH_VERSION (CPU) into Benchmarks/.venv …" >&2
        python3 -m venv --clear "$benchmarks/.venv" ||
            { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
        # Where pip knows a place with the CPU-only build, that; else PyPI's own: it runs on the CPU too and is larger.
        "$python" -m pip install --quiet "torch==$TORCH_VERSION+cpu" numpy safetensors 2> /dev/null ||
            "$python" -m pip install --quiet "torch==$TORCH_VERSION" numpy safetensors
    fi
    # Only for plots: a benchmark that draws says so itself where it is missing, the others need not stop for it.
    if ! has matplotlib; then
        echo "Installing matplotlib $MATPLOTLIB_VERSION into Benchmarks/.venv …" >&2
        "$python" -m pip install --quiet "matplotlib==$MATPLOTLIB_VERSION" ||
            echo "matplotlib cannot be installed: everything but the plots works" >&2
    fi
}
