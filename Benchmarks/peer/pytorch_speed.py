"""How many images a second PyTorch trains: eager in one process, or DDP over gloo in several.

PyTorch at its best: no DataLoader, no disk; the examples are drawn beforehand and lie in memory as float tensors, so a
step only slices them. Two forms are measured. "recipe" is the original program's: one call of the embedding per tower,
Adam as it comes. "tuned" joins the towers into one batch and uses the fused Adam.
"""

import dataclasses
import socket
import time

import torch
import torch.distributed
import torch.multiprocessing

from . import networks

EXAMPLES = 8192
WARM_UP_STEPS = 10


@dataclasses.dataclass(frozen=True)
class Case:
    network: str
    architecture: str
    batch: int
    processes: int
    threads: int
    tuned: bool
    seconds: float


def measure(case):
    """images/s of all processes together, after warm-up."""
    context = torch.multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    address = f"tcp://127.0.0.1:{free_port()}"
    workers = torch.multiprocessing.spawn(
        train, args=(case, address, results), nprocs=case.processes, join=False)
    while not workers.join():
        pass
    return results.get()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def train(rank, case, address, results):
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    model = networks.NETWORKS[case.network](case.architecture, joined=case.tuned)
    if case.processes > 1:
        torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=case.processes)
        model = torch.nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True if case.tuned else None)
    batch = case.batch // case.processes
    step = make_step(model, optimizer, examples(case.network, max(EXAMPLES, batch)), batch)
    for _ in range(WARM_UP_STEPS):
        step()
    steps = steps_for(step, case)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    if case.processes > 1:
        torch.distributed.barrier()
    elapsed = time.perf_counter() - start
    if rank == 0:
        images = networks.NETWORKS[case.network].images_per_example
        results.put(steps * case.batch * images / elapsed)
    if case.processes > 1:
        torch.distributed.destroy_process_group()


def steps_for(step, case):
    """How many steps fill `case.seconds`; the same number in every process, or DDP would wait for ever."""
    start = time.perf_counter()
    for _ in range(WARM_UP_STEPS):
        step()
    per_step = torch.tensor([(time.perf_counter() - start) / WARM_UP_STEPS])
    if case.processes > 1:
        torch.distributed.all_reduce(per_step, op=torch.distributed.ReduceOp.MAX)
    return max(WARM_UP_STEPS, round(case.seconds / per_step.item()))


def examples(network, count):
    """Random pixels and targets; their values do not change how long a step takes."""
    kind = networks.NETWORKS[network]
    images = [torch.rand(count, 1, 28, 28) for _ in range(kind.images_per_example)]
    if kind is networks.EmbeddingClassification:
        return [*images, torch.randint(0, 10, (count,))]
    if kind is networks.Triplet:
        return images
    return [*images, torch.randint(0, 2, (count,)).float()]


def make_step(model, optimizer, tensors, batch):
    batches = [[tensor[first : first + batch] for tensor in tensors]
               for first in range(0, len(tensors[0]) - batch + 1, batch)]
    taken = 0

    def step():
        nonlocal taken
        inputs = batches[taken % len(batches)]
        taken += 1
        optimizer.zero_grad()
        model(*inputs).backward()
        optimizer.step()

    return step
