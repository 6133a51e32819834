"""What Linux says of processes, read from /proc: children, memory, states, and who carries our mark. Changes nothing."""

import pathlib

PROC = pathlib.Path("/proc")


def _read(pid: int, name: str) -> str:
    """A file of a process; empty when the process has gone."""
    try:
        return (PROC / str(pid) / name).read_text(errors="replace")
    except OSError:
        return ""


def state(pid: int) -> str:
    """The letter of proc(5): R, S, D, T, Z …; empty when there is no such process."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return fields[0] if fields else ""


def is_running(pid: int) -> bool:
    """Neither gone nor a zombie that waits to be reaped."""
    return state(pid) not in ("", "Z", "X")


def children(pid: int) -> list[int]:
    """The children of a process, oldest first."""
    found = []
    for task in _tasks(pid):
        found += [int(word) for word in _read(pid, f"task/{task}/children").split()]
    return sorted(found)


def _tasks(pid: int) -> list[str]:
    try:
        return [entry.name for entry in (PROC / str(pid) / "task").iterdir()]
    except OSError:
        return []


def resident_bytes(pid: int) -> int:
    """Resident memory at present, zero when the process has gone."""
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def open_files(pid: int) -> int:
    """Open descriptors, zero when the process has gone."""
    try:
        return len(list((PROC / str(pid) / "fd").iterdir()))
    except OSError:
        return 0


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100 if len(fields) > 12 else 0.0


def marked(mark: str) -> list[int]:
    """Processes with this word in their environment: all that was started under it, however deep, and still runs."""
    wanted = mark.encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and is_running(int(entry.name)):
            found.append(int(entry.name))
    return found
