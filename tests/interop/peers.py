"""The other stacks' programs, and a process of a case. Used by interop.py and by tests/bench/p2p."""
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
START_S, STOP_S = 60, 10


class Unready(Exception):
    """A stack whose program cannot be made here; says what to do."""


class Trouble(Exception):
    """A process that did not do what it was told."""


def _run(command, folder, why):
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise Unready(f"{why}: there is no {command[0]} here") from None
    said = done.stdout.decode(errors="replace").strip()
    sys.stderr.write(said + "\n" if said else "")
    if done.returncode != 0:
        lines = [line for line in said.splitlines() if line.strip() and "complete log" not in line]  # npm's last word
        last = lines[-1] if lines else "nothing"
        raise Unready(f"{why}: {command[0]} ended with {done.returncode} and said: {last}")


def _holds(path, text):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() == text
    except OSError:
        return False


def prepare_js(work, script="node.mjs"):
    """The command of one of the scripts in js/; fetches what package-lock.json pins, once."""
    folder = os.path.join(work, "js")
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(HERE, "js")
    for name in os.listdir(source):
        if os.path.isfile(os.path.join(source, name)):
            shutil.copy(os.path.join(source, name), folder)
    if shutil.which("node") is None:
        raise Unready("js-libp2p needs Node 20 or newer, and there is no node here")
    with open(os.path.join(folder, "package-lock.json"), "rb") as lock:
        wanted = hashlib.sha256(lock.read()).hexdigest()
    stamp = os.path.join(folder, "node_modules", "fetched")  # written last: half of the packages are none
    if not _holds(stamp, wanted):
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder,
             "js-libp2p cannot be fetched; it comes from the registry of npm packages, over the network")
        with open(stamp, "w", encoding="utf-8") as out:
            out.write(wanted)
    return ["node", "--import", os.path.join(folder, "polyfill.mjs"), os.path.join(folder, script)]


def prepare_go(work, _script=""):
    """The command of the program in go/; go fetches what go.sum pins into its own cache."""
    binary = os.path.join(work, "interop_go")
    _run(["go", "build", "-mod=readonly", "-o", binary, "."], os.path.join(HERE, "go"),
         "go-libp2p cannot be built; its modules come over the network")
    return [binary]


class Ended(Trouble):
    """There is no use in asking it again."""


UNASKED = {"got", "wrong", "muxer"}


class Node:
    """A process that is told lines and answers each with `done WHAT` or `failed WHY`. What comes unasked goes to the
    queue `heard` with its node, as do, once, the words that it has ended."""

    def __init__(self, name, command, log, heard=None):
        self.name, self.heard, self.address = name, heard, None
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                word, _, rest = line.decode(errors="replace").strip().partition(" ")
                if self.heard is not None and word in UNASKED:
                    self.heard.put((self, word, rest))
                else:
                    self.answers.put((word, rest))
        self.answers.put(("ended", ""))
        if self.heard is not None:
            self.heard.put((self, "wrong", "it has ended"))

    def _hear(self, wanted, seconds, asked):
        try:
            word, rest = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Trouble(f"{self.name} did not answer in {seconds} s: {asked}") from None
        if word == "ended":
            self.answers.put(("ended", ""))
            raise Ended(f"{self.name} has ended: {asked}")
        if word != wanted:
            raise Trouble(f"{self.name}: {word} {rest}".rstrip())
        return rest

    def start(self):
        """Its address, once it listens."""
        self.address = self._hear("ready", START_S, "listen")
        return self.address

    def peer(self):
        return self.address.rsplit("/", 1)[1]

    def say(self, line):
        try:
            self.process.stdin.write((line + "\n").encode())
            self.process.stdin.flush()
        except OSError:
            raise Ended(f"{self.name} has ended: {line}") from None

    def ask(self, line, seconds):
        self.say(line)
        return self._hear("done", seconds, line)

    def stop(self):
        """Its exit code; the end of its input is what ends it."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Listener(Node):
    """A node that only listens. Its address is None where it did not start."""

    def __init__(self, command, log, heard=None):
        super().__init__("the listener", command, log, heard)
        try:
            self.start()
        except Trouble:
            pass
