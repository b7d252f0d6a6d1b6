#!/usr/bin/env python3
"""Our node talking to itself, go-libp2p to itself, js-libp2p to itself, two processes each, in turns on the same
processors, and what the machine could do at best: raw TCP over loopback, and the AEAD alone.

    p2p_bench.py    MICRO_P2P_BENCH_NODE names our program; the peers are built into MICRO_P2P_PEERS, or beside it

ROUNDS runs of each stack take turns; the median of each figure counts. `limit` is the other side of the comparison that
the name tells, `ratio` how many times as good ours is (for times: how many times as short).
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
RATES = ["bulk", "handshakes_per_s"]


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
        if "bulk" not in out or "handshakes_per_s" not in out or "failed" in out:
            raise SystemExit(f"{dial[0]} measured nothing: {done.stdout.decode()}")
        return out
    finally:
        listener.stop()


def report(name, value, unit, limit, ratio):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "limit": round(limit, 3),
                      "ratio": round(ratio, 3)}), flush=True)


def main():
    ours = os.environ["MICRO_P2P_BENCH_NODE"]
    work = os.environ.get("MICRO_P2P_PEERS", os.path.join(os.path.dirname(ours), "p2p_peers"))
    os.makedirs(work, exist_ok=True)
    go, js = interop.prepare_go(work), interop.prepare_js(work)
    stacks = {
        "micro": ([ours, "listen", ADDRESS], [ours, "dial", "ADDRESS"]),
        "go": ([*go, "listen", ADDRESS, "Ed25519"], [*go, "bench", "ADDRESS", "Ed25519"]),
        "js": ([*js, "listen", ADDRESS, "Ed25519"], [*js, "bench", "ADDRESS", "Ed25519"]),
    }
    runs = {name: [] for name in [*stacks, "local"]}
    for _ in range(ROUNDS):
        local = subprocess.run([ours, "local"], check=True, stdout=subprocess.PIPE)
        runs["local"].append(figures(local.stdout.decode().splitlines()))
        for name, (listen, dial) in stacks.items():
            runs[name].append(measure(listen, dial))
    median = {name: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]}
              for name, all_runs in runs.items()}
    micro, local = median["micro"], median["local"]
    for other in ("go", "js"):
        theirs = median[other]
        for name in RATES:
            report(f"p2p_{name}_against_{other}", micro[name], "B/s" if name == "bulk" else "1/s", theirs[name],
                   micro[name] / theirs[name])
        for name in ("rpc_p50_us", "rpc_p99_us", "rpc_under_bulk_p50_us", "rpc_under_bulk_p99_us"):
            report(f"p2p_{name}_against_{other}", micro[name], "us", theirs[name], theirs[name] / micro[name])
        report(f"p2p_{other}_rpc_p99_under_bulk_to_idle", theirs["rpc_under_bulk_p99_us"] / theirs["rpc_p99_us"],
               "times", 0, 0)
    # On one processor a side: each byte is sealed (or opened) and then goes through the kernel.
    ceiling = 1 / (1 / local["raw_tcp"] + 1 / local["aead"])
    report("p2p_bulk_of_ceiling", micro["bulk"], "B/s", ceiling, micro["bulk"] / ceiling)
    report("p2p_aead", local["aead"], "B/s", 0, 0)
    report("p2p_raw_tcp", local["raw_tcp"], "B/s", 0, 0)
    report("p2p_both_ends_in_memory", local["in_memory"], "B/s", local["aead"] / 2,
           2 * local["in_memory"] / local["aead"])
    report("p2p_rpc_p99_under_bulk_to_idle", micro["rpc_under_bulk_p99_us"] / micro["rpc_p99_us"], "times", 5,
           micro["rpc_under_bulk_p99_us"] / micro["rpc_p99_us"] / 5)
    report("p2p_allocations_per_frame", local["in_memory_allocations_per_frame"], "1", 0, 0)
    report("p2p_allocations_per_write", micro["allocations_per_write"], "1", 0, 0)
    for name, most in (("idle_connection_bytes", 64 * 1024), ("busiest_connection_bytes", 4 * 1024 * 1024)):
        report(f"p2p_{name}", micro[name], "B", most, micro[name] / most)


if __name__ == "__main__":
    main()
