"""What a test from outside needs: a home of its own, the binary, processes that end with the test, HTTP."""
import glob
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse


def run_all():
    """The tests of the calling script; one in which none ran has failed."""
    result = unittest.main(exit=False).result
    if result.testsRun == len(result.skipped):
        sys.exit("no test ran")
    sys.exit(not result.wasSuccessful())


class Run:
    """A command that ended: code, out, err."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)


class Process:
    """A command that goes on. Its lines, of both outputs, are kept as they come."""

    def __init__(self, command, environment, folder):
        self._lines, self._ended, self._news = [], False, threading.Condition()
        self.popen = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def lines(self):
        with self._news:
            return list(self._lines)

    def wait_for(self, pattern, timeout=60):
        """The match of the first line that holds `pattern`; an error when the process ends or the time is up before."""
        def find():
            return next((m for m in (re.search(pattern, line) for line in self._lines) if m), None)
        with self._news:
            self._news.wait_for(lambda: find() or self._ended, timeout)
            found = find()
            if found is None:
                said = "\n".join(self._lines[-40:])
                raise AssertionError(f"{'ended' if self._ended else 'waited'} without {pattern!r}; it said:\n{said}")
            return found

    def wait(self, timeout=60):
        """The exit code, once it has ended and all that it said is in lines()."""
        code = self.popen.wait(timeout)
        with self._news:
            self._news.wait_for(lambda: self._ended, timeout)
        return code

    def settle(self, timeout=60):
        """Returns once it sleeps and goes on sleeping: it waits for somebody, or has ended."""
        looks, before, deadline = 0, None, time.monotonic() + timeout
        handle = os.pidfd_open(self.popen.pid)
        try:
            while looks < 10 and time.monotonic() < deadline and not select.select([handle], [], [], 0.01)[0]:
                now = self._threads()
                looks = looks + 1 if now == before and all("State:\tS" in text for text in now.values()) else 0
                before = now
        finally:
            os.close(handle)

    def _threads(self):
        """What the kernel says of each thread: its state, and how often it has been on a processor."""
        out = {}
        for path in glob.glob(f"/proc/{self.popen.pid}/task/*/status"):
            try:
                with open(path, encoding="utf-8") as file:
                    out[path] = "".join(line for line in file if re.match("State|(non)?voluntary", line))
            except OSError:  # it has just ended
                pass
        return out

    def signal(self, number):
        """To the process and all that it started."""
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        """As a power cut: nobody gets to write a last word."""
        self.signal(signal.SIGKILL)
        self.popen.wait(30)

    def processes(self):
        """Open handles (pidfds) of the living processes of its session, by process id."""
        found = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.popen.pid and fields[0] != "Z":
                    found[int(entry.name)] = os.pidfd_open(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    @staticmethod
    def outlive(handles, timeout):
        """Which of these processes are still there after this time, at most."""
        deadline, left = time.monotonic() + timeout, []
        for pid, handle in handles.items():
            ended, _, _ = select.select([handle], [], [], max(0, deadline - time.monotonic()))
            left += [] if ended else [pid]
            os.close(handle)
        return left

    def stop(self, timeout=30):
        """As a person would; returns the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout)

    def end(self):
        self.kill()
        with self._news:
            self._news.wait_for(lambda: self._ended, 10)
        self.popen.stdout.close()


class Machine:
    """A person's machine: a home folder of its own that goes away with the test."""

    def __init__(self, test, binary=None):
        self.binary = binary or os.environ["MICRO_BINARY"]
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="micro-e2e-"))
        test.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self._test = test
        run = self.home / "run"
        run.mkdir(mode=0o700)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_RUNTIME_DIR": str(run),
                            "XDG_CACHE_HOME": str(self.home / "cache"), "LANG": "C.UTF-8", "NO_COLOR": "1"}

    def prepare_server(self, settings):
        """Files and variables of a `micro server` whose wallets need no typing; `settings` is its node.toml."""
        (self.home / "password").write_text("a long enough password")
        (self.home / "password").chmod(0o600)
        (self.home / "node.toml").write_text(settings)
        self.environment |= {"MICRO_PASSWORD_FILE": str(self.home / "password"), "MICRO_DATA": str(self.home / "node"),
                             "MICRO_WALLETS": str(self.home / "wallets"), "MICRO_NO_INPUT": "true"}

    def run(self, *arguments, stdin="", timeout=120, **environment):
        done = subprocess.run([self.binary, *map(str, arguments)], env={**self.environment, **environment}, input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home, text=True,
                              timeout=timeout, check=False)
        return Run(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments, **options):
        """A run that must succeed."""
        done = self.run(*arguments, **options)
        self._test.assertEqual(done.code, 0, f"{' '.join(map(str, arguments))}\n{done.out}\n{done.err}")
        return done

    def start(self, *arguments, ready, timeout=60, **environment):
        """A long-running command, returned once it has said `ready` (a regular expression)."""
        process = Process([self.binary, *map(str, arguments)], {**self.environment, **environment}, self.home)
        self._test.addCleanup(process.end)
        process.wait_for(ready, timeout)
        return process


def free_port():
    """A TCP port of loopback that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def request(method, url, body=None, headers=None, timeout=30):
    """One HTTP request on a fresh connection; any status is a reply."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", body=body, headers=headers or {})
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()
