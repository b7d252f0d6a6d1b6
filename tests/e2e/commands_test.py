"""Every command against a development network, for scripts and people: one document, or one error with its code."""
import base64
import json
import pathlib
import re
import unittest

from harness import Machine, Process, free_port, request, run_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
AMOUNT = re.compile(r"^\d+\.\d{6}$")
AMOUNTS = {"amount", "live", "grace", "fee", "price", "fund", "bond", "stake", "earned", "claimed", "claimable",
           "total", "per_call_cap", "window_cap", "window_spent", "charged", "burned", "to_host", "to_owner", "deposit"}


def amounts_in(value):
    """Every amount of a document, by its name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in AMOUNTS and not isinstance(inner, (dict, list)):
                yield name, inner
            yield from amounts_in(inner)
    if isinstance(value, list):
        for inner in value:
            yield from amounts_in(inner)


class CommandsTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        self.port = free_port()
        self.dev = self.machine.start("dev", "--http", f"127.0.0.1:{self.port}", ready=r"^ready in")

    def json(self, *command, timeout=120):
        done = self.machine.ok(*command, "--json", timeout=timeout)
        if command[0] == "call":
            self.assertRegex(json.loads(done.err)["charged"], AMOUNT, "what it cost, in one line beside the reply")
        else:
            self.assertEqual(done.err, "", f"{command}: a script reads nothing but its document")
        document = json.loads(done.out)
        for name, amount in amounts_in(document):
            self.assertIsInstance(amount, str, f"{command}: {name}")
            self.assertRegex(amount, AMOUNT, f"{command}: {name}")
        return document

    def refused(self, code, *command):
        """An error as people see it and as scripts read it."""
        plain = self.machine.run(*command)
        self.assertEqual(plain.code, code, f"{command}\n{plain.out}{plain.err}")
        self.assertEqual(plain.out, "", command)
        done = self.machine.run(*command, "--json")
        self.assertEqual((done.code, done.out), (code, ""), command)
        self.assertEqual(done.err.count("\n"), 1, f"{command}: one line\n{done.err}")
        error = json.loads(done.err)
        self.assertEqual(set(error), {"code", "name", "message", "hint", "data"})
        self.assertEqual(error["code"], code)
        self.assertIn(error["message"], plain.err)
        return error

    def test_every_command_has_one_document(self):
        run = self.json("run", ROOT / "services/examples/hello-c", timeout=200)
        self.assertEqual(run["name"], "hello")
        self.assertRegex(run["version"]["wasm_sha256"], r"^[0-9a-f]{64}$")
        self.assertEqual(self.json("call", "hello", "/hello", '{"name":"Ada"}'), {"greeting": "Hello, Ada!"})
        self.assertEqual(self.json("update", "hello")["name"], "hello")
        self.assertEqual([s["name"] for s in self.json("services")["services"]], ["hello"])
        status = self.json("status")["services"][0]
        self.assertEqual((status["local"]["state"], status["wasm_sha256"]), ("running", run["version"]["wasm_sha256"]))
        for line in self.machine.ok("logs", "hello", "--json").out.splitlines():
            self.assertIn("text", json.loads(line))
        self.assertEqual(self.json("service", "describe", "hello")["url"], f"http://hello.localhost:{self.port}")
        self.assertEqual(len(self.json("service", "versions", "hello")["versions"]), 1)
        for command in (["service", "price", "hello", "0.0002"], ["service", "fund", "hello", "2"],
                        ["service", "unfund", "hello", "1"], ["wallet", "send", "dev1", "5"],
                        ["stake", "offer", "--cpu", "1", "--mem", "1G", "--dry-run"]):
            sent = self.json(*command)
            self.assertRegex(sent["txid"], r"^[0-9a-f]{64}$", command)
            self.assertEqual(sent["unit"], "TOK")
        self.assertEqual(self.json("dev", "accounts")["accounts"][1]["live"], "1005.000000")
        self.assertEqual(self.json("wallet", "balance", "dev1")["live"], "1005.000000")
        self.assertTrue(self.json("wallet", "address", "dev1")["address"].startswith("dmnet1"))
        lot = self.json("wallet", "lots")["lots"][0]
        self.json("wallet", "refresh", str(lot["expiry"]), "1", "--dry-run")
        sent = next(item for item in self.json("wallet", "history")["items"] if item.get("kind") == "Transfer")
        session = self.json("wallet", "session", "create", "--label", "mine", "--service", "hello")["session"]
        labels = {s["label"]: s["state"] for s in self.json("wallet", "session", "list")["sessions"]}
        self.assertEqual(labels, {"dev": "active", "mine": "active"})
        self.json("wallet", "session", "revoke", "mine")
        self.assertNotIn(session, json.dumps(self.json("wallet", "session", "list")))
        self.assertEqual(len(self.json("stake", "list")["offers"]), 1)
        rewards = self.json("stake", "rewards")
        self.assertEqual(rewards["calls"], "1")
        self.assertEqual(self.json("stake", "claim")["claims"], [], "one call is not worth a claim's fee")
        decision = self.json("audit", "decisions")["items"][0]["decision"]
        audit = self.json("audit", "decision", f"D-{decision}", "--replay")
        self.assertEqual((audit["replay"], audit["signatures"], audit["action"]), ("match", "1/1", "placed"))
        self.assertIn("policy", self.json("audit", "rules"))
        placed = self.json("audit", "placements", "hello")["placements"][0]
        self.assertEqual(placed["commit"], run["version"]["commit"])
        tx = self.json("audit", "tx", sent["txid"])
        self.assertEqual((tx["status"], tx["height"], tx["verified"]), ("Ok", sent["height"], True))
        block = self.json("audit", "block", tx["height"])
        self.assertEqual(self.json("audit", "block", block["id"]), block)
        self.assertEqual(self.json("audit", "account", "dev1")["live"], "1005.000000")
        self.assertEqual(self.json("network", "nodes")["nodes"][0]["stake"], "10.000000")
        self.assertEqual(self.json("network", "services")["services"], ["hello"])
        self.assertIn("version", self.json("version"))
        self.assertGreater(len(self.json("help")["commands"]), 40)
        self.assertEqual(self.json("node", "status")["network"], "dev")
        offer = self.json("stake", "list")["offers"][0]["offer"]
        self.json("stake", "withdraw", offer[:12])
        self.assertEqual(self.json("stake", "list")["offers"][0]["state"], "withdrawn")
        self.assertEqual(self.json("node", "stop")["state"], "stopped")
        self.assertEqual(self.dev.popen.wait(10), 0)
        self.assertEqual(self.refused(3, "services")["name"], "unreachable")

    def test_errors_are_one_line_and_say_what_to_do(self):
        self.assertIn("micro services", self.refused(4, "update", "nosuch")["hint"])
        self.assertIn("did you mean `micro wallet`", self.refused(2, "walet")["hint"])
        self.assertIn("did you mean --timeout", self.refused(2, "services", "--timeot", "1s")["hint"])
        for code, command in (
                (4, "call nosuch x"), (4, "logs nosuch"), (4, "service describe nosuch"), (4, "status nosuch"),
                (4, "audit decision D-99"), (4, "audit block 99999"), (2, "audit block zz"), (2, "audit tx zz"),
                (4, "audit tx " + "a" * 64), (4, "audit account nobody"), (4, "audit placements nosuch"),
                (2, "audit decision x"), (4, "wallet send nobody 1"), (2, "wallet send dev1 1e9"),
                (2, "wallet send dev1 0"), (2, "wallet send dev0 1"), (6, "wallet send dev1 99999999"),
                (2, "wallet send dev1"), (4, "wallet refresh 5"), (4, "wallet use nobody"), (4, "stake withdraw zz"),
                (2, "stake offer --cpu x --mem 1G"), (4, "wallet session revoke zz"), (4, "run /nonexistent"),
                (2, "run https://nosuch.invalid/x"), (2, "call a b {"), (4, "help nosuch --json x"),
                (5, "wallet new alice --phrase-file w"), (2, "wallet"), (2, "server --http 0.0.0.0:1"),
                (2, "dev --epoch-ms 1"), (2, "server --log loud"), (2, "server --config nowhere.toml")):
            with self.subTest(command):
                if command.startswith("help"):
                    self.assertEqual(self.machine.run(*command.split()).code, 2)
                else:
                    self.refused(code, *command.split())

    def test_a_refusal_names_its_limits_and_the_fee_that_was_taken(self):
        for command, limit in (("stake offer --cpu 1 --mem 1G --bond 0.5", r"10\.000000 TOK"),
                               ("run %s --name Bad_1" % (ROOT / "services/examples/hello-c"), "1 to 63 of a to z")):
            with self.subTest(command):
                error = self.refused(7, *command.split())
                self.assertRegex(error["message"], r"its fee of \d\.\d{6} TOK was taken")
                self.assertRegex(error["hint"], limit)

    def test_a_second_development_network_is_told_about_the_first(self):
        second = self.machine.run("dev", "--http", "127.0.0.1:0")
        self.assertEqual(second.code, 5, "locked")
        self.assertIn(f"(process {self.dev.popen.pid})", second.err)
        self.assertEqual(self.json("node", "status")["pid"], self.dev.popen.pid)
        taken = self.machine.run("dev", "--http", f"127.0.0.1:{self.port}", "--socket", self.machine.home / "s")
        self.assertEqual(taken.code, 5, "somebody else holds the port")
        self.assertIn("--http 127.0.0.1:PORT", taken.err)

    def test_the_http_surface(self):
        self.machine.ok("run", ROOT / "services/examples/hello-c", timeout=200)

        def get(path, **headers):
            return request("GET", f"http://127.0.0.1:{self.port}{path}", headers={k.replace("_", "-"): v for k, v in
                                                                                headers.items()})
        self.assertEqual((get("/healthz").status, get("/readyz").status), (200, 200))
        self.assertEqual(get("/api/hello/hello").json(), {"greeting": "Hello, world!"})
        self.assertEqual(get("/hello", Host=f"hello.localhost:{self.port}").json(), {"greeting": "Hello, world!"})
        self.assertEqual(get("/healthz", Host="evil.example").status, 421, "a rebound name")
        self.assertEqual(get("/rpc").status, 404, "administration is not on loopback")
        self.assertEqual(get("/api/nosuch/x").status, 404)
        token = (pathlib.Path(self.json("node", "status")["data_dir"]) / "http.token").read_text().strip()
        above = get("/api/hello/hello", Authorization=f"Bearer {token}", Micro_Max_Price="900")
        self.assertEqual(above.status, 402, above.body)
        offer = json.loads(base64.b64decode(above.headers["payment-required"]))
        self.assertEqual((offer["x402Version"], len(offer["accepts"])), (2, 1))
        self.assertIn(offer["error"], above.json()["detail"])

    def test_logs_are_followed(self):
        self.machine.ok("run", ROOT / "services/examples/hello-c", timeout=200)
        follow = Process([self.machine.binary, "logs", "-f", "-n", "0", "hello"], self.machine.environment,
                         self.machine.home)
        self.addCleanup(follow.end)
        self.machine.ok("service", "price", "hello", "0.0003")
        self.machine.ok("node", "stop")
        self.assertEqual(follow.popen.wait(30), 3, "the stream ended because the node did")


if __name__ == "__main__":
    run_all()
