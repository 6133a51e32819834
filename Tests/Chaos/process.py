"""One process under observation: what it says with the moment it said it, how it ends, and by when. Never waits for ever."""

import os
import pathlib
import signal
import subprocess
import threading
import time

from . import procfs


class Broken(Exception):
    """Something that must not happen under any fault has happened."""


class Process:
    """A child process. Standard error is read at once and kept with times; standard output goes to a file."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: pathlib.Path, **streams):
        """`streams` may give `stdout` and `stderr` as subprocess takes them; stderr is then not read here."""
        self.name = name
        self.began = time.monotonic()
        self.ended: float | None = None
        self.lines: list[tuple[float, str]] = []
        self.output_path = folder / f"{name}.stdout"
        self._log = (folder / f"{name}.stderr").open("w")
        self._log.write(f"# {' '.join(command)}\n")
        self._changed = threading.Condition()
        with self.output_path.open("wb") as output:
            self.popen = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=streams.get("stdout", output),
                stderr=streams.get("stderr", subprocess.PIPE),
            )
        self.pid = self.popen.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self.popen.stderr is not None:
            with self.popen.stderr as errors:
                for raw in errors:
                    self._note(raw.decode(errors="replace").rstrip("\n"))
        self.popen.wait()
        with self._changed:
            self.ended = time.monotonic()
            self._log.write(f"# ended with {self.popen.returncode} after {self.ended - self.began:.3f} s\n")
            self._log.close()
            self._changed.notify_all()

    def _note(self, line: str) -> None:
        now = time.monotonic()
        with self._changed:
            self.lines.append((now, line))
            self._log.write(f"{now - self.began:9.3f}  {line}\n")
            self._log.flush()
            self._changed.notify_all()

    @property
    def is_running(self) -> bool:
        return self.ended is None and self.popen.poll() is None

    @property
    def code(self) -> int | None:
        """Exit status, minus the signal if one ended it; None while it runs."""
        return self.popen.poll()

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    @property
    def errors(self) -> str:
        return "\n".join(line for _, line in list(self.lines))

    def send(self, number: int) -> None:
        """Sends a signal; the process may have ended meanwhile."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def children(self) -> list[int]:
        return procfs.children(self.pid)

    def find(self, text: str, after: float = 0.0) -> tuple[float, str] | None:
        """The first line with `text` that came after that moment."""
        return next(((at, line) for at, line in list(self.lines) if at >= after and text in line), None)

    def wait_for_line(self, text: str, within: float, after: float = 0.0) -> tuple[float, str]:
        """Waits for a line on standard error."""
        deadline = time.monotonic() + within
        with self._changed:
            while True:
                found = self.find(text, after)
                if found:
                    return found
                left = deadline - time.monotonic()
                if self.ended is not None or left <= 0:
                    break
                self._changed.wait(min(left, 1.0))
        ending = "it runs on" if self.is_running else f"it ended with {self.code}"
        raise Broken(f"{self.name}: no line with '{text}' within {within:g} s; {ending}. Last: {self.last_words()}")

    def wait(self, within: float) -> int:
        """Waits for the end and returns the exit status; a process that does not end is a failure."""
        deadline = time.monotonic() + within
        with self._changed:
            while self.ended is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Broken(f"{self.name} (pid {self.pid}) did not end within {within:g} s: {self.last_words()}")
                self._changed.wait(left)
        return self.popen.returncode

    def last_words(self) -> str:
        return " / ".join(line for _, line in list(self.lines)[-3:]) or "nothing"
