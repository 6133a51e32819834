"""All scenarios: importing this registers them, in the order in which they run."""

import random

from . import one_digest, worker_faults, coordinator_faults, keyed_faults, relay_faults, memory_faults, disk_faults  # noqa: F401
from . import two_round_faults  # noqa: F401
from . import stranger_faults, replay_faults, address_faults, environment_faults, link_faults, namespace_faults  # noqa: F401
from . import measurements, leave_measurements, long_measurements  # noqa: F401
from .registry import Scenario


def shuffled(chosen: list[Scenario], seed: int) -> list[Scenario]:
    """The scenarios in the order of that seed's round."""
    order = list(chosen)
    random.Random(seed).shuffle(order)
    return order
