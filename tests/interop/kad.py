"""Kademlia over nodes of ours and of other stacks: a chain of connections, over which each node finds others that it
was never connected to, and what others provide. Used by interop.py."""
import hashlib
import queue
import subprocess
import threading
import time

ADDRESS = "/ip4/127.0.0.1/tcp/0"
CHAINS = {"js": ["micro", "js"] * 4, "go": ["micro", "go"] * 4,
          "js,go": ["js", "micro", "go", "micro", "js", "go", "micro"]}
CASES = ["table", "find", "provide"]
START_S, ANSWER_S, SETTLE_S = 60, 90, 60


class Node:
    """A process that does one thing for each line that it is told."""

    def __init__(self, name, command, log):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.address = self.hear("ready", START_S)
        self.peer = self.address.rsplit("/", 1)[1]

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode(errors="replace").rstrip("\n"))
        self.lines.put("ended ")

    def hear(self, wanted, seconds):
        try:
            word, _, rest = self.lines.get(timeout=seconds).partition(" ")
        except queue.Empty:
            raise RuntimeError(f"{self.name} does not answer") from None
        if word != wanted:
            raise RuntimeError(f"{self.name}: {word} {rest}")
        return rest

    def ask(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()
        return self.hear("done", ANSWER_S)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def name_of(node):
    """The multihash of what this node provides, in hex."""
    return "1220" + hashlib.sha256(("provided by " + node.peer).encode()).hexdigest()


def table(nodes):
    """Whoever is connected is in both tables."""
    for before, node in zip(nodes, nodes[1:]):
        node.ask("connect " + before.address)
    until = time.monotonic() + SETTLE_S
    for number, node in enumerate(nodes):
        wanted = 1 if number in (0, len(nodes) - 1) else 2
        while int(node.ask("table")) < wanted:
            if time.monotonic() > until:
                raise RuntimeError(f"{node.name} knows too few")


def find(nodes):
    """From each end of the chain to the other, and from each node to the one three further."""
    pairs = [(nodes[0], nodes[-1]), (nodes[-1], nodes[0])]
    pairs += [(node, nodes[(number + 3) % len(nodes)]) for number, node in enumerate(nodes)]
    for asker, wanted in pairs:
        port = wanted.address.split("/")[4]
        until = time.monotonic() + SETTLE_S
        # go answers without an address for a peer that has connected and not yet said where it listens.
        while f"/tcp/{port}" not in (found := asker.ask("find " + wanted.peer)):
            if found or time.monotonic() > until:
                raise RuntimeError(f"{asker.name} found {wanted.name} at {found or 'no address'}")


def provide(nodes):
    """Everybody provides something; the one three further finds who."""
    for node in nodes:
        node.ask("provide " + name_of(node))
    for number, node in enumerate(nodes):
        asker = nodes[(number + 3) % len(nodes)]
        until = time.monotonic() + SETTLE_S
        while node.peer not in (found := asker.ask("providers " + name_of(node))):
            if time.monotonic() > until:  # records travel without an answer
                raise RuntimeError(f"{asker.name} found {found or 'nobody'} and not {node.name}")


def run_all(commands, peers, log):
    """(title, {case: outcome}) of each chain."""
    for of, kinds in CHAINS.items():
        if not set(of.split(",")) <= set(peers):
            continue
        nodes, results = [], {}
        try:
            for number, kind in enumerate(kinds):
                nodes.append(Node(f"{kind}{number}", [*commands[kind], "kad", ADDRESS], log))
            for case, run in zip(CASES, (table, find, provide)):
                run(nodes)
                results[case] = "ok"
        except (RuntimeError, OSError) as why:
            results[CASES[len(results)]] = str(why)
        finally:
            for node in nodes:
                node.stop()
        yield ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), reverse=True)), results
