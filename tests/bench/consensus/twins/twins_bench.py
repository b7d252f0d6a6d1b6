"""consensus_twins: two-view scenarios of tests/sim/consensus/twins_sim.cpp a second of processor time, on one core.

The enumeration is run as the suite runs it, and the time is that of the whole process, its start included. The limit is
the rate at which all 43,264 cases and 150,000 generated ones fit into a run: 600 a second.
"""
import json
import os
import re
import resource
import subprocess
import sys

FLOOR = 600.0
ROUNDS = 3


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rate(program):
    before = processor_seconds()
    ran = subprocess.run([program, "--gtest_filter=ConsensusTwins.EveryTwoViewCase*"], check=True, text=True,
                         capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, {one_core()}))
    cases = re.search(r"^(\d+) two-view cases", ran.stdout, re.MULTILINE)
    if cases is None:
        sys.exit("twins_bench: the simulation printed no number of cases: " + ran.stdout)
    return int(cases.group(1)) / (processor_seconds() - before)


def one_core():
    return max(os.sched_getaffinity(0))


def main():
    value = max(rate(os.environ["MICRO_SIM_CONSENSUS_TWINS"]) for _ in range(ROUNDS))
    print(json.dumps({"name": "consensus_twins", "value": round(value, 3), "unit": "1/s", "limit": FLOOR,
                      "ratio": round(value / FLOOR, 3)}), flush=True)


if __name__ == "__main__":
    main()
