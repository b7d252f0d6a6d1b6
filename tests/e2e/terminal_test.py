"""A person at a terminal: prompts that show no password, words that stay in no scrollback, a question before money."""
import os
import pty
import re
import select
import signal
import time
import unittest

from harness import Machine, free_port, run_all

SECONDS = 60
PASSWORD = "open sesame, but longer"


class Terminal:
    """A command on a terminal of its own; what it shows is kept."""

    def __init__(self, test, machine, *arguments):
        self.shown, self._at, self.code = "", 0, None
        environment = {k: v for k, v in machine.environment.items() if k != "MICRO_NO_INPUT"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(machine.home)
            os.execve(machine.binary, [machine.binary, *map(str, arguments)], environment)
        test.addCleanup(self.end)

    def expect(self, pattern):
        """The first match that was not expected before."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = re.compile(pattern).search(self.shown, self._at)
            if found:
                self._at = found.end()
                return found
            if not self._read(deadline):
                raise AssertionError(f"waited for {pattern!r}; it showed:\n{self.shown!r}")

    def _read(self, deadline):
        ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            chunk = os.read(self.terminal, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += chunk.decode()
        return bool(chunk)

    def type(self, text):
        os.write(self.terminal, (text + "\n").encode())

    def finish(self):
        """Reads to the end; the exit code."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def end(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


class TerminalTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)

    def test_a_new_wallet_shows_its_words_once_and_asks_for_three(self):
        new = Terminal(self, self.machine, "wallet", "new", "alice")
        new.expect("new password for wallet alice: ")
        new.type(PASSWORD)
        new.expect("the same again: ")
        new.type(PASSWORD)
        new.expect(r"\x1b\[\?1049h")  # the alternate screen
        screen = new.expect(r"(?s)These words.*?\n\r?\n(.*?)Enter clears")
        words = dict(re.findall(r"(\d+) ([a-z]+)", screen.group(1)))
        self.assertEqual(len(words), 24)
        new.type("")
        new.expect(r"\x1b\[2J\x1b\[3J\x1b\[\?1049l")  # and it is gone, from the scrollback too
        for _ in range(3):
            number = new.expect(r"word (\d+) of 24: ").group(1)
            new.type(words[number])
        self.assertEqual(new.finish(), 0, new.shown)
        self.assertRegex(new.shown, r"alice  key [0-9a-f]{66}  m/44'/60'/0'/0/0")
        self.assertNotIn(PASSWORD, new.shown)

    def test_wrong_words_and_differing_passwords_save_nothing(self):
        new = Terminal(self, self.machine, "wallet", "new", "alice")
        for answer in (PASSWORD, PASSWORD + "?"):
            new.expect("new password|the same again")
            new.type(answer)
        self.assertEqual(new.finish(), 2, new.shown)
        self.assertIn("the two passwords differ", new.shown)
        new = Terminal(self, self.machine, "wallet", "new", "alice")
        for _ in range(2):
            new.expect("new password|the same again")
            new.type(PASSWORD)
        for _ in range(3):
            new.expect("Enter clears")
            new.type("")
            new.expect(r"word \d+ of 24: ")
            new.type("nonsense")
        self.assertEqual(new.finish(), 2, new.shown)
        self.assertIn("nothing was saved", new.shown)
        self.assertEqual(self.machine.ok("wallet", "list").out, "")

    def test_money_moves_after_a_yes_only(self):
        (self.machine.home / "password").write_text(PASSWORD)
        self.machine.ok("wallet", "new", "alice", "--phrase-file", "words", "--password-file", "password")
        port = free_port()
        self.machine.start("server", "--http", f"127.0.0.1:{port}", "--json", ready=r'"ready":\s*true')
        self.machine.ok("wallet", "new", "bob", "--phrase-file", "words2", "--password-file", "password")
        send = Terminal(self, self.machine, "wallet", "send", "bob", "5", "--memo", "tea")
        send.expect(r"tea")
        send.expect(r"sign and send it \[y/N\]: ")
        send.type("n")
        self.assertEqual(send.finish(), 130, send.shown)
        self.assertIn("not sent", send.shown)
        send = Terminal(self, self.machine, "wallet", "send", "bob", "5")
        send.expect(r"amount +5\.000000")
        send.expect(r"sign and send it \[y/N\]: ")
        send.type("y")
        send.expect("password of wallet alice: ")
        send.type(PASSWORD)
        self.assertEqual(send.finish(), 0, send.shown)
        self.assertNotIn(PASSWORD, send.shown)
        self.assertEqual(self.machine.ok("wallet", "balance", "bob").out, "5.000000 TOK\n")
        # Nobody is asked where nobody can answer.
        alone = self.machine.run("wallet", "send", "bob", "5", "--no-input")
        self.assertEqual(alone.code, 5)
        self.assertIn("--password-file", alone.err)


if __name__ == "__main__":
    run_all()
