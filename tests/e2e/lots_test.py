"""Tokens whose life is seconds: a refreshed lot lives on for a fee, another ends, and the supply adds up."""
import decimal
import http.client
import json
import re
import socket
import time
import unittest

from harness import Machine, free_port, run_all

READY = r'"ready":\s*true'
# A lot lives 30 buckets of 4 epochs and can be refreshed for as long again: 18 seconds each.
SETTINGS = "[network]\nepoch_ms = 150\nbucket_epochs = 4\n"
Amount = decimal.Decimal


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class LotsTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)
        home = self.machine.home
        self.machine.prepare_server(SETTINGS)
        self.machine.environment["MICRO_SOCKET"] = str(home / "run/node.sock")
        for name in ("alice", "bob"):
            self.machine.ok("wallet", "new", name, "--phrase-file", home / f"{name}.words")
        self.machine.ok("wallet", "use", "alice")

    def start(self, *options):
        return self.machine.start("server", "--config", self.machine.home / "node.toml", "--http",
                                  f"127.0.0.1:{free_port()}", "--json", *options, ready=READY)

    def lots(self, name):
        return self.machine.ok("wallet", "lots", name, "--json").json()["lots"]

    def eventually(self, what, holds, seconds=120):
        """Each look is a command of its own, which is pause enough."""
        deadline = time.monotonic() + seconds
        while True:
            seen = what()
            if holds(seen):
                return seen
            self.assertLess(time.monotonic(), deadline, seen)

    def check_supply(self):
        connection = UnixConnection(self.machine.home / "run/node.sock")
        connection.request("POST", "/rpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ledger.supply"}),
                           {"Content-Type": "application/json", "Host": "localhost"})
        supply = json.loads(connection.getresponse().read())["result"]
        connection.close()
        self.assertTrue(supply["consistent"], supply)
        parts = {name: Amount(supply[name]) for name in ("minted", "live", "grace", "burned", "purged", "expired")}
        self.assertEqual(parts["minted"], parts["live"] + parts["grace"] + parts["burned"] + parts["purged"], supply)
        return parts

    def test_a_lot_is_refreshed_and_another_ends(self):
        node = self.start()
        genesis = json.loads((self.machine.home / "node/genesis.json").read_text())
        self.assertEqual((genesis["params"]["bucket_epochs"], genesis["params"]["epoch_ms"]), (4, 150))
        first = self.lots("alice")
        self.assertEqual([lot["state"] for lot in first], ["live"])
        expiry = str(first[0]["expiry"])
        self.machine.ok("wallet", "send", "bob", "5")
        early = self.machine.run("wallet", "refresh", expiry)
        self.assertEqual(early.code, 7, early.err)
        self.assertEqual([str(lot["expiry"]) for lot in self.lots("bob")], [expiry], "a transfer gives no new life")
        # The same network from its genesis file, after a restart.
        node.stop()
        self.start("--genesis", self.machine.home / "node/genesis.json")

        self.eventually(lambda: self.lots("alice"), lambda lots: lots and lots[0]["state"] != "live")
        self.assertEqual(Amount(self.machine.ok("wallet", "balance", "alice", "--json").json()["live"]), 0)
        before = self.check_supply()
        self.assertGreater(before["expired"], 999_000)
        self.assertEqual(self.machine.run("wallet", "send", "bob", "1").code, 6, "what expired is not spent")
        amount = Amount(self.lots("alice")[0]["amount"])
        done = self.machine.ok("wallet", "refresh", expiry, "--json").json()
        (fresh,) = [lot for lot in self.lots("alice") if lot["state"] == "live"]
        self.assertGreater(int(fresh["expiry"]), int(expiry))
        event = next(e for e in self.machine.ok("audit", "tx", done["txid"], "--json").json()["events"]
                     if e["kind"] == "LotRefreshed")
        self.assertEqual(str(event["to"]), str(fresh["expiry"]))
        paid = amount - Amount(fresh["amount"])
        self.assertEqual(paid, Amount(event["fee"]) + Amount(done["fee"]))
        self.assertTrue(amount / 100 <= Amount(event["fee"]) <= amount / 2, event)
        history = self.machine.ok("wallet", "history", "alice").out
        self.assertRegex(history, r"RefreshLot +Ok +%s" % re.escape(done["fee"]))
        after = self.check_supply()
        self.assertEqual(after["burned"] - before["burned"], paid)

        self.eventually(lambda: self.lots("bob"), lambda lots: not lots)
        self.assertEqual(self.machine.run("wallet", "refresh", expiry, "--account", "bob").code, 4, "it is gone")
        self.assertGreaterEqual(self.check_supply()["purged"], 5)


if __name__ == "__main__":
    run_all()
