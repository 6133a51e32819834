"""How soon a process ends that is asked to, against the bar of 2 s. On a quiet machine only; what is right at any load is asked of
`worker-terminate` and `interrupt-twice`."""

import signal
import time

from .cluster import Cluster
from .job import LONG
from .registry import Figures, scenario
from .worker_faults import interrupt_train_twice, terminate_workers
from .world import World

BAR = 2.0


@scenario("measure-leave", measures=True, limit=300)
def measure_leave(world: World) -> Figures:
    """SIGTERM of workers and of a relay, SIGINT twice of `train`: each ends within 2 s of the signal."""
    # The relay last: its cluster runs on, and the others look for processes that are left.
    return terminate_workers(world, BAR) | interrupt_train_twice(world, BAR, label="-twice") | _terminate_relay(world)


def _terminate_relay(world: World) -> Figures:
    cluster = Cluster(world, LONG, label="-relay")
    cluster.start_coordinator()
    relay = cluster.add_relay()
    cluster.add_worker(relay=relay)
    cluster.wait_for_step(50)
    world.fault(f"SIGTERM {relay.name}")
    cluster.expect(relay.process, 128 + signal.SIGTERM)
    began = time.monotonic()
    relay.process.send(signal.SIGTERM)
    relay.process.wait(BAR)
    took = time.monotonic() - began
    cluster.start_relay(relay)
    # The run goes on; its end is not what is measured here.
    cluster.wait_for_progress(20)
    return {"relay's leave, ms": round(took * 1000)}
