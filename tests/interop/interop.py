#!/usr/bin/env python3
"""Our node against js-libp2p and go-libp2p, in both directions. Prints a table; exits 1 unless every case passed.

    interop.py P2P_NODE --work FOLDER [--peers js,go] [--only connections|gossip|kad|transcript]
"""
import argparse
import os
import queue
import subprocess
import sys

import gossip
import kad
from peers import HERE, Listener, Trouble, Unready, prepare_go, prepare_js

CASES = ["muxer", "ping", "identify", "push", "echo", "half-close", "reset", "slow-reader", "perf"]
KEYS = ["Ed25519", "secp256k1"]
ADDRESSES = {"Ed25519": "/ip4/127.0.0.1/tcp/0", "secp256k1": "/ip6/::1/tcp/0"}  # one each: both families are dialed
PREPARE = {"js": prepare_js, "go": prepare_go}
SCRIPTS = ["node", "gossip", "kad", "record"]
TRANSCRIPT = os.path.join(HERE, "..", "vectors", "p2p", "connection", "js_transcript.csv")
DIAL_S = 1_800  # only what hangs takes so long, and what a busy machine starves
TITLE_WIDTH, CASE_WIDTH = 41, 12


class Row:
    """A line of the table: its cases, and what runs them and gives {case: "ok" or why not}."""

    def __init__(self, title, cases, run):
        self.title, self.cases, self.run = title, cases, run


def said_of(lines):
    """{case: outcome} of what a dialer printed; `dial` where it never came to the cases. Who fails once has failed."""
    out = {}
    for line in lines:
        words = line.split(" ", 2)
        if words[0] == "case" and len(words) == 3:
            if out.get(words[1], "ok") == "ok":
                out[words[1]] = words[2]
        elif "failed" in line:
            out["dial"] = line
    return out


