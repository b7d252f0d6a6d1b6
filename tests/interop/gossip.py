"""Meshes of our nodes with js-libp2p's and go-libp2p's, and of all three. Every message of every node reaches every
other node once. Used by interop.py."""
import collections
import queue
import random
import time

from peers import Ended, Node, Trouble

ADDRESS = "/ip4/127.0.0.1/tcp/0"
POLICIES = ["nosign", "sign"]
MESHES = [{"micro": 5, "js": 5}, {"micro": 5, "go": 5}, {"micro": 4, "js": 3, "go": 3}]
LINKS = 4  # of each node, that it makes or that were made to it before
ROUNDS = 5
SIZES = {"short": 100, "medium": 2_000, "long": 70_000}  # medium: above what IDONTWANT is sent for; long: more than one
CASES = ["mesh", *SIZES, "dont-want"]                    # Noise message holds
ANSWER_S, LINK_S, MESH_S, SPREAD_S = 30, 60, 120, 120
QUIET_S = 3  # IHAVE goes around for as many heartbeats, and could bring something twice


def kind_of(name):
    return name.rstrip("0123456789")


def not_obeyed(lines, names):
    """Why ours have not told each stack what need not be sent, have not been told it, or have sent it then; nothing if
    all is well. lines: (one of ours, other, protocol, ids heard, ids told, messages sent all the same)."""
    sums = {kind_of(name): collections.Counter() for name in names}
    for ours, other, protocol, heard, told, sent in lines:
        if protocol != "/meshsub/1.2.0":
            return f"{ours} and {other} agreed on {protocol}"
        sums[kind_of(other)] += collections.Counter(heard=heard, told=told, sent=sent)
    for kind, counts in sums.items():
        if not counts["heard"] or not counts["told"]:
            return f"IDONTWANT with {kind}: {counts['heard']} heard, {counts['told']} told"
        if counts["sent"]:
            return f"{counts['sent']} messages went to {kind} that it did not want"
    return ""


class Mesh:
    def __init__(self):
        self.heard = queue.Queue()
        self.got = collections.Counter()  # (node, text)
        self.wrong, self.sizes, self.nodes = [], {}, []

    def wait(self, seconds, is_done):
        """Takes what is heard until it is done, or no longer than so many seconds."""
        until = time.monotonic() + seconds
        while not is_done():
            try:
                node, word, rest = self.heard.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
            if word == "wrong":
                self.wrong.append(f"{node.name}: {rest}")
                continue
            text, size = rest.split(" ")
            self.got[node, text] += 1
            if self.sizes.get(text) != int(size):
                self.wrong.append(f"{node.name} heard {text} with {size} bytes")

    def publish(self, node, text, size):
        self.sizes[text] = max(size, len(text))
        node.say(f"publish {size} {text}")

    def missing(self, texts):
        return [(node.name, text) for text, source in texts.items() for node in self.nodes
                if node is not source and self.got[node, text] == 0]

    def spread(self, texts, seconds):
        """Why not everything reached everybody; nothing if it did, once each."""
        self.wait(seconds, lambda: self.wrong or not self.missing(texts))
        if self.wrong:
            return self.wrong[0]
        left = self.missing(texts)
        if left:
            return f"{len(left)} are missing, among them {left[0][1]} at {left[0][0]}"
        twice = [(node.name, text) for (node, text), count in self.got.items() if count > 1]
        if twice:
            return f"{twice[0][1]} came twice to {twice[0][0]}"
        return ""

    def link(self, chance):
        """A ring, so that all are one net, and others by chance. One after another, and again if it did not work: nodes
        that start all at once on a busy machine need longer for their first handshakes than they give each other."""
        linked = set()
        for n, node in enumerate(self.nodes):
            others = [m for m in range(len(self.nodes)) if m != n and frozenset((n, m)) not in linked]
            nearest = (n + 1) % len(self.nodes)
            chosen = ([nearest] if nearest in others else []) + chance.sample(others, min(len(others), LINKS))
            for other in list(dict.fromkeys(chosen))[:LINKS]:
                linked.add(frozenset((n, other)))
                until = time.monotonic() + LINK_S
                while True:
                    try:
                        node.ask(f"dial {self.nodes[other].address}", LINK_S)
                        break
                    except Trouble as why:
                        if time.monotonic() > until or isinstance(why, Ended):
                            raise Trouble(f"{node.name} to {self.nodes[other].name}: {why}") from None

    def find_together(self):
        """Rounds of messages until one reaches everybody."""
        until, rounds, why = time.monotonic() + MESH_S, 0, "no round"
        while why and not self.wrong and time.monotonic() < until:
            rounds += 1
            texts = {f"mesh{rounds}-{n}": node for n, node in enumerate(self.nodes)}
            for text, node in texts.items():
                self.publish(node, text, len(text))
            why = self.spread(texts, 3)
        if why:
            raise Trouble(why)

    def send_all(self, case):
        """One of each node at a time: what waits for a peer that is slower than all others together would be dropped at
        its sender, as it may, and who is in a mesh is not told of it again."""
        for number in range(ROUNDS):
            texts = {f"{case}{number}-{n}": node for n, node in enumerate(self.nodes)}
            for text, node in texts.items():
                self.publish(node, text, SIZES[case])
            if why := self.spread(texts, SPREAD_S):
                raise Trouble(why)
        self.wait(QUIET_S, lambda: self.wrong)
        if why := self.spread({}, 0):
            raise Trouble(why)

    def check_dont_want(self):
        names = {node.peer(): node.name for node in self.nodes}
        lines = []
        for node in self.nodes:
            if node.name.startswith("micro"):
                for line in node.ask("lines", ANSWER_S).split():
                    peer, protocol, *counts = line.split(",")
                    lines.append((node.name, names[peer], protocol, *map(int, counts)))
        if why := not_obeyed(lines, names.values()):
            raise Trouble(why)

    def run(self, counts, policy, commands, log):
        """The cases that passed, one after another."""
        for kind, count in counts.items():
            for n in range(count):
                command = [*commands[kind], "gossip", ADDRESS, policy]
                self.nodes.append(Node(f"{kind}{n}", command, log, self.heard))
        for node in self.nodes:
            node.start()
        self.link(random.Random(1))
        self.find_together()
        yield "mesh"
        for case in SIZES:
            self.send_all(case)
            yield case
        self.check_dont_want()
        yield "dont-want"


def run(counts, policy, commands, log):
    """{case: "ok" or why not} of one mesh; what comes after a failure does not run."""
    mesh, results = Mesh(), {}
    try:
        for case in mesh.run(counts, policy, commands, log):
            results[case] = "ok"
    except (Trouble, OSError) as why:
        results[CASES[len(results)]] = str(why)
    finally:
        for node in mesh.nodes:
            node.stop()
    return results
