"""A node that is killed at any moment loses nothing that it acknowledged, and nothing is paid twice."""
import decimal
import http.client
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import Machine, Process, free_port, request, run_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY = r'"ready":\s*true'
# Short epochs, so that the policy places soon; claims can be disputed long enough for a test that starts nodes again.
SETTINGS = "[network]\nepoch_ms = 300\ndispute_epochs = 40\n"
SECONDS = 60


class RestartTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        self.machine.prepare_server(SETTINGS)
        self.port = free_port()
        self.machine.ok("wallet", "new", "alice", "--phrase-file", self.machine.home / "alice.words")
        self.up = threading.Event()
        self.node = self.start()

    def start(self):
        node = self.machine.start("server", "--config", self.machine.home / "node.toml", "--http",
                                  f"127.0.0.1:{self.port}", "--json", ready=READY)
        self.up.set()
        return node

    def json(self, *command):
        return self.machine.ok(*command, "--json").json()

    def publish(self):
        """A service that is paid for: offered, published, placed, and a session key for the gateway."""
        hello = self.machine.home / "hello"
        shutil.copytree(ROOT / "services/examples/hello-c", hello)
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@example.invalid",
                                                         "commit", "-q", "-m", "first"]):
            subprocess.run(["git", *command], cwd=hello, check=True, env=self.machine.environment)
        self.machine.ok("stake", "offer", "--cpu", "1", "--mem", "1G")
        self.machine.ok("run", hello, "--fund", "5", timeout=200)
        self.machine.ok("wallet", "session", "create")

    def call(self, name, key=None):
        token = (self.machine.home / "node" / "http.token").read_text()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return request("POST", f"http://127.0.0.1:{self.port}/api/hello/hello", body='{"name":"%s"}' % name,
                       headers=headers)

    def call_until_answered(self, name, key):
        """As a careful client: the same key until there is an answer, whatever happens to the node meanwhile."""
        deadline = time.monotonic() + SECONDS
        last = None
        while time.monotonic() < deadline and self.up.wait(SECONDS):
            try:
                reply = self.call(name, key)
                if reply.status == 200:
                    return reply
                last = (reply.status, reply.body)
            except (OSError, http.client.HTTPException) as broken:
                last = broken
        raise AssertionError(f"{name} was not answered: {last}")

    def charged(self):
        """What the host's books say, over all channels."""
        return sum(decimal.Decimal(c["charged"]) for c in self.json("stake", "rewards")["channels"])

    def claimed(self):
        """What the ledger took from channels, whoever claimed it."""
        node = self.json("wallet", "history", self.operating_address(), "-n", "200")
        return sum(decimal.Decimal(event["charged"]) for item in node["items"] for event in item["events"]
                   if event["kind"] == "Claimed")

    def operating_address(self):
        return self.json("node", "status")["operating_address"]

    def test_everything_is_there_after_kill_9(self):
        self.publish()
        for n in range(40):
            self.assertEqual(self.call(f"before {n}").status, 200)
        rewards = self.json("stake", "rewards")
        self.assertEqual(rewards["calls"], "40")
        self.assertGreater(decimal.Decimal(rewards["claimable"]), 0)
        history = self.json("wallet", "history")
        height = int(self.json("node", "status")["height"])
        for _ in range(3):
            self.node.kill()
            self.node = self.start()
            now = int(self.json("node", "status")["height"])
            self.assertGreaterEqual(now, height, "a block that was shown is kept")
            height = now
        after = self.json("wallet", "history")
        seen = {item.get("txid") for item in after["items"]}
        self.assertTrue({item.get("txid") for item in history["items"] if "txid" in item} <= seen)
        # The service is taken from the caches and answers again; its channel goes on where it was.
        self.call_until_answered("after", "after")
        again = self.json("stake", "rewards")
        self.assertEqual(again["calls"], "41")
        self.assertGreater(decimal.Decimal(again["earned"]), decimal.Decimal(rewards["earned"]))
        claims = self.json("stake", "claim")["claims"]
        self.assertEqual([claim["status"] for claim in claims], ["Ok"])
        decision = self.json("audit", "placements", "hello")["placements"][-1]["decision"]
        self.assertEqual(self.json("audit", "decision", f"D-{decision}", "--replay")["replay"], "match")

    def test_calls_over_four_kills_are_answered_and_paid_once_each(self):
        self.publish()
        keys = [f"key-{n}" for n in range(48)]
        waiting, answers, news = list(reversed(keys)), {}, threading.Condition()

        def work():
            while True:
                with news:
                    if not waiting:
                        return
                    key = waiting.pop()
                reply = self.call_until_answered(f"caller of {key}", key)
                with news:
                    answers[key] = reply
                    news.notify_all()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for kills in range(1, 5):
            with news:  # in the middle of the others' calls
                self.assertTrue(news.wait_for(lambda: len(answers) >= 9 * kills, SECONDS), f"{len(answers)} answers")
            left = self.node.processes()
            self.up.clear()
            self.node.popen.kill()  # the node alone: its children have to notice
            self.node.popen.wait(SECONDS)
            self.assertEqual(self.node.outlive(left, SECONDS), [], "children of a killed node go with it")
            self.node = self.start()
        for worker in workers:
            worker.join(SECONDS)
        self.assertEqual(sorted(answers), sorted(keys))
        paid = {key: decimal.Decimal(reply.headers["micro-charged"]) for key, reply in answers.items()}
        for key, reply in answers.items():
            self.assertIn(f"caller of {key}".encode(), reply.body)
        self.assertEqual(self.charged(), sum(paid.values()), "what the host charged is what its callers were told")
        # The same key again is the same answer, and costs nothing.
        for key in keys[-10:]:
            again = self.call(f"caller of {key}", key)
            self.assertEqual((again.status, again.body), (200, answers[key].body))
        self.assertEqual(self.charged(), sum(paid.values()))
        self.machine.ok("stake", "claim")
        self.assertEqual(self.claimed(), sum(paid.values()), "and what the ledger took from the payer")

    def send(self):
        """Starts `wallet send`; returns it when it has said its txid, and the txid."""
        command = [self.machine.binary, "wallet", "send", "bob", "1", "--timeout", "20s"]
        process = Process(command, self.machine.environment, self.machine.home)
        self.addCleanup(process.end)
        return process, process.wait_for(r"^txid ([0-9a-f]{64})").group(1)

    def finished(self, txid):
        """Whether the ledger holds it; the command line says one or the other for certain."""
        deadline = time.monotonic() + SECONDS
        while True:
            audit = self.machine.run("audit", "tx", txid, "--json")
            if audit.code == 4:
                self.assertIn("did not happen", audit.err)
                return False
            self.assertEqual(audit.code, 0, audit.err)
            if "height" in audit.json():
                self.assertEqual(audit.json()["status"], "Ok")
                return True
            self.assertLess(time.monotonic(), deadline, "it waits for ever")

    def test_a_kill_during_wallet_send_neither_loses_nor_doubles_it(self):
        self.machine.ok("wallet", "new", "bob", "--phrase-file", self.machine.home / "bob.words")
        outcomes, happened = [], 0
        for kind in ("at once", "unread", "at once", "unread", "at once", "unread"):
            process, txid = self.send()
            if kind == "unread":  # the request reaches the socket, but nobody reads it any more
                self.node.signal(signal.SIGSTOP)
                process.settle()
            self.node.kill()
            code = process.wait(SECONDS)
            said = "\n".join(process.lines())
            outcomes.append(code)
            self.assertIn(code, (0, 3, 8), said)
            if code == 8:
                self.assertRegex(said, re.escape(f"micro audit tx {txid}"))
            self.node = self.start()
            final = self.finished(txid)
            if code == 0:
                self.assertTrue(final, "it was reported as final")
            if code == 3:
                self.assertFalse(final, "it was reported as never sent")
            happened += final
        self.assertIn(8, outcomes, "no outcome was unknown: the kills came too late")
        balance = self.json("wallet", "balance", "bob")["live"]
        self.assertEqual(decimal.Decimal(balance), happened)
        # What did not happen can be sent again: nothing of it waits somewhere.
        self.machine.ok("wallet", "send", "bob", "1")
        self.assertEqual(decimal.Decimal(self.json("wallet", "balance", "bob")["live"]), happened + 1)

    def test_a_second_node_on_the_same_folder_is_refused(self):
        done = self.machine.run("server", "--config", self.machine.home / "node.toml", "--http", "127.0.0.1:0")
        self.assertEqual(done.code, 5, "locked")
        self.assertIn(f"another node uses {self.machine.home}/node (process {self.node.popen.pid})", done.err)


if __name__ == "__main__":
    run_all()
