"""Hosts of a network of their own, as network namespaces at one bridge: needs root, `ip`, `tc` and `nft`.

The kernel of this project's development machine has no netem: links go down, packets are dropped, bandwidth is limited, and delay is
what `relay` is for.
"""

import os
import subprocess

from .process import Broken
from .world import World


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"{' '.join(words)}: {done.stderr.strip()}")


class Network:
    """Hosts 1 … count at 10.77.0.N. Gone with the world."""

    def __init__(self, world: World, hosts: int):
        self._world = world
        self._mark = f"ch{os.getpid() % 100_000}"
        self._switch = f"{self._mark}sw"
        world.finally_do(self._remove)
        self._hosts = hosts
        for name in [self._switch, *map(self.name, range(1, hosts + 1))]:
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", self._switch, "link", "add", "br0", "type", "bridge")
        _run("ip", "-n", self._switch, "link", "set", "br0", "up")
        for host in range(1, hosts + 1):
            name = self.name(host)
            peer = ["peer", "name", f"v{host}", "netns", self._switch]
            _run("ip", "link", "add", "name", "eth0", "netns", name, "type", "veth", *peer)
            _run("ip", "-n", self._switch, "link", "set", f"v{host}", "master", "br0", "up")
            _run("ip", "-n", name, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")

    def name(self, host: int) -> str:
        return f"{self._mark}h{host}"

    def address(self, host: int) -> str:
        return f"10.77.0.{host}"

    def inside(self, host: int) -> list[str]:
        """What runs the rest of a command line on that host; `ip netns exec` would remount /sys."""
        return ["nsenter", f"--net=/run/netns/{self.name(host)}"]

    def down(self, host: int) -> None:
        """The cable is out."""
        self._world.fault(f"link of host {host} down")
        _run("ip", "-n", self._switch, "link", "set", f"v{host}", "down")

    def up(self, host: int) -> None:
        self._world.note(f"link of host {host} up")
        _run("ip", "-n", self._switch, "link", "set", f"v{host}", "up")

    def drop(self, host: int, *, incoming: bool, outgoing: bool, percent: int = 100) -> None:
        """Packets vanish without a word."""
        self._world.fault(f"host {host} loses {percent} %, incoming {incoming}, outgoing {outgoing}")
        verdict = "drop" if percent == 100 else f"numgen random mod 100 < {percent} drop"
        rules = ["add table inet chaos"]
        for hook, is_cut in [("input", incoming), ("output", outgoing)]:
            if is_cut:
                rules.append(f"add chain inet chaos {hook} {{ type filter hook {hook} priority 0; }}")
                rules.append(f"add rule inet chaos {hook} {verdict}")
        _run(*self.inside(host), "nft", "; ".join(rules))

    def stop_dropping(self, host: int) -> None:
        self._world.note(f"host {host} loses nothing")
        _run(*self.inside(host), "nft", "delete table inet chaos")

    def limit(self, host: int, rate: str) -> None:
        """What the host sends leaves at this rate at most."""
        self._world.fault(f"host {host} sends {rate} at most")
        _run("tc", "-n", self.name(host), *f"qdisc add dev eth0 root tbf rate {rate} burst 64k latency 100ms".split())

    def _remove(self) -> None:
        for name in [self._switch, *map(self.name, range(1, self._hosts + 1))]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
