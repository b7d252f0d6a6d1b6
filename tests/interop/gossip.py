"""Meshes of our nodes with js-libp2p's and go-libp2p's, and of all three. Every message of every node reaches every
other node once. Used by interop.py."""
import collections
import queue
import random
import subprocess
import threading
import time

ADDRESS = "/ip4/127.0.0.1/tcp/0"
POLICIES = ["nosign", "sign"]
MESHES = {"js": {"micro": 5, "js": 5}, "go": {"micro": 5, "go": 5}, "js,go": {"micro": 4, "js": 3, "go": 3}}
DIALS = 4  # of each node, to others by chance
SIZES = [100, 2_000, 70_000]  # short, above what IDONTWANT is sent for, beyond one Noise message
CASES = ["mesh", "short", "medium", "long"]
START_S, WARM_S, SPREAD_S = 60, 60, 60


class Node:
    """A process that prints what it hears; lines come with their node in a common queue."""

    def __init__(self, name, command, log, heard):
        self.name, self.heard = name, heard
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.address = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.heard.put((self, line.decode(errors="replace").strip()))
        self.heard.put((self, "ended"))

    def say(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Mesh:
    def __init__(self, commands, counts, log):
        self.heard = queue.Queue()
        self.got = collections.Counter()  # (node, text)
        self.wrong = []
        self.sizes = {}
        self.nodes = [Node(f"{kind}{n}", commands[kind], log, self.heard)
                      for kind, count in counts.items() for n in range(count)]

    def wait(self, seconds, done):
        """Takes what is heard until it is done; whether it is."""
        until = time.monotonic() + seconds
        while not done():
            try:
                node, line = self.heard.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return False
            words = line.split(" ")
            if words[0] == "ready":
                node.address = words[1]
            elif words[0] == "got":
                self.got[node, words[1]] += 1
                if self.sizes.get(words[1]) != int(words[2]):
                    self.wrong.append(f"{node.name} heard {words[1]} with {words[2]} bytes")
            elif words[0] in ("failed", "ended", "failed:"):
                self.wrong.append(f"{node.name}: {line}")
        return True

    def publish(self, node, text, size):
        self.sizes[text] = size
        node.say(f"publish {size} {text}")

    def missing(self, texts):
        return [(node.name, text) for text, source in texts.items() for node in self.nodes
                if node is not source and self.got[node, text] == 0]

    def spread(self, texts, seconds):
        """Why not everything reached everybody; nothing if it did, once each."""
        self.wait(seconds, lambda: not self.missing(texts))
        left = self.missing(texts)
        twice = [(node.name, text) for (node, text), count in self.got.items() if count > 1]
        if left:
            return f"{len(left)} are missing, among them {left[0][1]} at {left[0][0]}"
        if twice:
            return f"{twice[0][1]} came twice to {twice[0][0]}"
        return self.wrong[0] if self.wrong else ""

    def run(self, chance):
        """{case: "ok" or why not}."""
        if not self.wait(START_S, lambda: all(node.address for node in self.nodes)):
            return {"mesh": "a node did not start"}
        linked = set()
        for n, node in enumerate(self.nodes):
            others = [m for m in range(len(self.nodes)) if m != n and frozenset((n, m)) not in linked]
            nearest = (n + 1) % len(self.nodes)  # a ring, so that all are one net
            chosen = ([nearest] if nearest in others else []) + chance.sample(others, min(len(others), DIALS))
            for other in list(dict.fromkeys(chosen))[:DIALS]:
                linked.add(frozenset((n, other)))
                node.say(f"dial {self.nodes[other].address}")
        results, warm, until = {}, 0, time.monotonic() + WARM_S
        reached = False
        while not reached and time.monotonic() < until:  # until the meshes have found together
            warm += 1
            texts = {f"warm{warm}-{n}": node for n, node in enumerate(self.nodes)}
            for text, node in texts.items():
                self.publish(node, text, len(text))
            reached = not self.spread(texts, 3)
        results["mesh"] = "ok" if reached else self.spread(texts, 0)
        for case, size in zip(CASES[1:], SIZES):
            texts = {}
            for round_number in range(5):
                for n, node in enumerate(self.nodes):
                    texts[f"{case}{round_number}-{n}"] = node
                    self.publish(node, f"{case}{round_number}-{n}", size)
            results[case] = self.spread(texts, SPREAD_S) or "ok"
        return results

    def stop(self):
        for node in self.nodes:
            node.stop()


def run_all(commands, peers, log):
    """(title, {case: outcome}) of each mesh whose kinds are there."""
    for needs, counts in MESHES.items():
        if not set(needs.split(",")) <= set(peers):
            continue
        for policy in POLICIES:
            mesh = Mesh({kind: [*command, "gossip", ADDRESS, policy] if kind != "js" else [*command, ADDRESS, policy]
                         for kind, command in commands.items()}, counts, log)
            try:
                results = mesh.run(random.Random(1))
            finally:
                mesh.stop()
            yield (" + ".join(f"{count} {kind}" for kind, count in counts.items()), policy), results
