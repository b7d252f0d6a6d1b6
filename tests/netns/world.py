"""A world of nodes: network namespaces with our own links between them, and a process in each that tells what it sees.

Waiting is always for something that somebody says, with a deadline; a deadline that passes is a failure that says what
was missing. Everything ends with the process that made it: the emulator and the nodes end with their input, and
namespaces end with the last process in them."""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

NO_NAMESPACES = 77
PORT = 4001
START_S = 30  # for a process to say that it is there
PACE_S = 0.2  # between two looks at what changes without a word


class NoNamespaces(Exception):
    """This machine lets us make none; the text says why."""


class Failure(AssertionError):
    pass


class Emulator:
    """The process that holds the namespaces and carries frames between them."""

    def __init__(self, binary, nodes, seed, log):
        self.binary = binary
        with open(log, "w+b") as errors:
            self.process = subprocess.Popen([binary, "serve", str(nodes), str(seed)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
            first = self.process.stdout.readline()
            if not first:
                code = self.process.wait(START_S)
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise (NoNamespaces if code == NO_NAMESPACES else Failure)(said)
        ready = json.loads(first)
        self.spaces, self.addresses = ready["spaces"], ready["addresses"]
        self._lock = threading.Lock()

    def say(self, line):
        """A line of link_commands.hpp; its answer."""
        with self._lock:
            self.process.stdin.write((line + "\n").encode())
            self.process.stdin.flush()
            answer = self.process.stdout.readline().decode().strip()
        if not answer or answer.startswith("error"):
            raise Failure(f"the emulator says {answer!r} to {line!r}")
        return answer

    def count(self, start="*", end="*"):
        return json.loads(self.say(f"count {start} {end}"))

    def command(self, place, *program):
        """A command that runs a program as the node at this place."""
        return [self.binary, "enter", str(self.process.pid), str(self.spaces[place]), *program]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(START_S)
        self.process.stdout.close()


class Node:
    """A process of p2p_node in a namespace; it may end and come back with its key and its address book."""

    def __init__(self, world, name, place, network, port):
        self.world, self.name, self.place, self.network, self.port = world, name, place, network, port
        self.book = world.folder / f"{name}.book"
        self.peer = self.address = self.process = None
        self.events = []       # (when, event) of all its lives
        self.got = collections.Counter()
        self.items = collections.Counter()
        self.heard_at = {}     # when a message or an item came first
        self.connections = {}  # number: (peer, slot), of this life
        self.is_up = self.was_killed = False

    def start(self, seeds=()):
        address = f"/ip4/{self.world.emulator.addresses[self.place]}/tcp/{self.port}"
        words = [f"network={self.network}", f"key={self.name}", f"book={self.book}"]
        words += [f"seed={seed.address}" for seed in seeds if seed is not self]
        self.connections = {}
        with open(self.world.folder / f"{self.name}.err", "ab") as errors:
            self.process = subprocess.Popen(
                self.world.emulator.command(self.place, self.world.node_binary, "network", address, *words),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        self.is_up, self.was_killed = True, False
        return self

    def _read(self, process):
        with open(self.world.folder / f"{self.name}.log", "a", encoding="utf-8") as log:
            for line in process.stdout:
                event = json.loads(line)
                now = time.monotonic()
                log.write(f"{now:.3f} {line.decode()}")
                with self.world.news:
                    self._on(event, now)
                    self.world.news.notify_all()
        with self.world.news:
            if process is self.process:
                self.is_up = False
            self.world.news.notify_all()

    def _on(self, event, now):
        kind = event["event"]
        self.events.append((now, event))
        if kind == "ready":
            self.peer, self.address = event["peer"], event["address"]
        elif kind == "connected":
            self.connections[event["connection"]] = (event["peer"], event["slot"])
        elif kind == "disconnected":
            self.connections.pop(event["connection"], None)
        elif kind in ("got", "item"):
            (self.got if kind == "got" else self.items)[event["text"]] += 1
            self.heard_at.setdefault(event["text"], now)

    def said(self, kind, since=0.0):
        """Events of a kind from this moment on."""
        return [event for when, event in self.events if event["event"] == kind and when >= since]

    def say(self, line):
        try:
            self.process.stdin.write((line + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Failure(f"{self.name} has ended: {self.last_words()}") from error

    def last_words(self):
        text = (self.world.folder / f"{self.name}.err").read_text(errors="replace")
        return (text.strip() or "without a word")[-500:]

    def peers(self):
        return {peer for peer, _ in self.connections.values()}

    def end_input(self):
        """As a person stops it: it keeps its address book."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def kill(self):
        """As a power cut: nobody gets to write a last word."""
        self.was_killed = True
        self.process.send_signal(signal.SIGKILL)

    def wait(self):
        """Until it has ended, well unless it was killed."""
        try:
            code = self.process.wait(START_S)
            if code != (-signal.SIGKILL if self.was_killed else 0):
                raise Failure(f"{self.name} ended with {code}: {self.last_words()}")
        except subprocess.TimeoutExpired as late:
            self.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not stop within {START_S} s") from late
        finally:
            self.is_up = False
            if not self.process.stdin.closed:
                try:
                    self.process.stdin.close()
                except BrokenPipeError:
                    pass


class World:
    def __init__(self, name, places, programs, work, seed=1):
        self.folder = pathlib.Path(work) / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.node_binary = os.path.join(programs, "p2p_node")
        self.news = threading.Condition()
        self.nodes = []
        self.sent = {}      # text: (when, who)
        self.emulator = Emulator(os.path.join(programs, "link_emulator"), places, seed, self.folder / "emulator.err")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.end_input()
        failures = []
        for node in self.nodes:
            try:
                if node.process is not None:
                    node.wait()
            except Failure as failure:
                failures.append(str(failure))
        self.emulator.stop()
        if failures:
            raise Failure("; ".join(failures))

    # --- nodes ---

    def node(self, name, place, network="netns", port=PORT):
        node = Node(self, name, place, network, port)
        self.nodes.append(node)
        return node

    def start(self, count, seeds=2, name="n"):
        """So many nodes, one a place; the first ones are the seeds of all."""
        nodes = [self.node(f"{name}{place}", place) for place in range(count)]
        first = nodes[:seeds]
        for number, node in enumerate(first):
            node.start(first[:number])
            self.ready([node])
        for node in nodes[seeds:]:
            node.start(first)
        self.ready(nodes)
        return nodes

    def ready(self, nodes):
        self.wait(START_S, lambda: [n.name for n in nodes if not n.is_up or not n.said("ready")], "say ready")

    def up(self):
        return [node for node in self.nodes if node.is_up]

    def name_of(self, peer):
        return next((node.name for node in self.nodes if node.peer == peer), peer)

    # --- waiting ---

    def wait(self, seconds, missing, what, needed=()):
        """Until `missing()` is empty, looked at after each event; how long it took. It is in vain once one that is
        needed has ended."""
        begun = time.monotonic()
        with self.news:
            while True:
                left = missing()
                if not left:
                    return time.monotonic() - begun
                ended = [node.name for node in needed if not node.is_up]
                if ended:
                    raise Failure(f"{ended} ended, waiting to {what} (see {self.folder})")
                rest = begun + seconds - time.monotonic()
                if rest <= 0:
                    raise Failure(f"not within {seconds} s, to {what}: {str(left)[:600]} (see {self.folder})")
                self.news.wait(rest)

    def ask(self, nodes, command, kind, seconds=START_S):
        """The next event of this kind of each node after the command; {name: event}."""
        begun = time.monotonic()
        for node in nodes:
            node.say(command)
        self.wait(seconds, lambda: [n.name for n in nodes if not n.said(kind, begun)], f"answer {command}", nodes)
        return {node.name: node.said(kind, begun)[0] for node in nodes}

    def watch(self, seconds, done, what):
        """Until `done()`, which nobody tells of, is true; how long it took."""
        begun = time.monotonic()
        while not done():
            if time.monotonic() - begun > seconds:
                raise Failure(f"not within {seconds} s, to {what} (see {self.folder})")
            with self.news:
                self.news.wait(PACE_S)
        return time.monotonic() - begun

    def meshed(self, nodes, seconds, least=None):
        """Until the gossip of each of these has a full mesh."""
        least = min(6, len(nodes) - 1) if least is None else least
        return self.watch(seconds, lambda: all(len(one["mesh"]) >= least for one in
                                               self.ask(nodes, "peers", "peers").values()),
                          f"have {least} in the mesh of each of {[node.name for node in nodes]}")

    # --- messages ---

    def publish(self, node, text, size=100, kind="publish"):
        self.sent[text] = (time.monotonic(), node)
        node.say(f"{kind} {text} {size}")
        return text

    def missing(self, texts, nodes):
        """(node, text) of what has not come."""
        return [(node.name, text) for text in texts for node in nodes
                if node is not self.sent[text][1] and text not in node.heard_at]

    def spread(self, texts, nodes, seconds):
        """Until each of these has all of them; how long it took."""
        return self.wait(seconds, lambda: self.missing(texts, nodes), "hear all messages")

    def latencies_ms(self, texts, nodes):
        """Sorted, from the test's word to the test's ear."""
        return sorted(1_000 * (node.heard_at[text] - self.sent[text][0]) for text in texts for node in nodes
                      if text in node.heard_at)

    def heard_twice(self):
        return [(node.name, text) for node in self.nodes for heard in (node.got, node.items)
                for text, count in heard.items() if count > 1]


def percentile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
