#!/usr/bin/env python3
"""Our node talking to itself, go-libp2p to itself, js-libp2p to itself, two processes each, in turns on the same
processors, and what the machine could do at best.

    p2p_bench.py    MICRO_P2P_BENCH_NODE names our program; the peers are built into MICRO_P2P_PEERS, or beside it

ROUNDS runs of each stack take turns; the median of each figure counts. Of a line, `limit` is what `value` is held
against, and `ratio` is how many times as good ours is (for times: as short; for memory, allocations and the p99 under
bulk: which share of the limit is used, or how many times as long). `to_reach` is the least that the ratio has to be,
`at_most` the most; a table of these goes to stderr, and one that misses ends the run with an error. Without either the
line is there to be compared.

The ceiling of a transfer: loopback TCP and the AEAD, each alone; on a processor a side they take turns, and a pipeline
of two processes that does nothing but seal, write, read and open is measured too (`sealed_tcp`).
"""
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "interop"))
import interop  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
ADDRESS = "/ip4/127.0.0.1/tcp/0"
DIAL_S = 180
NEEDED = {"bulk", "rpc_p50_us", "rpc_p99_us", "rpc_under_bulk_p50_us", "rpc_under_bulk_p99_us", "handshakes_per_s"}
KEY = "Ed25519"


def figures(lines):
    out = {}
    for line in lines:
        words = line.split()
        if len(words) == 3 and words[0] == "figure":
            out[words[1]] = float(words[2])
    return out


def measure(listen, dial):
    """{figure: value} of one stack against itself."""
    listener = interop.Listener(listen, sys.stderr)
    try:
        if listener.address is None:
            raise SystemExit(f"{listen[0]} did not start")
        done = subprocess.run([listener.address if word == "ADDRESS" else word for word in dial], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sys.stderr, timeout=DIAL_S)
        out = figures(done.stdout.decode().splitlines())
        if not NEEDED <= out.keys() or "failed" in out:
            raise SystemExit(f"{dial[0]} measured too little: {done.stdout.decode()}")
        return out
    finally:
        listener.stop()


class Report:
    def __init__(self):
        self.rows = []

    def line(self, name, value, unit, limit, ratio, to_reach=None, at_most=None):
        figure = {"name": f"p2p_{name}", "value": round(value, 3), "unit": unit, "limit": round(limit, 3),
                  "ratio": round(ratio, 3)}
        bound = {"to_reach": to_reach, "at_most": at_most}
        print(json.dumps(figure | {key: most for key, most in bound.items() if most is not None}), flush=True)
        if to_reach is None and at_most is None:
            return
        held = ratio >= to_reach if to_reach is not None else ratio <= at_most
        wanted = f">= {to_reach}" if to_reach is not None else f"<= {at_most}"
        self.rows.append((name, f"{value:,.1f} {unit}", f"{limit:,.1f}", f"{ratio:.2f}", wanted,
                          "holds" if held else "MISSED"))

    def close(self):
        """Prints the table; whether every row holds."""
        table = [("figure", "ours", "held against", "ratio", "wanted", ""), *self.rows]
        widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), file=sys.stderr)
        return all(row[-1] == "holds" for row in self.rows)


def against(report, other, micro, theirs, bulk, calls, handshakes):
    """One other stack; the last three are how many times as good ours has to be."""
    report.line(f"bulk_against_{other}", micro["bulk"], "B/s", theirs["bulk"], micro["bulk"] / theirs["bulk"], bulk)
    for name in ("rpc_p50_us", "rpc_p99_us", "rpc_under_bulk_p50_us", "rpc_under_bulk_p99_us"):
        report.line(f"{name}_against_{other}", micro[name], "us", theirs[name], theirs[name] / micro[name],
                    calls if name == "rpc_p50_us" else None)
    report.line(f"handshakes_against_{other}", micro["handshakes_per_s"], "1/s", theirs["handshakes_per_s"],
                micro["handshakes_per_s"] / theirs["handshakes_per_s"], handshakes)
    report.line(f"{other}_rpc_p99_under_bulk_to_idle", theirs["rpc_under_bulk_p99_us"], "us", theirs["rpc_p99_us"],
                theirs["rpc_under_bulk_p99_us"] / theirs["rpc_p99_us"])


def own(report, micro, local):
    turns = 1 / (1 / local["raw_tcp"] + 1 / local["aead"])
    pipelined = min(local["raw_tcp"], local["aead"])
    bulk = micro["bulk"]
    report.line("raw_tcp", local["raw_tcp"], "B/s", 0, 0)
    report.line("aead", local["aead"], "B/s", 0, 0)
    report.line("bulk_of_ceiling_pipelined", bulk, "B/s", pipelined, bulk / pipelined)
    report.line("bulk_of_ceiling_in_turns", bulk, "B/s", turns, bulk / turns)
    report.line("bulk_of_sealed_tcp", bulk, "B/s", local["sealed_tcp"], bulk / local["sealed_tcp"])
    report.line("both_ends_in_memory", local["in_memory"], "B/s", local["aead"] / 2,
                2 * local["in_memory"] / local["aead"])
    report.line("rpc_p99_under_bulk_to_idle", micro["rpc_under_bulk_p99_us"], "us", micro["rpc_p99_us"],
                micro["rpc_under_bulk_p99_us"] / micro["rpc_p99_us"], at_most=5)
    report.line("handshakes", micro["handshakes_per_s"], "1/s", 2000, micro["handshakes_per_s"] / 2000, 1)
    for name, most in (("idle_connection_bytes", 64 * 1024), ("busiest_connection_bytes", 4 * 1024 * 1024)):
        report.line(name, micro[name], "B", most, micro[name] / most, at_most=1)
    for name, value in (("allocations_per_frame", local["in_memory_allocations_per_frame"]),
                        ("allocations_per_write", micro["allocations_per_write"]),
                        ("allocations_per_call", micro["rpc_allocations"])):
        report.line(name, value, "1", 0, value, at_most=0)


def main():
    ours = os.environ["MICRO_P2P_BENCH_NODE"]
    work = os.environ.get("MICRO_P2P_PEERS", os.path.join(os.path.dirname(ours), "p2p_peers"))
    os.makedirs(work, exist_ok=True)
    go, js = (interop.PREPARE[name](work, "node.mjs") for name in ("go", "js"))
    stacks = {
        "micro": ([ours, "listen", ADDRESS], [ours, "dial", "ADDRESS"]),
        "go": ([*go, "listen", ADDRESS, KEY], [*go, "bench", "ADDRESS", KEY]),
        "js": ([*js, "listen", ADDRESS, KEY], [*js, "bench", "ADDRESS", KEY]),
    }
    runs = {name: [] for name in [*stacks, "local"]}
    for _ in range(ROUNDS):
        local = subprocess.run([ours, "local"], check=True, stdout=subprocess.PIPE)
        runs["local"].append(figures(local.stdout.decode().splitlines()))
        for name, (listen, dial) in stacks.items():
            runs[name].append(measure(listen, dial))
    median = {name: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]}
              for name, all_runs in runs.items()}
    report = Report()
    against(report, "go", median["micro"], median["go"], bulk=1, calls=1.3, handshakes=1.5)
    against(report, "js", median["micro"], median["js"], bulk=2, calls=5, handshakes=None)
    own(report, median["micro"], median["local"])
    return 0 if report.close() else 1


if __name__ == "__main__":
    sys.exit(main())
