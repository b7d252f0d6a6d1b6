#!/usr/bin/env python3
"""Each rule of lint.py finds what breaks it and passes what keeps it."""
import os
import subprocess
import sys
import tempfile
import unittest

import lint


def body(lines):
    return "".join(f"  x += {n};\n" for n in range(lines))


# rule: (trees that break it, each with the number of findings; trees that keep it)
SAMPLES = {
    "root_names": (
        [({"Makefile": ""}, 1), ({"src/a.cpp": "", "docs/b.md": ""}, 2)],
        [{"chain/a.cpp": "", "micro": "", ".ci/run": ""}]),
    "readmes": (
        [({"chain/base/a.cpp": "", "chain/README.md": ""}, 1), ({"services/wasm/wasi/a.cpp": ""}, 2),
         ({"tests/lint/a.py": "", "tests/README.md": ""}, 1)],
        [{"chain/base/a.cpp": "", "chain/README.md": "", "chain/base/README.md": "",
          "tests/unit/chain/a_test.cpp": "", "tests/README.md": ""}]),
    "layers": (
        [({"wallet/a.cpp": '#include "services/b.hpp"'}, 1), ({"chain/base/a.cpp": '  # include "rpc/cli/b.hpp"'}, 1),
         ({"chain/economy/a.hpp": '#include "chain/identity/b.hpp"'}, 1),
         ({"chain/types/a.hpp": '#include "chain/state/b.hpp"'}, 1),
         ({"chain/newcomer/a.hpp": '#include "chain/base/b.hpp"'}, 1),
         ({"wallet/a.cpp": '#include "chain/store/b.hpp"'}, 1), ({"p2p/mux/a.cpp": '#include "p2p/noise/b.hpp"'}, 1),
         ({"p2p/wire/a.cpp": '#include "p2p/aio/b.hpp"'}, 1), ({"p2p/peers/a.cpp": '#include "p2p/net/b.hpp"'}, 1),
         ({"p2p/newcomer/a.hpp": '#include "p2p/wire/b.hpp"'}, 1)],
        [{"rpc/a.cpp": '#include "wallet/b.hpp"\n#include "chain/store/kv.hpp"',
          "chain/economy/a.hpp": '#include "chain/economy/b.hpp"\n#include "chain/types/c.hpp"\n#include <vector>',
          "services/a.cpp": '#include "p2p/aio/task.hpp"',
          "p2p/net/a.cpp": '#include "p2p/connection/b.hpp"', "wallet/a.cpp": '#include "chain/economy/c.hpp"'}]),
    "banned_calls": (
        [({"chain/a.cpp": "double x;"}, 1), ({"chain/a.hpp": "std::unordered_map<int, int> m;"}, 1),
         ({"chain/a.cpp": "auto t = time(nullptr);"}, 1), ({"genesis/a.cpp": "std::mt19937_64 r;"}, 1),
         ({"chain/a.cpp": "std::chrono::system_clock::now();"}, 1), ({"chain/a.cpp": "setlocale(LC_ALL, x);"}, 1),
         ({"chain/a.cpp": "getenv(name);"}, 1), ({"rpc/a.cpp": "out << reply.dump(2);"}, 1),
         ({"chain/a.cpp": "float f;  // lint-ok banned_calls"}, 1)],
        [{"chain/a.cpp": '// a double check\nlog("float"); header.time(1); doubled(2); 1\'000; block_time(3);',
          "chain/b.cpp": "std::unordered_set<int> s;  // lint-ok banned_calls: only asked, never walked",
          "rpc/c.cpp": "double x;", "chain/base/clock.cpp": "std::chrono::steady_clock::now();"}]),
    "throws": (
        [({"rpc/a.cpp": "if (x) throw std::runtime_error(y);"}, 1)],
        [{"rpc/a.cpp": '// throw\nlog("throw"); throwing = 1;',
          "rpc/b.cpp": "// lint-ok throws: the way of the parser\nthrow Error(x);", "tests/unit/a.cpp": "throw 1;"}]),
    "try_in_new": (
        [({"chain/a.cpp": "return Ptr(new A(TRY(f())));"}, 1),
         ({"chain/a.cpp": "return Ptr(\n    new A(b, TRY(f())));"}, 1)],
        [{"chain/a.cpp": "auto b = TRY(f());\nreturn Ptr(new A(std::move(b)));\nTRY(g());",
          "chain/b.cpp": "return std::make_unique<A>(TRY(f()));"}]),
    "sleeping_tests": (
        [({"tests/unit/a_test.cpp": "std::this_thread::sleep_for(1s);"}, 1), ({"tests/e2e/a.py": "time.sleep(1)"}, 1),
         ({"tests/e2e/a.sh": "  sleep 1\n"}, 1), ({"tests/unit/a_test.cpp": "usleep (5);"}, 1)],
        [{"tests/unit/a_test.cpp": "// sleep_for\nasleep(1);", "rpc/a.cpp": "std::this_thread::sleep_for(1s);"}]),
    "file_lengths": (
        [({"chain/a.cpp": "x;\n" * 601}, 1), ({"chain/a.hpp": "x" * 121}, 1)],
        [{"chain/a.cpp": "x;\n" * 600, "chain/a.hpp": "x" * 120 + "\n", "README.md": "y" * 300}]),
    "function_lengths": (
        [({"chain/a.cpp": f"void f(int a) {{\n{body(69)}}}\n"}, 1),
         ({"chain/a.cpp": f"A::A(int b)\n    : a_{{b}}, c_(b) {{\n{body(69)}}}\n"}, 1),
         ({"rpc/a.hpp": f"namespace n {{\nclass A {{\n int f() const {{\n if (x) {{ }}\n{body(70)}}}\n}};\n}}\n"}, 1),
         ({"rpc/a.cpp": f"auto f(int b) -> int {{\n  run([&] {{\n{body(70)}}});\n}}\nvoid g() {{\n}}\n"}, 1)],
        [{"chain/a.cpp": f"void f(int a) {{\n{body(68)}}}\nvoid g() {{\n{body(60)}}}\n",
          "chain/b.hpp": "enum class E {\n" + "  a,\n" * 100 + "};\n#define M(X) \\\n" + " X(a) \\\n" * 100 + " X(b)\n",
          "chain/c.hpp": "class A {\n" + "  int f(int a) { return a; }\n" * 100 + "};\n",
          "chain/d.cpp": "const int kTable[] = {\n" + "  1,\n" * 100 + "};\n"}]),
    "words": (
        [({"chain/a.cpp": "// TO" "DO later"}, 1), ({"README.md": "see iss" "ue 12"}, 1),
         ({"rpc/a.cpp": '"/ro' 'ot/x"'}, 1), ({"a.sh": "https:" "//pkg.somewhere.net/x"}, 1),
         ({"a.sh": "https:" "//github.com.evil.net/x"}, 1)],
        [{"README.md": "the TO" "DOs of no one: https://github.com/o/r, http://127.0.0.1:8080, http://x.localhost:1/",
          "a.hpp": "src/root/x; ${root}/work/x; /workshop; file:///home/me/x"}]),
    "domain_tags": (
        [({"chain/crypto/domains.hpp": '  X(kA, "micro/a/v1") \\\n  X(kB, "micro/a/v1")'}, 1),
         ({"chain/crypto/domains.hpp": '  X(kA, "micro/a/v1") \\\n  X(kA, "micro/b/v1")'}, 1),
         ({"chain/crypto/domains.hpp": '  X(kA, "tx")'}, 1), ({"wallet/a.cpp": 'hash("micro/a/v1");'}, 1)],
        [{"chain/crypto/domains.hpp": '  X(kA, "micro/a/v1") \\\n  X(kB, "micro/a/b/v2")',
          "wallet/a.cpp": '// "micro/a/v1"\n"micro/x"'}]),
    "build_files": (
        [({"chain/CMakeLists.txt": "file(GLOB sources *.cpp)"}, 1), ({"chain/a.hpp": "int x;"}, 1)],
        [{"chain/CMakeLists.txt": "# no file(GLOB) here", "chain/a.hpp": "#pragma once\nint x;"}]),
}


