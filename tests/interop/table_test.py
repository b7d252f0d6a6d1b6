"""What the table makes of processes that die, lie or never start, and of a machine that lacks something. The processes
are small scripts; nothing is fetched."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

import gossip
import interop
import kad
import peers

SILENT = "import sys; sys.stdin.read()"
LISTENER = "import sys; print('ready /ip4/127.0.0.1/tcp/1/p2p/x', flush=True); sys.stdin.read()"
# A node of a chain or a mesh that says yes to everything; argument: the words that it dies at.
AGREES = """
import hashlib, sys
print("ready /ip4/127.0.0.1/tcp/7/p2p/x", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    if word in sys.argv[1].split(","):
        sys.exit(1)
    said = {"table": "2", "find": "/ip4/127.0.0.1/tcp/7", "providers": "x"}.get(word, "")
    if word != "publish":
        print("done", said, flush=True)
"""


def python(code, *words):
    return [sys.executable, "-S", "-c", code, *words]


def dialer(cases, then=""):
    said = ["muxer handshake" if case == "muxer" else f"case {case} ok" for case in cases]
    return python(f"print({chr(10).join(said)!r}, flush=True)\n{then}")


class Table(unittest.TestCase):
    def pair(self, listen, dial):
        return interop.Row("a pair", interop.CASES, lambda: interop.run_pair(listen, dial, "handshake", sys.stderr))

    def outcome(self, *rows):
        """(how many passed, {case: why not}, the printed table)."""
        table = io.StringIO()
        with contextlib.redirect_stdout(table):
            passed, failures = interop.run_all([("head", rows)])
        return passed, dict(line.rsplit(", ", 1)[1].split(": ", 1) for line in failures), table.getvalue()

    def test_all_cases_of_a_pair_pass(self):
        passed, failed, table = self.outcome(self.pair(python(LISTENER), dialer(interop.CASES)))
        self.assertEqual((passed, failed), (9, {}))
        self.assertEqual(table.split("\n")[1].split(), ["a", "pair", *["ok"] * 9])

    def test_what_comes_after_a_dialer_died_has_failed(self):
        dying = dialer(["muxer", "ping", "push"], "raise SystemExit(3)")
        passed, failed, table = self.outcome(self.pair(python(LISTENER), dying))
        self.assertEqual(passed, 3)
        self.assertEqual(failed["identify"], "did not run (the dialer ended with 3)")
        self.assertEqual(sorted(failed), sorted(set(interop.CASES) - {"muxer", "ping", "push"}))
        self.assertEqual(table.split("\n")[1].split()[2:6], ["ok", "ok", "FAILED", "ok"])

    def test_a_dialer_that_says_ok_and_dies_has_failed(self):
        passed, failed, _ = self.outcome(self.pair(python(LISTENER), dialer(interop.CASES, "import os; os.abort()")))
        self.assertEqual((passed, failed), (8, {"perf": "the dialer ended with -6"}))

    def test_who_fails_once_has_failed(self):
        lines = "print('case ping failed: a: b'); print('case ping ok')"
        passed, failed, _ = self.outcome(self.pair(python(LISTENER), dialer(["muxer", *interop.CASES[2:]], lines)))
        self.assertEqual((passed, failed), (8, {"ping": "failed: a: b"}))

    def test_the_muxer_is_what_ours_says_on_whichever_side_it_is(self):
        there = LISTENER.replace("sys.stdin", "print('muxer multistream', flush=True); sys.stdin")
        _, failed, _ = self.outcome(self.pair(python(there), dialer(interop.CASES[1:])))
        self.assertEqual(failed, {"muxer": "agreed on by multistream"})
        passed, failed, _ = self.outcome(self.pair(python(there.replace("multistream", "handshake")),
                                                   dialer(interop.CASES[1:])))
        self.assertEqual((passed, failed), (9, {}))
        _, failed, _ = self.outcome(self.pair(python(LISTENER), dialer(interop.CASES[1:])))
        self.assertEqual(failed, {"muxer": "did not run"})

    def test_why_nothing_was_dialed_is_told(self):
        _, failed, _ = self.outcome(self.pair(python(LISTENER), python("print('dial failed: nobody there')")))
        self.assertEqual(failed, {case: "did not run (dial failed: nobody there)" for case in interop.CASES})

    def test_without_a_listener_no_case_ran(self):
        _, failed, _ = self.outcome(self.pair(python("raise SystemExit(1)"), dialer(interop.CASES)))
        self.assertEqual(failed, {case: "did not run (the listener did not start)" for case in interop.CASES})
        passed, failed, _ = self.outcome(self.pair(["/no/such/program"], dialer(interop.CASES)))
        self.assertEqual((passed, len(failed)), (0, 9))

    def test_a_part_without_a_row_has_failed(self):
        self.assertEqual(interop.run_all([("gossip", [])]), (0, ["gossip: no case of it ran"]))

    def many(self, run, dies_at):
        commands = {"micro": python(AGREES, ""), "js": python(AGREES, dies_at)}
        return run(commands)

    def test_a_chain_stops_where_a_node_died(self):
        def run(commands):
            return kad.run(["micro", "js"] * 2, commands, sys.stderr)
        self.assertEqual(self.many(run, ""), {"table": "ok", "find": "ok", "provide": "ok"})
        self.assertEqual(self.many(run, "provide"), {"table": "ok", "find": "ok", "provide": "js1 has ended: provide "
                                                    + kad.name_of(FakePeer())})
        row = interop.Row("a chain", kad.CASES, lambda: self.many(run, "table"))
        passed, failed, _ = self.outcome(row)
        self.assertEqual((passed, failed), (0, {"table": "js1 has ended: table", "find": "did not run",
                                                "provide": "did not run"}))

    def test_a_mesh_stops_where_a_node_died(self):
        row = interop.Row("a mesh", gossip.CASES, lambda: self.many(
            lambda commands: gossip.run({"micro": 2, "js": 2}, "sign", commands, sys.stderr), "publish"))
        passed, failed, _ = self.outcome(row)
        self.assertEqual((passed, sorted(failed)), (0, sorted(gossip.CASES)))
        self.assertIn("has ended", failed["mesh"])
        self.assertEqual({failed[case] for case in gossip.CASES[1:]}, {"did not run"})


    def test_the_exit_code_is_that_of_the_table(self):
        for dies_at, code, last in (("", 0, "3 passed, 0 failed"), ("find", 1, "1 passed, 2 failed")):
            table, prepare, chains = io.StringIO(), interop.PREPARE, kad.CHAINS
            try:
                interop.PREPARE = {"js": lambda work, script, dies_at=dies_at: python(AGREES, dies_at)}
                kad.CHAINS = [["js", "js"]]
                with tempfile.TemporaryDirectory() as work, contextlib.redirect_stdout(table):
                    words = ["/bin/false", "--work", work, "--peers", "js", "--only", "kad"]
                    self.assertEqual(interop.main(words), code)
            finally:
                interop.PREPARE, kad.CHAINS = prepare, chains
            self.assertEqual(table.getvalue().splitlines()[-1], last)


class FakePeer:
    def peer(self):
        return "x"


class Heard(unittest.TestCase):
    """What is made of the messages that nodes say to have heard."""

    def setUp(self):
        self.mesh = gossip.Mesh()
        self.nodes = self.mesh.nodes = [peers.Node(name, python(SILENT), sys.stderr) for name in ("micro0", "js0")]
        self.mesh.sizes = {"a": 5}

    def tearDown(self):
        for node in self.nodes:
            node.stop()

    def spread(self, *heard):
        for one in heard:
            self.mesh.heard.put(one)
        self.mesh.wait(0, lambda: False)
        return self.mesh.spread({"a": self.nodes[0]}, 0)

    def test_once_is_right(self):
        self.assertEqual(self.spread((self.nodes[1], "got", "a 5")), "")

    def test_never_is_missing(self):
        self.assertEqual(self.spread(), "1 are missing, among them a at js0")

    def test_twice_is_wrong(self):
        heard = (self.nodes[1], "got", "a 5")
        self.assertEqual(self.spread(heard, heard), "a came twice to js0")

    def test_another_length_is_wrong(self):
        self.assertEqual(self.spread((self.nodes[1], "got", "a 4")), "js0 heard a with 4 bytes")

    def test_so_is_a_node_that_has_ended(self):
        self.assertEqual(self.spread((self.nodes[1], "got", "a 5"), (self.nodes[0], "wrong", "it has ended")),
                         "micro0: it has ended")


class DontWant(unittest.TestCase):
    """What ours say of their lines: ids heard, ids told, messages sent all the same."""

    def why(self, *line):
        good = ("micro0", "micro1", "/meshsub/1.2.0", 1, 1, 0)
        return gossip.not_obeyed([good, ("micro0", "js0", *line)], ["micro0", "micro1", "js0"])

    def test_who_tells_and_obeys_is_right(self):
        self.assertEqual(self.why("/meshsub/1.2.0", 3, 4, 0), "")

    def test_none_on_either_side_is_wrong(self):
        self.assertEqual(self.why("/meshsub/1.2.0", 0, 4, 0), "IDONTWANT with js: 0 heard, 4 told")
        self.assertEqual(self.why("/meshsub/1.2.0", 3, 0, 0), "IDONTWANT with js: 3 heard, 0 told")

    def test_so_is_what_was_sent_all_the_same(self):
        self.assertEqual(self.why("/meshsub/1.2.0", 3, 4, 2), "2 messages went to js that it did not want")

    def test_and_an_older_protocol(self):
        self.assertEqual(self.why("/meshsub/1.1.0", 3, 4, 0), "micro0 and js0 agreed on /meshsub/1.1.0")

    def test_and_a_stack_without_a_line(self):
        self.assertEqual(gossip.not_obeyed([], ["go0"]), "IDONTWANT with go: 0 heard, 0 told")


class Machine(unittest.TestCase):
    """Without a tool or the network it ends at once and says why."""

    def said(self, **tools):
        with tempfile.TemporaryDirectory() as folder:
            for name, script in tools.items():
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as out:
                    out.write("#!/bin/sh\n" + script)
                os.chmod(path, 0o755)
            path, errors = os.environ["PATH"], io.StringIO()
            os.environ["PATH"] = folder
            try:
                with contextlib.redirect_stderr(errors):
                    code = interop.main(["/bin/false", "--work", os.path.join(folder, "work")])
            finally:
                os.environ["PATH"] = path
            return code, errors.getvalue()

    def test_no_node(self):
        code, said = self.said()
        self.assertEqual(code, 1)
        self.assertIn("nothing was tried: js-libp2p needs Node 20 or newer", said)

    def test_no_npm(self):
        self.assertIn("there is no npm here", self.said(node="")[1])

    def test_no_network(self):
        code, said = self.said(node="", npm="echo npm error network timeout; echo A complete log is there; exit 1")
        self.assertEqual(code, 1)
        self.assertIn("nothing was tried: js-libp2p cannot be fetched", said)
        self.assertIn("npm ended with 1 and said: npm error network timeout", said)

    def test_no_go(self):
        self.assertIn("there is no go here", self.said(node="", npm="/bin/mkdir node_modules")[1])

    def test_modules_that_cannot_be_fetched(self):
        said = self.said(node="", npm="/bin/mkdir node_modules", go="echo dial tcp: no route; exit 1")[1]
        self.assertIn("go-libp2p cannot be built", said)
        self.assertIn("go ended with 1 and said: dial tcp: no route", said)


if __name__ == "__main__":
    unittest.main()
