"""The harness itself, on programs whose behaviour is known."""
import http.server
import os
import threading
import unittest

import harness
from harness import run_all


class Harness(unittest.TestCase):
    def setUp(self):
        self.machine = harness.Machine(self, binary="/bin/sh")

    def test_run_gives_code_and_both_outputs(self):
        done = self.machine.run("-c", "cat; echo err >&2; echo $HOME $X; exit 3", stdin="in ", X="x")
        self.assertEqual((done.code, done.out, done.err), (3, f"in {self.machine.home} x\n", "err\n"))

    def test_ok_fails_on_another_code(self):
        with self.assertRaises(AssertionError):
            self.machine.ok("-c", "echo reason >&2; exit 1")

    def test_start_returns_when_the_word_was_said_and_not_later(self):
        ready = r"ready on (\d+)"
        process = self.machine.start("-c", "echo starting; echo ready on 7; exec cat /dev/zero >/dev/null", ready=ready)
        self.assertEqual(process.wait_for(ready).group(1), "7")
        self.assertIsNone(process.popen.poll())
        process.kill()
        self.assertEqual(process.popen.returncode, -9)

    def test_start_says_what_the_process_said_when_it_ends_instead(self):
        with self.assertRaisesRegex(AssertionError, "ended without 'ready'; it said:\nno port"):
            self.machine.start("-c", "echo no port; exit 1", ready="ready")

    def test_settle_tells_who_waits_from_who_works(self):
        waits = self.machine.start("-c", "mkfifo gate; echo up; exec cat gate", ready="up")
        waits.settle()
        self.assertIsNone(waits.popen.poll())
        works = self.machine.start("-c", "echo up; exec cat /dev/zero >/dev/null", ready="up")
        with self.assertRaisesRegex(AssertionError, "never waits"):
            works.settle(timeout=0.3)

    def test_kill_takes_children_too(self):
        process = self.machine.start("-c", "cat /dev/zero >/dev/null & echo child $!; wait", ready="child")
        child = int(process.wait_for(r"child (\d+)").group(1))
        process.end()
        try:
            with open(f"/proc/{child}/stat", encoding="utf-8") as file:
                self.assertEqual(file.read().rsplit(")", 1)[1].split()[0], "Z")
        except FileNotFoundError:
            pass

    def test_processes_of_a_session_are_seen_until_they_end(self):
        process = self.machine.start("-c", "cat /dev/zero >/dev/null & echo child $!; wait", ready="child")
        child = int(process.wait_for(r"child (\d+)").group(1))
        handles = process.processes()
        self.assertEqual(set(handles), {process.popen.pid, child})
        process.popen.kill()
        process.popen.wait(10)
        self.assertEqual(process.outlive(handles, 0.05), [child])
        handles = process.processes()
        process.kill()
        self.assertEqual(process.outlive(handles, 10), [])

    def test_wait_returns_when_the_last_word_is_read(self):
        process = self.machine.start("-c", "echo ready; cat /dev/zero | head -c 9999999 >/dev/null; echo last; exit 4",
                                     ready="ready")
        self.assertEqual((process.wait(), process.lines()[-1]), (4, "last"))

    def test_stop_gives_the_exit_code(self):
        process = self.machine.start("-c", 'trap "exit 5" TERM; echo ready; while :; do :; done', ready="ready")
        self.assertEqual(process.stop(), 5)

    def test_request_returns_any_status(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(402)
                self.send_header("X-Path", self.path)
                self.end_headers()
                self.wfile.write(body.upper())

            def log_message(self, *_):
                pass
        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.handle_request, daemon=True).start()
            reply = harness.request("POST", f"http://127.0.0.1:{server.server_port}/a?b=1", b"abc")
        self.assertEqual((reply.status, reply.headers["x-path"], reply.body), (402, "/a?b=1", b"ABC"))

    def test_ports_are_free(self):
        self.assertGreater(harness.free_port(), 1023)
        self.assertTrue(os.path.isdir(self.machine.home))


if __name__ == "__main__":
    run_all()