class Rules(unittest.TestCase):
    def test_every_rule_has_samples_of_both_kinds(self):
        self.assertEqual({rule.__name__ for rule in lint.RULES}, set(SAMPLES))
        for name, (bad, good) in SAMPLES.items():
            self.assertTrue(bad and good, name)

    def test_every_rule_finds_what_breaks_it_and_passes_what_keeps_it(self):
        for rule in lint.RULES:
            bad, good = SAMPLES[rule.__name__]
            for tree, count in bad:
                with self.subTest(rule=rule.__name__, tree=str(tree)[:200]):
                    self.assertEqual(count, len(list(rule(tree))), list(rule(tree)))
            for tree in good:
                with self.subTest(rule=rule.__name__, tree=str(tree)[:200]):
                    self.assertEqual([], list(rule(tree)))


class Program(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "init", "-q", folder], check=True)
            for path, text in files.items():
                full = os.path.join(folder, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            run = subprocess.run([sys.executable, lint.__file__, folder], stdout=subprocess.PIPE, check=False)
            return run.returncode, run.stdout.decode()

    def test_exit_status_says_whether_something_was_found(self):
        clean = {f"chain/base/a{n}.cpp": "int x;\n" for n in range(10)}
        clean.update({"chain/README.md": "", "chain/base/README.md": ""})
        self.assertEqual(self.run_on(clean)[0], 0)
        code, out = self.run_on({**clean, "chain/base/b.cpp": "float x;\n"})
        self.assertEqual(code, 1)
        self.assertIn("chain/base/b.cpp:1: `float`: floating point [banned_calls:", out)

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(self.run_on({})[0], 1)


if __name__ == "__main__":
    outcome = unittest.main(exit=False).result
    if outcome.testsRun == 0:
        sys.exit("no test ran")
    sys.exit(not outcome.wasSuccessful())
