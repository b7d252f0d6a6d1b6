"""`micro demo`: the whole main job, through real processes, and what its document promises."""
import decimal
import pathlib
import re
import unittest

from harness import Machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
AMOUNT = re.compile(r"^\d+\.\d{6}$")


class DemoTest(unittest.TestCase):
    def test_the_whole_tour(self):
        machine = Machine(self)
        done = machine.ok("demo", "--json", "--calls", "100", MICRO_SOURCE_DIR=str(ROOT), timeout=280)
        tour = done.json()
        self.assertEqual(set(tour), {"service", "versions", "decision", "replay", "calls", "paid", "earned", "burned",
                                     "supply", "elapsed_ms"})
        self.assertEqual(tour["replay"], "match")
        self.assertGreaterEqual(int(tour["calls"]), 100)
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
        self.assertGreater(decimal.Decimal(tour["paid"]), decimal.Decimal(tour["earned"]))
        self.assertGreater(decimal.Decimal(tour["earned"]), 0)
        self.assertIn("402", done.err)


if __name__ == "__main__":
    unittest.main()
