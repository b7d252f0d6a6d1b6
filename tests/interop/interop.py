#!/usr/bin/env python3
"""Our node against js-libp2p and go-libp2p, in both directions. Prints a table; exits 1 unless every case passed.

    interop.py P2P_NODE --work FOLDER [--peers js,go]
"""
import argparse
import os
import shutil
import subprocess
import sys
import threading

import gossip
import kad

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["ping", "identify", "push", "echo", "half-close", "reset", "slow-reader", "perf"]
KEYS = ["Ed25519", "secp256k1"]
ADDRESSES = {"Ed25519": "/ip4/127.0.0.1/tcp/0", "secp256k1": "/ip6/::1/tcp/0"}  # one each: both families are dialed
START_S, DIAL_S = 60, 400


def prepare_js(work, script):
    folder = os.path.join(work, "js")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(os.path.join(HERE, "js")):
        shutil.copy(os.path.join(HERE, "js", name), folder)
    needed = ("gossipsub", "kad-dht")
    if not all(os.path.isdir(os.path.join(folder, "node_modules", "@libp2p", name)) for name in needed):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True,
                       stdout=sys.stderr)
    return ["node", "--import", os.path.join(folder, "polyfill.mjs"), os.path.join(folder, script)]


def prepare_go(work, _script):
    binary = os.path.join(work, "interop_go")
    subprocess.run(["go", "build", "-mod=readonly", "-o", binary, "."], cwd=os.path.join(HERE, "go"), check=True,
                   stdout=sys.stderr)
    return [binary]


PREPARE = {"js": prepare_js, "go": prepare_go}


class Listener:
    """A listening process; stopped by the end of its input."""

    def __init__(self, command, log):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.address = None
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        reader.join(START_S)

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").strip()
            if text.startswith("ready "):
                self.address = text[len("ready "):]
                return

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_pair(listen, dial, log):
    """{case: "ok" or why not}."""
    listener = Listener(listen, log)
    results = {}
    try:
        if listener.address is None:
            return {case: "the listener did not start" for case in CASES}
        done = subprocess.run([*dial[:1], *[listener.address if word == "ADDRESS" else word for word in dial[1:]]],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, timeout=DIAL_S)
        for line in done.stdout.decode(errors="replace").splitlines():
            words = line.split(" ", 2)
            if words[0] == "case" and len(words) == 3:
                results[words[1]] = words[2]
            elif "failed" in line:
                results["dial"] = line
    except subprocess.TimeoutExpired as late:
        for line in (late.stdout or b"").decode(errors="replace").splitlines():
            words = line.split(" ", 2)
            if words[0] == "case" and len(words) == 3:
                results[words[1]] = words[2]
    finally:
        listener.stop()
    return results


def runs(ours, peer_name, peer):
    """(title, command that listens, command that dials)."""
    for key in KEYS:
        for extension in (True, False):
            ours_extra = [] if extension else ["--no-extension"]
            muxer = "in handshake" if extension else "multistream"
            yield ((f"micro -> {peer_name}", key, muxer), [*peer, "listen", ADDRESSES[key], key],
                   [ours, "dial", "ADDRESS", *ours_extra])
            yield ((f"{peer_name} -> micro", key, muxer), [ours, "listen", ADDRESSES[key], *ours_extra],
                   [*peer, "dial", "ADDRESS", key])


def row(width, title, cases, results):
    """Prints a line of the table; {case: outcome}, of cases that did not run too."""
    outcomes = {case: results.get(case, "did not run" + (f" ({results['dial']})" if "dial" in results else ""))
                for case in cases}
    print(title.ljust(width) + "".join(f"{'ok' if one == 'ok' else 'FAILED':<13}" for one in outcomes.values()),
          flush=True)
    return outcomes


def connections(ours, peers, work, log):
    """Two nodes and everything that one connection carries."""
    print(f"{'who dials whom':<16}{'key':<11}{'muxer':<14}" + "".join(f"{case:<13}" for case in CASES), flush=True)
    for peer_name in peers:
        peer = PREPARE[peer_name](work, "node.mjs")
        for (pair, key, muxer), listen, dial in runs(ours, peer_name, peer):
            yield f"{pair}, {key}, {muxer}", row(41, f"{pair:<16}{key:<11}{muxer}", CASES, run_pair(listen, dial, log))


def chains(ours, peers, work, log):
    """Nodes of several stacks in one Kademlia."""
    commands = {name: PREPARE[name](work, "kad.mjs") for name in peers} | {"micro": [ours]}
    print(f"{'kademlia':<41}" + "".join(f"{case:<13}" for case in kad.CASES), flush=True)
    for nodes, results in kad.run_all(commands, peers, log):
        yield nodes, row(41, nodes, kad.CASES, results)


def meshes(ours, peers, work, log):
    """Ten nodes of several stacks that gossip."""
    commands = {name: PREPARE[name](work, "gossip.mjs") for name in peers} | {"micro": [ours]}
    print(f"{'gossip':<31}{'policy':<10}" + "".join(f"{case:<13}" for case in gossip.CASES), flush=True)
    for (nodes, policy), results in gossip.run_all(commands, peers, log):
        yield f"{nodes}, {policy}", row(41, f"{nodes:<31}{policy}", gossip.CASES, results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--work", required=True)
    parser.add_argument("--peers", default="js,go")
    parser.add_argument("--only", choices=["connections", "gossip", "kad"], help="a part of the cases")
    arguments = parser.parse_args()
    arguments.work = os.path.abspath(arguments.work)
    os.makedirs(arguments.work, exist_ok=True)
    failures, passed = [], 0
    with open(os.path.join(arguments.work, "peers.log"), "wb") as log:
        parts = {"connections": connections, "gossip": meshes, "kad": chains}
        for name, part in parts.items():
            if arguments.only not in (None, name):
                continue
            peers = arguments.peers.split(",")
            for title, outcomes in part(os.path.abspath(arguments.node), peers, arguments.work, log):
                for case, outcome in outcomes.items():
                    passed += outcome == "ok"
                    if outcome != "ok":
                        failures.append(f"{title}, {case}: {outcome}")
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
