"""Services from a git server over HTTP: built in the sandbox, placed, called and paid, in every language."""
import json
import os
import pathlib
import socket
import struct
import time
import unittest

from git_server import GitServer, files_below
from harness import Machine, free_port, request, run_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "services/examples"


def program(text):
    """A CGI program in C that answers `text`."""
    return '#include <stdio.h>\nint main(void) { puts("Content-Type: text/plain\\n\\n%s"); }\n' % text


class ServicesTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        self.share_toolchains()
        self.server = GitServer(self, self.machine.home / "srv")
        self.port = free_port()
        self.machine.environment |= {"MICRO_ACCOUNT": "dev0", "MICRO_NO_INPUT": "true"}
        self.node = self.machine.start("dev", "--epoch-ms", "500", "--http", f"127.0.0.1:{self.port}", "--json",
                                       ready=r'"ready":\s*true')

    def share_toolchains(self):
        """What depends on the machine alone: Go's compiled library, a Go from a package, hashes of the compilers."""
        shared = pathlib.Path(os.environ.get("MICRO_CACHE_DIR") or pathlib.Path.home() / ".cache/micro")
        own = self.machine.home / "cache/micro"
        own.mkdir(parents=True)
        for part in ("go", "go-library", "toolchains"):
            if part != "go":
                (shared / part).mkdir(parents=True, exist_ok=True)
            if (shared / part).exists():
                (own / part).symlink_to(shared / part)

    def run_service(self, source, *options):
        return self.machine.ok("run", source, "--json", *options, timeout=280).json()

    def call(self, *arguments):
        # A first call loads a module of megabytes, on a machine that may be building at the same time.
        return self.machine.run("call", *arguments, "-q", "--timeout", "240s", timeout=280)

    def answer(self, *arguments):
        done = self.call(*arguments)
        self.assertEqual(done.code, 0, done.err)
        return done.out.strip()

    def eventually(self, what, wanted, seconds=60):
        """Each look is a command of its own, which is pause enough."""
        deadline = time.monotonic() + seconds
        while True:
            seen = what()
            if seen == wanted or time.monotonic() > deadline:
                self.assertEqual(seen, wanted)
                return

    def state_of(self, name):
        return [v["state"] for v in self.machine.ok("service", "versions", name, "--json").json()["versions"]]

    def test_every_language_from_a_git_server(self):
        files = {}
        for name in ("hello-c", "hello-cpp", "hello-go"):
            files |= files_below(EXAMPLES / name, f"services/{name}/")
        commit = self.server.repository("all.git").commit(files)
        calls = {"hello-c": ("hello", ["hello", '{"name":"Ada"}'], {"greeting": "Hello, Ada!"}),
                 "hello-cpp": ("word-stats", ["count?top=1", '"the cat and the hat"'], {"words": 5}),
                 "hello-go": ("units", ["convert/km/mi?value=42"], {"result": 26.097590074})}
        for folder, (name, arguments, wanted) in calls.items():
            with self.subTest(folder):
                source = self.server.url(f"all.git/services/{folder}")
                done = self.machine.ok("run", source, "-v", "--fund", "1", timeout=280)
                self.assertIn("found micro.json", done.out + done.err)
                reply = json.loads(self.answer(name, *arguments))
                self.assertEqual({key: reply[key] for key in wanted}, wanted)
                version = self.machine.ok("service", "versions", name, "--json").json()["versions"][0]
                self.assertEqual((version["commit"], version["state"]), (commit, "active"))
                log = self.machine.ok("logs", name, "-n", "200").out
                self.assertIn(f"sha256 {version['wasm_sha256']}", log)
                self.assertIn("serving calls", log)
        self.cheap_calls_close_nothing()
        self.workers_are_confined()

    def cheap_calls_close_nothing(self):
        """A call that runs out of the gas that its caller gave is the caller's affair."""
        price = self.machine.ok("service", "describe", "units", "--json").json()["price"]
        for _ in range(8):
            done = self.call("units", "units", "--max-price", f"{float(price) + 0.00002:.6f}")
            self.assertNotEqual(done.code, 0)
            self.assertIn("used up the call's gas", done.err)
        self.assertIn("mass", self.answer("units", "units"))

    def workers_are_confined(self):
        """The process that runs guests has no files of the node, no environment and no way to get any."""
        node = self.node.popen.pid
        children = [int(pid) for task in pathlib.Path(f"/proc/{node}/task").iterdir()
                    for pid in (task / "children").read_text().split()]
        workers = [pid for pid in children if b"__worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertTrue(workers)
        for pid in workers:
            status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                          if ":\t" in line)
            self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))
            self.assertEqual(pathlib.Path(f"/proc/{pid}/environ").read_bytes(), b"")
            for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                self.assertRegex(os.readlink(descriptor),
                                 r"^(/dev/null|socket:|pipe:|anon_inode:|/memfd:)|/modules/[0-9a-f]{64}\.cwasm$")

    def test_versions_live_on_and_refs_mean_what_they_say(self):
        repository = self.server.repository("greet.git")
        first = repository.commit({"main.c": program("one")})
        repository.git("tag", "v1", first)
        second = repository.commit({"main.c": program("two")})
        third = repository.commit({"main.c": program("three")}, branch="next")
        url = self.server.url("greet.git")
        self.assertEqual(self.run_service(f"{url}@v1")["version"]["commit"], first)
        self.assertEqual(self.answer("greet", "/"), "one")
        self.machine.ok("update", "greet", "--json", timeout=200)
        self.assertEqual(self.answer("greet", "/"), "two")
        self.assertEqual(self.answer(f"greet@{first[:7]}", "/"), "one")
        self.machine.ok("update", "greet", "next", "--json", timeout=200)
        self.assertEqual(self.answer("greet", "/"), "three")
        self.assertEqual([self.answer(f"greet@{c[:12]}", "/") for c in (first, second, third)], ["one", "two", "three"])
        self.assertIn("nothing to do", self.machine.ok("update", "greet", "next").err)
        fourth = repository.commit({"main.c": program("four")})
        self.assertEqual(self.run_service(f"{url}@{fourth}")["version"]["commit"], fourth)
        self.assertEqual(self.answer("greet", "/"), "four")
        self.assertEqual(request("GET", f"http://127.0.0.1:{self.port}/api/greet@{first[:7]}/").body, b"one\n")
        self.assertEqual(self.call("greet@0123456", "/").code, self.call("nobody", "/").code)

    def test_a_service_without_funds_is_paused_and_comes_back(self):
        self.server.repository("poor.git").commit({"main.c": program("here"), "micro.json": '{"memory_mib": 2}'})
        self.run_service(self.server.url("poor.git"), "--fund", "0.000040")  # 20 epochs
        self.assertEqual(self.answer("poor", "/"), "here")
        self.eventually(lambda: self.state_of("poor"), ["paused"])
        listed = [s for s in self.machine.ok("services", "--json").json()["services"] if s["name"] == "poor"]
        self.assertEqual(listed[0]["state"], "paused")
        self.assertIn("micro service fund poor", listed[0]["hint"])
        self.assertRegex(self.machine.ok("status", "poor").out, r"paused.*micro service fund poor")
        unpaid = request("GET", f"http://127.0.0.1:{self.port}/api/poor/")
        self.assertEqual((unpaid.status, unpaid.json()["code"]), (503, "paused"))
        self.assertEqual(unpaid.headers["retry-after"], "1")
        refused = self.machine.run("call", "poor", "/")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("paused", refused.err)
        self.assertIn("micro service fund poor", refused.err)
        self.assertIn("poor", self.machine.ok("services").out.split())
        self.machine.ok("service", "fund", "poor", "1")
        self.eventually(lambda: self.call("poor", "/").out.strip(), "here")
        self.assertEqual(self.state_of("poor"), ["active"])
        # Who wants it to end takes the fund back; nobody stops it by hand.
        self.machine.ok("service", "unfund", "poor")
        self.eventually(lambda: self.state_of("poor"), ["paused"])

    def test_a_build_can_be_followed(self):
        self.server.repository("slow.git").commit(
            {"main.cc": '#include <iostream>\n#include <regex>\n'
                        'int main() { std::cout << "Content-Type: text/plain\\n\\n"\n'
                        '                       << std::regex("a").mark_count(); }\n'})
        self.machine.ok("run", self.server.url("slow.git"), "--wait", "submitted", "--json")
        # Submitted is not final: the name is there with the block.
        self.eventually(lambda: "slow" in self.machine.ok("services").out.split(), True)
        follower = self.machine.start("logs", "-f", "slow", ready=r"\[1/1\] main.cc", timeout=120)
        follower.wait_for("sha256 [0-9a-f]{64}", timeout=120)
        follower.wait_for("serving calls", timeout=60)

    def test_what_is_refused_says_why(self):
        server = self.server
        server.repository("link.git").commit({"main.c": program("x"), "out": ("120000", "../../etc/passwd")})
        server.repository("module.git").commit({"main.c": program("x"), "lib": ("160000", None)})
        server.repository("both.git").commit({"main.c": program("x"), "go.mod": "module x\n\ngo 1.22\n",
                                              "main.go": "package main\n"})
        server.repository("wrong.git").commit({"main.c": "int main(void) { return nothing; }\n"})
        server.repository("large.git").commit(
            {"main.c": '#include <stdio.h>\nstatic char big[8 << 20];\n'
                       'int main(int n, char **v) { (void)v; big[n] = 1; printf("Status: 204\\n\\n%s", big); }\n',
             "micro.json": '{"memory_mib": 2}'})
        reasons = {server.url("link.git"): "points outside the source",
                   server.url("module.git"): "submodule",
                   server.url("both.git"): r"C \(main\.c\)",
                   server.url("wrong.git"): "undeclared identifier",
                   server.url("large.git"): "begins with 9 MiB of memory",
                   server.url("none.git"): "no repository",
                   server.url("link.git@v9"): "no branch, tag or commit",
                   "http://example.org/o/r": "plain http",
                   "ssh://git@example.org/o/r": "not a way sources are fetched",
                   "ext::sh -c id": "not a way sources are fetched",
                   "https://user:secret@example.org/o/r": "user name or password",
                   "https://192.168.0.1/o/r": "not the name of a public host"}
        for source, reason in reasons.items():
            with self.subTest(source):
                done = self.machine.run("run", source, timeout=200)
                self.assertNotIn(done.code, (0, 7), done.out)  # the ledger refused nothing
                self.assertRegex(done.err, reason)
        self.assertEqual(self.machine.run("run", server.url("wrong.git"), timeout=200).code, 2)
        self.assertEqual(self.state_of("large"), ["announced"])  # what no host could run is not attested
        self.assertIn("begins with 9 MiB", self.call("large", "/").err)

    def worker_ticks(self):
        """Processor time of the node's workers so far, in clock ticks."""
        node, ticks = self.node.popen.pid, 0
        for pid in [int(p) for task in pathlib.Path(f"/proc/{node}/task").iterdir()
                    for p in (task / "children").read_text().split()]:
            try:
                if b"__worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                    ticks += int(fields[11]) + int(fields[12])
            except FileNotFoundError:
                pass
        return ticks

    def test_a_free_call_ends_when_its_client_goes(self):
        self.server.repository("spin.git").commit(
            {"main.c": '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
                       'int main(void) {\n'
                       '  if (!strcmp(getenv("QUERY_STRING"), "spin")) for (volatile int i = 0;;) i = 1;\n'
                       '  puts("Content-Type: text/plain\\n\\nok"); }\n'})
        self.run_service(self.server.url("spin.git"))
        url = f"http://127.0.0.1:{self.port}/api/spin/"
        self.assertEqual(request("GET", url, timeout=120).body, b"ok\n")
        before = self.worker_ticks()
        self.assertGreaterEqual(request("GET", url + "?spin", timeout=240).status, 500, "it uses up its gas")
        whole = self.worker_ticks() - before
        self.assertGreater(whole, 20)
        before = self.worker_ticks()
        with socket.create_connection(("127.0.0.1", self.port)) as raw:
            raw.sendall(b"GET /api/spin/?spin HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % self.port)
            deadline = time.monotonic() + 60
            while self.worker_ticks() < before + 2 and time.monotonic() < deadline:
                pass  # until it runs
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # goes as a process that dies
        self.assertEqual(request("GET", url, timeout=120).body, b"ok\n")
        self.assertLess(self.worker_ticks() - before, whole / 2, "the program was dropped and not run to its end")

    def test_bytes_that_are_no_text_harm_nobody(self):
        repository = self.server.repository("noise.git")
        repository.commit({"main.c": '#include <stdio.h>\n'
                                     'int main(void) { fputs("\\xff\\x1b[2J\\xc2\\x9b\\n", stderr); '
                                     'puts("Content-Type: text/plain\\n\\nok"); }\n'})
        self.run_service(self.server.url("noise.git"))
        self.assertEqual(self.answer("noise", "/"), "ok")
        log = self.machine.ok("logs", "noise", "--json").out
        self.assertIn(r"\\xff\\x1b[2J\\xc2\\x9b", log)
        with socket.create_connection(("127.0.0.1", self.port)) as raw:
            raw.sendall(b"GET /api/\xff/\xfe HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % self.port)
            raw.sendall(b"Micro-Max-Price: \xff\r\n\r\n")
            self.assertRegex(raw.recv(4096), rb"^HTTP/1.1 4")
        self.assertEqual(self.answer("noise", "/"), "ok")


if __name__ == "__main__":
    run_all()
