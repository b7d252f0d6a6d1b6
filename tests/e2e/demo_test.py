"""`micro demo`: the whole main job, through real processes, and what its document promises."""
import decimal
import json
import pathlib
import re
import shutil
import signal
import unittest

from harness import Machine, Process, run_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
AMOUNT = re.compile(r"^\d+\.\d{6}$")


class DemoTest(unittest.TestCase):
    def test_the_whole_tour(self):
        machine = Machine(self)
        done = machine.ok("demo", "--json", "--calls", "100", MICRO_SOURCE_DIR=str(ROOT), TMPDIR=str(machine.home),
                          timeout=280)
        tour = done.json()
        self.assertEqual(set(tour), {"service", "versions", "decision", "replay", "calls", "paid", "earned", "burned",
                                     "supply", "elapsed_ms"})
        self.assertEqual(tour["replay"], "match")
        self.assertEqual(tour["calls"], 100)
        self.assertGreater(tour["elapsed_ms"], 0)
        self.assertEqual(len(tour["versions"]), 2)
        first, second = tour["versions"]
        for version in (first, second):
            self.assertRegex(version["commit"], r"^[0-9a-f]{40}$")
            self.assertRegex(version["wasm_sha256"], r"^[0-9a-f]{64}$")
        self.assertNotEqual(first["wasm_sha256"], second["wasm_sha256"])
        for amount in (tour["paid"], tour["earned"], tour["burned"], *tour["supply"].values()):
            self.assertRegex(amount, AMOUNT)
        supply = {name: decimal.Decimal(text) for name, text in tour["supply"].items()}
        self.assertEqual(supply["minted"], supply["live"] + supply["burned"] + supply["expired"])
        paid, earned, burned = (decimal.Decimal(tour[name]) for name in ("paid", "earned", "burned"))
        self.assertEqual(paid, earned + burned)
        self.assertGreater(earned, burned)
        self.assertGreater(supply["burned"], burned, "fees of transactions burn too")
        for step in ("wallets", "offers", "published", "402", "98 paid calls", "second version", "claimed", "replayed",
                     "adds up"):
            self.assertIn(step, done.err)
        self.assertEqual([f.name for f in pathlib.Path(machine.home).glob("micro-demo-*")], [], "it cleans up")

    def test_an_interrupted_tour_leaves_nothing(self):
        for number, whole_group in ((signal.SIGINT, True), (signal.SIGTERM, False)):
            with self.subTest(signal=number):
                machine = Machine(self)
                # It says so and then waits for a build: its node and a command are at work.
                tour = machine.start("demo", ready="published", timeout=120, MICRO_SOURCE_DIR=str(ROOT),
                                     TMPDIR=str(machine.home))
                handles = tour.processes()
                self.assertGreaterEqual(len(handles), 2, "the tour and its node")
                tour.signal(number) if whole_group else tour.popen.send_signal(number)
                self.assertEqual(tour.wait(60), 130)
                self.assertEqual(Process.outlive(handles, 30), [], "nothing goes on")
                self.assertEqual([f.name for f in pathlib.Path(machine.home).glob("micro-demo-*")], [])

    def test_a_step_that_fails_ends_the_tour_with_its_reason(self):
        machine = Machine(self)
        example = pathlib.Path("services/examples/hello-c")
        shutil.copytree(ROOT / example, machine.home / example)
        (machine.home / example / "main.c").write_text("this is not C;\n")
        done = machine.run("demo", "--json", MICRO_SOURCE_DIR=str(machine.home), TMPDIR=str(machine.home), timeout=280)
        self.assertNotEqual(done.code, 0)
        self.assertEqual(done.out, "")
        error = json.loads(done.err.splitlines()[-1])
        self.assertEqual(set(error), {"code", "name", "message", "hint", "data"})
        self.assertEqual(error["code"], done.code)
        self.assertIn("the tour stopped", error["message"])
        kept = re.search(r"its folder is kept: (\S+),", error["hint"]).group(1)
        self.assertTrue((pathlib.Path(kept) / "node.log").exists())


if __name__ == "__main__":
    run_all()