def run_dialer(command, log):
    """Its lines, and why it did not end well; "" if it did."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    try:
        said, why = process.communicate(timeout=DIAL_S)[0], f"the dialer ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        said, why = process.communicate()[0], f"the dialer took more than {DIAL_S} s"
    return said.decode(errors="replace").splitlines(), why if process.returncode != 0 else ""


def run_pair(listen, dial, muxer, log):
    """muxer: what ours has to say of how it was agreed on."""
    heard = queue.Queue()
    listener = Listener(listen, log, heard)
    try:
        if listener.address is None:
            return {"dial": "the listener did not start"}
        lines, why = run_dialer([listener.address if word == "ADDRESS" else word for word in dial], log)
    finally:
        listener.stop()
    results = said_of(lines)
    if why:
        results.setdefault("dial", why)
    while not heard.empty():
        _, word, rest = heard.get()
        lines.append(f"{word} {rest}")
    said = {line.partition(" ")[2] for line in lines if line.startswith("muxer ")}
    if said:
        results["muxer"] = "ok" if said == {muxer} else "agreed on by " + ", ".join(sorted(said))
    if why and all(results.get(case) == "ok" for case in CASES):
        results[CASES[-1]] = why
    return results


def connections(ours, commands, log):
    """Two nodes and everything that one connection carries."""
    for name, scripts in commands.items():
        for key in KEYS:
            for muxer, extra in (("handshake", []), ("multistream", ["--no-extension"])):
                listen, dial = [ours, "listen", ADDRESSES[key], *extra], [ours, "dial", "ADDRESS", *extra]
                theirs = scripts["node"]
                for who, pair in ((f"micro -> {name}", ([*theirs, "listen", ADDRESSES[key], key], dial)),
                                  (f"{name} -> micro", (listen, [*theirs, "dial", "ADDRESS", key]))):
                    yield Row(f"{who:<16}{key:<11}{muxer}", CASES,
                              lambda pair=pair, muxer=muxer: run_pair(*pair, muxer, log))


def meshes(ours, commands, log):
    """Ten nodes of several stacks that gossip."""
    nodes = {name: scripts["gossip"] for name, scripts in commands.items()} | {"micro": [ours]}
    for counts in gossip.MESHES:
        for policy in gossip.POLICIES if set(counts) <= set(nodes) else []:
            kinds = " + ".join(f"{count} {kind}" for kind, count in counts.items())
            yield Row(f"{kinds:<31}{policy}", gossip.CASES,
                      lambda counts=counts, policy=policy: gossip.run(counts, policy, nodes, log))


def chains(ours, commands, log):
    """Nodes of several stacks in one Kademlia."""
    nodes = {name: scripts["kad"] for name, scripts in commands.items()} | {"micro": [ours]}
    for kinds in kad.CHAINS:
        if set(kinds) <= set(nodes):
            counts = {kind: kinds.count(kind) for kind in sorted(set(kinds), reverse=True)}
            yield Row(" + ".join(f"{count} {kind}" for kind, count in counts.items()), kad.CASES,
                      lambda kinds=kinds: kad.run(kinds, nodes, log))


def record(recorder, log):
    done = subprocess.run(recorder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, timeout=DIAL_S)
    with open(TRANSCRIPT, "rb") as file:
        return {"recorded": "ok" if done.stdout == file.read() else "js-libp2p says other bytes than the file holds"}


def transcripts(_ours, commands, log):
    """The file that tests/vectors holds of two js nodes with fixed keys is what they say."""
    if "js" in commands:
        yield Row("js -> js, fixed keys", ["recorded"], lambda: record(commands["js"]["record"], log))


PARTS = {"connections": (connections, f"{'who dials whom':<16}{'key':<11}muxer"),
         "gossip": (meshes, f"{'gossip':<31}policy"), "kad": (chains, "kademlia"),
         "transcript": (transcripts, "transcript")}


def print_line(title, cells):
    print((title.ljust(TITLE_WIDTH) + "".join(f"{cell:<{CASE_WIDTH}}" for cell in cells)).rstrip(), flush=True)


def run_row(row):
    """{case: outcome} with each of its cases, whatever became of the run."""
    try:
        results = row.run()
    except (Trouble, OSError, subprocess.SubprocessError) as why:
        results = {"dial": str(why)}
    why = f" ({results['dial']})" if "dial" in results else ""
    return {case: results.get(case, "did not run" + why) for case in row.cases}


def run_all(parts):
    """parts: (head, rows) each. How many cases passed, and what failed."""
    passed, failures = 0, []
    for head, rows in parts:
        rows = list(rows)
        if not rows:
            failures.append(f"{head}: no case of it ran")
            continue
        print_line(head, rows[0].cases)
        for row in rows:
            outcomes = run_row(row)
            print_line(row.title, ["ok" if one == "ok" else "FAILED" for one in outcomes.values()])
            passed += sum(one == "ok" for one in outcomes.values())
            title = " ".join(row.title.split())
            failures += [f"{title}, {case}: {one}" for case, one in outcomes.items() if one != "ok"]
    return passed, failures


def main(words=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--work", required=True)
    parser.add_argument("--peers", default="js,go")
    parser.add_argument("--only", choices=list(PARTS), help="a part of the cases")
    arguments = parser.parse_args(words)
    work, ours = os.path.abspath(arguments.work), os.path.abspath(arguments.node)
    os.makedirs(work, exist_ok=True)
    try:
        commands = {name: {part: PREPARE[name](work, part + ".mjs") for part in SCRIPTS}
                    for name in arguments.peers.split(",")}
    except Unready as why:
        print(f"interop: nothing was tried: {why}", file=sys.stderr)
        return 1
    except KeyError as name:
        parser.error(f"no such stack: {name}")
    with open(os.path.join(work, "peers.log"), "wb") as log:
        passed, failures = run_all((head, part(ours, commands, log)) for name, (part, head) in PARTS.items()
                                   if arguments.only in (None, name) and (name != "transcript" or "js" in commands))
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
