"""The faults that matter most once more, over links with keys: CURVE's handshake stands between a restart and the first step."""

from .cluster import Cluster
from .coordinator_faults import kill_coordinators
from .job import SHORT
from .registry import Figures, scenario
from .worker_faults import kill_workers
from .world import World


@scenario("keyed-worker-kill", quick=True)
def keyed_worker_kill(world: World) -> None:
    """kill -9 of a random worker at eight random moments, with keys; each is replaced by one with another key."""
    kill_workers(Cluster(world, SHORT, keyed=True))


@scenario("keyed-coordinator-kill", quick=True)
def keyed_coordinator_kill(world: World) -> Figures:
    """kill -9 of the coordinator at random moments, with keys, restarted with --resume; the same workers go on by themselves."""
    return kill_coordinators(Cluster(world, SHORT, keyed=True))
