#!/usr/bin/env python3
"""Nodes in network namespaces, with links of ours between them. Prints a table; exits 1 unless every case held, 77
where this machine lets us make no namespaces.

    netns_test.py PROGRAMS --work FOLDER [--slice] [--only NAME,…] [--worlds N]
"""
import argparse
import concurrent.futures
import os
import sys
import time
import traceback

import cases
import world

WORLDS = 4  # at once: they wait most of the time


def run_case(name, programs, work):
    begun = time.monotonic()
    try:
        nodes, figures = cases.CASES[name](programs, work)
        return name, "ok", nodes, figures, time.monotonic() - begun
    except world.NoNamespaces:
        raise
    except Exception:  # a case that broke has failed; the others go on
        return name, traceback.format_exc(limit=-3), 0, "", time.monotonic() - begun


def run_all(names, programs, work, worlds):
    """Prints a line of the table as each case ends; the failures."""
    failures = []
    print(f"{'case':<14}{'nodes':>6}{'seconds':>9}  outcome", flush=True)
    with concurrent.futures.ThreadPoolExecutor(worlds) as pool:
        runs = [pool.submit(run_case, name, programs, work) for name in names]
        for run in concurrent.futures.as_completed(runs):
            name, outcome, nodes, figures, seconds = run.result()
            print(f"{name:<14}{nodes:>6}{seconds:>9.1f}  {figures if outcome == 'ok' else 'FAILED'}", flush=True)
            if outcome != "ok":
                failures.append(f"{name}: {outcome}")
    return failures


def why_not(programs, work):
    """Why there can be no namespaces here; nothing where there can."""
    try:
        with world.World("probe", 2, programs, work):
            return None
    except world.NoNamespaces as reason:
        return str(reason)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", help="where link_emulator and p2p_node are")
    parser.add_argument("--work", required=True)
    parser.add_argument("--slice", action="store_true", help="a few cases of few seconds")
    parser.add_argument("--only", help="names of cases")
    parser.add_argument("--worlds", type=int, default=WORLDS, help="at once")
    arguments = parser.parse_args()
    programs, work = os.path.abspath(arguments.programs), os.path.abspath(arguments.work)
    reason = why_not(programs, work)
    if reason is not None:
        print(f"NETNS SKIPPED, NOTHING WAS TESTED: {reason}\n"
              "It takes user namespaces for everybody, or root with CAP_SYS_ADMIN and CAP_NET_ADMIN.", flush=True)
        return world.NO_NAMESPACES
    names = arguments.only.split(",") if arguments.only else list(cases.SLICE if arguments.slice else cases.CASES)
    begun = time.monotonic()
    failures = run_all(names, programs, work, arguments.worlds)
    for failure in failures:
        print(failure)
    print(f"{len(names) - len(failures)} of {len(names)} cases held, in {time.monotonic() - begun:.0f} s")
    return 1 if failures or not names else 0


if __name__ == "__main__":
    sys.exit(main())
