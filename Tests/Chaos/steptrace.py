"""What a trace (`--trace FILE`) says of who answered which step when, on this process's clock. Reads the Trace Event Format."""

import dataclasses
import json
import pathlib
import threading
import time


@dataclasses.dataclass(frozen=True)
class Answer:
    """A worker's answer for a shard of a step: when it was complete at the coordinator."""

    step: int
    worker: str
    at: float


def read_answers(text: str, origin: float) -> list[Answer]:
    """The answers in the order of their arrival. The last line may be cut: the file of a killed run is read too."""
    names: dict[int, str] = {}
    answers = []
    for line in text.splitlines():
        try:
            event = json.loads(line.strip().lstrip("[,").rstrip("]") or "null")
        except ValueError:
            continue
        if not event:
            continue
        if event["ph"] == "M":
            names[event["pid"]] = event["args"]["name"]
        elif event["name"] == "send" and event["pid"] != 0:
            at = origin + (event["ts"] + event["dur"]) / 1e6
            answers.append(Answer(event["args"]["step"], names[event["pid"]], at))
    return answers


def recomputed_at(answers: list[Answer], victim: str, struck: float, patience: float) -> float | None:
    """When the first step was complete that the victim has no part in any more: until then its shard was missing or on its way.

    `victim` is a part of its name that it keeps when it registers anew. What it had sent before it was struck at `struck` may arrive a little later, within `patience`; what a stopped one says when it
    is continued comes after that.
    """
    last = max((each.step for each in answers if victim in each.worker and each.at <= struck + patience), default=0)
    later = [answer for answer in answers if answer.step == last + 1]
    # The step itself is complete with its last answer.
    return max(answer.at for answer in later) if later else None


class Origin:
    """Finds out when a trace began, by this machine's monotonic clock: it is when its file appears."""

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._found = threading.Event()
        self.time = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            before = time.monotonic()
            if self._path.exists():
                self.time = before
                self._found.set()
                return
            time.sleep(0.0003)

    def wait(self) -> float:
        if not self._found.wait(60):
            raise TimeoutError(f"{self._path} did not appear")
        return self.time
