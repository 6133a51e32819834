"""All scenarios: importing this registers them, in the order in which they run."""

import random

from . import worker_faults, coordinator_faults, disk_faults, stranger_faults, environment_faults, link_faults, namespace_faults, measurements  # noqa: F401
from .registry import Scenario


def shuffled(chosen: list[Scenario], seed: int) -> list[Scenario]:
    """The scenarios in the order of that seed's round."""
    order = list(chosen)
    random.Random(seed).shuffle(order)
    return order
