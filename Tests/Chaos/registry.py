"""The scenarios by name. A scenario is a function of a `World` that raises `Broken` when a promise is broken, and may return
figures for the report."""

import dataclasses
from collections.abc import Callable

Figures = dict[str, object]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A fault, or a storm of them, and what must be true afterwards."""

    name: str
    about: str
    run: Callable[..., Figures | None]
    # Part of the short form in CI.
    quick: bool
    needs_root: bool
    # A measurement: prints figures against a bar, is left out of a soak.
    measures: bool
    # Seconds after which it is given up.
    limit: float


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, *, quick: bool = False, needs_root: bool = False, measures: bool = False, limit: float = 120
) -> Callable[[Callable[..., Figures | None]], Callable[..., Figures | None]]:
    """Registers a function; the first line of its documentation is what `--list` says."""

    def register(function: Callable[..., Figures | None]) -> Callable[..., Figures | None]:
        about = (function.__doc__ or "").strip().partition("\n")[0]
        if name in SCENARIOS or not about:
            raise ValueError(f"scenario {name} is registered already, or says nothing about itself")
        SCENARIOS[name] = Scenario(name, about, function, quick, needs_root, measures, limit)
        return function

    return register
