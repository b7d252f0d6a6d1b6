"""Calls of a service through the whole node, from outside: real processes on loopback, nothing stands in for anything.

call_program      calls a second of services/examples/hello-c that nobody pays for (`micro dev` serves those to this
                  machine), 32 connections that stay open; limit: nginx's `return 200` under the same load.
call_program_cpu  the same as calls per second of processor time of node and worker; limit: the same of nginx. Other
                  programs of the machine disturb this one least.
call_paid_p50/99  milliseconds of one paid call after the other: voucher, ACCEPTED, run, DONE, receipt, all synced. The
                  limit is what its syncs and signatures take alone (call_floor.cpp), and the ratio how often that.
call_paid         paid calls a second over 32 connections and one session; its channel has one lane, and on a lane a
                  call follows the end of the one before, so the limit is one call after the other at their floor.

For unpaid calls both servers get one and the same processor, all their threads and children included, and the load
generator gets the others: that is what "as many cores" means here. They take turns, so that both see the same machine.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from harness import Machine, Process, free_port, request  # noqa: E402

CONNECTIONS = 32
ROUNDS = 5
ROUND_SECONDS = 2
PAID_SECONDS = 5
UP_SECONDS = 60
UNIT_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
NGINX = """
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello world\\n"; }} }}
}}
"""


def report(name, value, unit, limit):
    """One figure as tests/bench/bench.hpp prints it."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "limit": round(limit, 3),
                      "ratio": round(value / limit, 3)}), flush=True)


def processors():
    """Those of the servers and those of the load; the same where there is only one."""
    all_of_us = sorted(os.sched_getaffinity(0))
    return ({all_of_us[-1]}, set(all_of_us[:-1])) if len(all_of_us) > 1 else (set(all_of_us), set(all_of_us))


def family(pid):
    """A process and those that it started."""
    out = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            out += family(int(child))
    return out


def confine(pid, cpus):
    for member in family(pid):
        for task in pathlib.Path(f"/proc/{member}/task").iterdir():
            os.sched_setaffinity(int(task.name), cpus)


def processor_seconds(pid):
    """Used so far by a process and those that it started."""
    ticks = 0
    for member in family(pid):
        after_name = pathlib.Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Load:
    """One run of wrk. An answer that is not 2xx makes the run worthless, so it ends the benchmark."""

    def __init__(self, url, connections, seconds, cpus, headers=()):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
        for header in headers:
            command += ["-H", header]
        done = subprocess.run(command + [url], stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60,
                              preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        failures = re.search(r"(Non-2xx|Socket errors).*", done.stdout)
        if failures:
            raise AssertionError(f"{url}: {failures.group(0)}")
        self.requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
        self.ms = {int(percent): float(value) * UNIT_MS[unit] for percent, value, unit in
                   re.findall(r"\s(50|99)%\s+([\d.]+)(us|ms|s|m)\b", done.stdout)}


class Side:
    """A server under load: what it answered, in how long and with how much processor time."""

    def __init__(self, pid, url):
        self.pid, self.url = pid, url
        self.requests, self.seconds, self.cpu_seconds = 0, 0.0, 0.0

    def round(self, seconds, cpus):
        before = processor_seconds(self.pid)
        load = Load(self.url, CONNECTIONS, seconds, cpus)
        self.cpu_seconds += processor_seconds(self.pid) - before
        self.requests += load.requests
        self.seconds += load.requests / load.rate


class CallsBench:
    def __init__(self, case):
        self.case = case
        self.machine = Machine(case)
        self.server_cpus, self.load_cpus = processors()

    def start_nginx(self):
        home = self.machine.home / "nginx"
        home.mkdir()
        port = free_port()
        (home / "nginx.conf").write_text(NGINX.format(home=home, port=port))
        nginx = Process(["nginx", "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")],
                        self.machine.environment | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}, home)
        self.case.addCleanup(nginx.end)
        url = f"http://127.0.0.1:{port}/"
        self.wait_for_200(url)
        return Side(nginx.popen.pid, url)

    def start_node(self):
        machine = self.machine
        node = machine.start("dev", "--http", "127.0.0.1:0", "--state", machine.home / "dev", "--epoch-ms", "5000",
                             "--log", "warn", "--json", ready=r'"ready":\s*true')
        base = node.wait_for(r'"http":\s*"(http://[^"]+)"').group(1)
        return Side(node.popen.pid, base + "/api/hello/hello")

    def publish(self):
        """The example, from a git repository, as anybody publishes it."""
        machine = self.machine
        repository = machine.home / "hello"
        shutil.copytree(ROOT / "services/examples/hello-c", repository)
        for command in (["init", "-q"], ["add", "-A"],
                        ["-c", "user.name=A", "-c", "user.email=a@example.invalid", "commit", "-q", "-m", "first"]):
            subprocess.run(["git", *command], cwd=repository, check=True, env=machine.environment)
        machine.ok("run", repository, "--fund", "10", "--json", timeout=300)

    def wait_for_200(self, url, headers=None):
        deadline = time.monotonic() + UP_SECONDS
        while True:
            try:
                reply = request("GET", url, headers=headers)
                if reply.status == 200:
                    return reply
                said = f"{reply.status} {reply.body}"
            except OSError as error:
                said = str(error)
            if time.monotonic() > deadline:
                raise AssertionError(f"{url} does not answer: {said}")
            time.sleep(0.05)  # lint-ok sleeping_tests: a measurement; neither server says when it answers this

    def unpaid(self, node, nginx):
        for side in (node, nginx):
            confine(side.pid, self.server_cpus)
        for side in (node, nginx):
            Load(side.url, CONNECTIONS, 1, self.load_cpus)  # both are warm
        for _ in range(ROUNDS):
            for side in (nginx, node):
                side.round(ROUND_SECONDS, self.load_cpus)
        report("call_program", node.requests / node.seconds, "1/s", nginx.requests / nginx.seconds)
        report("call_program_cpu", node.requests / node.cpu_seconds, "1/cpu-s", nginx.requests / nginx.cpu_seconds)

    def floor_ms(self):
        tool = pathlib.Path(os.environ["MICRO_CALL_FLOOR"])
        done = subprocess.run([tool, self.machine.home], stdout=subprocess.PIPE, check=True, timeout=60)
        floor = json.loads(done.stdout)
        return (3 * floor["sync_us"] + floor["signatures_us"]) / 1000

    def paid(self, node):
        everywhere = self.server_cpus | self.load_cpus
        confine(node.pid, everywhere)
        token = (self.machine.home / "dev" / "http.token").read_text()
        self.case.assertIn("micro-charged", self.wait_for_200(
            node.url, {"Authorization": f"Bearer {token}"}).headers)
        headers = [f"Authorization: Bearer {token}"]
        before = self.floor_ms()
        alone = Load(node.url, 1, PAID_SECONDS, everywhere, headers)
        many = Load(node.url, CONNECTIONS, PAID_SECONDS, everywhere, headers)
        floor = min(before, self.floor_ms())
        report("call_paid_p50", alone.ms[50], "ms", floor)
        report("call_paid_p99", alone.ms[99], "ms", floor)
        report("call_paid", many.rate, "1/s", 1000 / floor)

    def run(self):
        nginx = self.start_nginx()
        node = self.start_node()
        self.publish()
        self.wait_for_200(node.url)
        self.unpaid(node, nginx)
        self.paid(node)


def main():
    case = unittest.TestCase()
    try:
        CallsBench(case).run()
    finally:
        case.doCleanups()


if __name__ == "__main__":
    main()
