"""A node that is killed at any moment loses nothing that it acknowledged."""
import pathlib
import shutil
import subprocess
import time
import unittest

from harness import Machine, free_port, request

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY = r'"ready":\s*true'
SETTINGS = "[network]\nepoch_ms = 300\ndispute_epochs = 40\n"


class RestartTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        home = self.machine.home
        (home / "password").write_text("a long enough password")
        (home / "password").chmod(0o600)
        (home / "node.toml").write_text(SETTINGS)
        self.port = free_port()
        self.machine.environment |= {"MICRO_PASSWORD_FILE": str(home / "password"), "MICRO_DATA": str(home / "node"),
                                     "MICRO_WALLETS": str(home / "wallets"), "MICRO_NO_INPUT": "true"}
        self.machine.ok("wallet", "new", "alice", "--phrase-file", home / "alice.words")
        self.node = self.start()

    def start(self):
        return self.machine.start("server", "--config", self.machine.home / "node.toml", "--http",
                                  f"127.0.0.1:{self.port}", "--json", ready=READY)

    def call(self, name):
        token = (self.machine.home / "node" / "http.token").read_text()
        return request("POST", f"http://127.0.0.1:{self.port}/api/hello/hello", body='{"name":"%s"}' % name,
                       headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})

    def test_everything_is_there_after_kill_9(self):
        machine = self.machine
        shutil.copytree(ROOT / "services/examples/hello-c", machine.home / "hello")
        for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@example.invalid",
                                                         "commit", "-q", "-m", "first"]):
            self.git(*command)
        machine.ok("stake", "offer", "--cpu", "1", "--mem", "1G")
        machine.ok("run", machine.home / "hello", "--fund", "5", "--json", timeout=200)
        machine.ok("wallet", "session", "create")
        for n in range(40):
            self.assertEqual(self.call(f"before {n}").status, 200)
        before = machine.ok("stake", "rewards", "--json").json()
        self.assertEqual(before["calls"], "40")
        history = machine.ok("wallet", "history", "--json").json()
        for _ in range(3):
            self.node.kill()
            self.node = self.start()
        after = machine.ok("wallet", "history", "--json").json()
        seen = {item.get("txid") for item in after["items"]}
        self.assertTrue({item.get("txid") for item in history["items"] if "txid" in item} <= seen)
        # The service is taken from the caches and answers again; its channel goes on where it was.
        self.assertEqual(self.wait_for_call(), 200)
        claimed = machine.ok("stake", "claim", "--json").json()
        self.assertEqual(claimed["claims"][0]["status"], "Ok")
        decision = machine.ok("audit", "placements", "hello", "--json").json()["placements"][-1]["decision"]
        audit = machine.ok("audit", "decision", f"D-{decision}", "--replay", "--json").json()
        self.assertEqual(audit["replay"], "match")

    def test_a_second_node_on_the_same_folder_is_refused(self):
        done = self.machine.run("server", "--config", self.machine.home / "node.toml", "--http", "127.0.0.1:0")
        self.assertNotEqual(done.code, 0)
        self.assertIn("another node uses", done.err)

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.machine.home / "hello", check=True, env=self.machine.environment)

    def wait_for_call(self):
        deadline = time.monotonic() + 60
        while True:
            status = self.call("after").status
            if status == 200 or time.monotonic() > deadline:
                return status


if __name__ == "__main__":
    unittest.main()
