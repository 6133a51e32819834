"""One process of a PyTorch contestant: makes the network and trains as it is told over a pipe.

PyTorch at its best: no DataLoader, no disk; the examples are drawn beforehand and lie in memory as float tensors in the
layout that the network wants, so a step only slices them. `pytorch_team.py` is the other end of the pipe.
"""

import dataclasses
import resource
import signal
import time
import traceback

import torch
import torch.distributed

from . import architectures, contestants, networks

EXAMPLES = 8192

# Settings and their starting values; `tuning.climb` tries the changes.
RECIPE = {
    "joined": False,  # one call of the embedding for all towers instead of one for each
    "channels_last": False,
    "adam": "loop",  # or foreach, or fused
    "flush_denormals": False,
    "compiled": False,  # by torch.compile: not tried, but what the compiled contestants are
    "static_graph": False,  # these three are DDP's
    "gradient_as_bucket_view": False,
    "one_bucket": False,  # all gradients summed at once; it comes with a first bucket of 1 MB
}


@dataclasses.dataclass(frozen=True)
class Place:
    """Which process of which contestant this is; `address` is where the processes of one meet."""

    contestant: contestants.PyTorch
    case: contestants.Case
    rank: int
    address: str


def serve(place, pipe):
    """Answers ("prepare", settings) and ("run", steps) until the pipe closes; an error is an answer too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other end stops, and then the pipe closes
    torch.set_num_threads(place.contestant.threads)
    torch.set_num_interop_threads(1)  # nothing here uses more
    if place.contestant.processes > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=place.address, rank=place.rank, world_size=place.contestant.processes)
    step = None
    while True:
        try:
            command, argument = pipe.recv()
        except EOFError:
            break
        try:
            if command == "prepare":
                step = make_step(place, argument)
                pipe.send({})
            else:
                pipe.send(timed(place, step, argument))
        except Exception as error:  # a compiler's or a layout's; the table says which
            reason = " ".join(traceback.format_exception_only(error)).strip().split("\n")[0]
            pipe.send({"error": reason[:300]})
    if place.contestant.processes > 1:
        torch.distributed.destroy_process_group()


def timed(place, step, steps):
    if place.contestant.processes > 1:
        torch.distributed.barrier()
    start, cpu = time.perf_counter(), cpu_seconds()
    for _ in range(steps):
        step()
    if place.contestant.processes > 1:
        torch.distributed.barrier()
    return {"seconds": time.perf_counter() - start, "cpu_seconds": cpu_seconds() - cpu}


def cpu_seconds():
    """Of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def make_step(place, settings):
    """A function that trains on the next batch."""
    torch.manual_seed(0)
    torch.set_flush_denormal(settings["flush_denormals"])
    layout = torch.channels_last if settings["channels_last"] else torch.contiguous_format
    case, contestant = place.case, place.contestant
    network = (networks.NETWORKS | networks.IN_BATCH)[case.network]
    model = network(case.architecture, joined=settings["joined"]).to(memory_format=layout)
    adam = {"loop": {"foreach": False, "fused": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, **adam[settings["adam"]])
    if settings["compiled"]:
        torch.compiler.reset()
        model = torch.compile(model, dynamic=False)
    if contestant.processes > 1:
        model = torch.nn.parallel.DistributedDataParallel(
            model, static_graph=settings["static_graph"], gradient_as_bucket_view=settings["gradient_as_bucket_view"],
            bucket_cap_mb=100 if settings["one_bucket"] else None)
    batch = case.batch // contestant.processes
    batches = examples(case.network, batch, layout)
    taken = 0

    def step():
        nonlocal taken
        inputs = batches[taken % len(batches)]
        taken += 1
        optimizer.zero_grad()
        model(*inputs).backward()
        optimizer.step()

    return step


def examples(network, batch, layout):
    """Batches of random pixels and targets; their values do not change how long a step takes."""
    count = max(EXAMPLES, batch)
    towers = architectures.IMAGES_PER_EXAMPLE[network]
    tensors = [torch.rand(count, 1, 28, 28).contiguous(memory_format=layout) for _ in range(towers)]
    if network in ("embedding-classification", "online-triplet"):
        tensors.append(torch.randint(0, 10, (count,)))
    elif network != "triplet":
        tensors.append(torch.randint(0, 2, (count,)).float())
    return [[tensor[first : first + batch] for tensor in tensors] for first in range(0, count - batch + 1, batch)]
