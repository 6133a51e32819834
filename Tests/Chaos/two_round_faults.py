"""The commonest faults once more, for networks whose step takes two rounds (docs/protocol.md)."""

from .cluster import Cluster
from .coordinator_faults import kill_coordinators
from .job import OTHER_TWO_ROUNDS, TWO_ROUNDS
from .registry import Figures, scenario
from .relay_faults import kill_relays
from .worker_faults import kill_workers
from .world import World


@scenario("two-rounds-worker-kill", quick=True)
def two_rounds_worker_kill(world: World) -> None:
    """kill -9 of workers at random moments, within a round and between two."""
    kill_workers(Cluster(world, world.random.choice([TWO_ROUNDS, OTHER_TWO_ROUNDS])))


@scenario("two-rounds-coordinator-kill", quick=True)
def two_rounds_coordinator_kill(world: World) -> Figures:
    """kill -9 of the coordinator of a two-round run, restarted with --resume."""
    return kill_coordinators(Cluster(world, TWO_ROUNDS))


@scenario("two-rounds-relay-kill")
def two_rounds_relay_kill(world: World) -> Figures:
    """kill -9 of relays that keep the images of a first round."""
    return kill_relays(world, TWO_ROUNDS)
