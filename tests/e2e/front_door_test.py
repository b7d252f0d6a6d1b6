"""./micro and tests/setup.sh: what they do on a machine that lacks something, and what they say."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import run_all

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("sh bash awk sed grep sort head tail cat mktemp dirname df mkdir find flock touch mv rm env nproc date id "
         "true ls cut sha256sum").split()


class Checkout:
    """A checkout with the two scripts and a PATH on which only chosen commands exist."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.root, self.path = self.folder / "checkout", self.folder / "path"
        (self.root / "tests").mkdir(parents=True)
        self.path.mkdir()
        shutil.copy(ROOT / "micro", self.root / "micro")
        shutil.copy(ROOT / "tests/setup.sh", self.root / "tests/setup.sh")
        for name in ("chain", "services/wasm/engine"):
            (self.root / name).mkdir(parents=True)
        self.write(self.root / "services/wasm/engine/build.sh", f"echo {self.folder}/engine")
        (self.folder / "engine/lib").mkdir(parents=True)
        (self.folder / "engine/lib/libmicro_wasm_engine.a").touch()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool))
        self.fake("dpkg-query", 'for p; do case $p in -*) ;; *) echo "$p=installed" ;; esac; done')
        self.fake("cargo", "echo cargo 1.96.0")
        self.fake("go", "echo go version go1.26.1 linux/amd64")

    def write(self, path, body):
        path.write_text("#!/bin/sh\n" + body + "\n", encoding="utf-8")
        path.chmod(0o755)

    def fake(self, name, body):
        (self.path / name).unlink(missing_ok=True)
        self.write(self.path / name, body)

    def run(self, command, cwd=None):
        environment = {"PATH": str(self.path), "HOME": str(self.folder)}
        return subprocess.run(command, env=environment, cwd=cwd or self.root, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)

    def sh(self, code):
        """Code after setup.sh was sourced."""
        return self.run(["sh", "-euc", f'root={self.root}; . {self.root}/tests/setup.sh; PATH={self.path}; {code}'])


class Setup(unittest.TestCase):
    def setUp(self):
        self.box = Checkout()
        self.addCleanup(shutil.rmtree, self.box.folder)

    def refuses(self, code, *words):
        run = self.box.sh(code)
        self.assertEqual(run.returncode, 1, run.stderr)
        for word in words:
            self.assertIn(word, run.stderr)
        self.assertEqual(run.stdout, "", "stdout belongs to the program")

    def passes(self, code):
        run = self.box.sh(code)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def system(self, text):
        (self.box.folder / "os-release").write_text(text, encoding="utf-8")
        return f"os_release={self.box.folder}/os-release; need_debian"

    def test_the_system_must_be_debian_12_or_newer(self):
        self.passes(self.system('ID=debian\nVERSION_ID="12"\n'))
        self.assertIn("tested on Debian 12", self.passes(self.system('ID=debian\nVERSION_ID="13"\n')).stderr)
        self.passes(self.system("ID=debian\n"))  # testing and unstable carry no number
        self.refuses(self.system('ID=debian\nVERSION_ID="11"\n'), "debian 11", "Debian 12")
        self.refuses(self.system('ID=ubuntu\nVERSION_ID="24.04"\n'), "ubuntu 24.04", "Use a machine")
        self.refuses("os_release=/nowhere; need_debian", "an unknown system")

    def test_disk_and_memory(self):
        enough = "free_mb() { echo 9000; }; memory_mb() { echo 4000; };"
        self.passes(enough + "need_room")
        self.refuses(enough + "free_mb() { echo 100; }; need_room", "100 MB", "6144 MB", "MICRO_CACHE_DIR")
        self.refuses(enough + "memory_mb() { echo 300; }; need_room", "300 MB of memory", "swap")

    def test_jobs_are_bounded_by_processors_and_memory(self):
        for processors, memory, expected in ((8, 64000, "8"), (8, 4000, "2"), (8, 900, "1"), (1, 64000, "1")):
            self.box.fake("nproc", f"echo {processors}")
            self.assertEqual(self.passes(f"memory_mb() {{ echo {memory}; }}; jobs").stdout.strip(), expected)

    def test_installed_packages_do_not_ask_apt(self):
        self.box.fake("apt-get", "echo asked >&2; exit 1")
        self.assertEqual(self.passes("need_packages $packages_build $packages_test").stderr, "")

    def test_missing_packages_without_root_name_the_command(self):
        self.box.fake("dpkg-query", "exit 1")
        self.box.fake("id", "echo 1000")
        self.refuses("need_packages cmake ninja-build", "no sudo", "apt-get install", "cmake ninja-build")

    def test_an_unreachable_mirror_is_explained_with_apts_own_words(self):
        self.box.fake("dpkg-query", "exit 1")
        self.box.fake("id", "echo 0")
        self.box.fake("apt-get", "echo 'E: Unable to locate package cmake' >&2; exit 100")
        self.refuses("need_packages cmake", "Unable to locate package cmake", "offline", "apt-get install")

    def test_apt_installs_exactly_what_is_missing(self):
        done = self.box.folder / "done"
        self.box.fake("id", "echo 0")
        self.box.fake("apt-get", f'echo "$@" >>{done}; echo dlstatus:1:50.0:x >&3 2>/dev/null || true')
        self.box.fake("dpkg-query", f'echo cmake=installed; [ ! -f {done} ] || echo ninja-build=installed')
        self.passes("need_packages cmake ninja-build")
        install = done.read_text(encoding="utf-8").splitlines()[-1]
        self.assertTrue(install.startswith("install -y"), install)
        self.assertTrue(install.endswith(" ninja-build"), install)
        self.assertIn("--no-remove", install)

    def test_rust_too_old_names_the_missing_suite(self):
        self.box.fake("cargo", "echo cargo 1.63.0")
        self.box.fake("id", "echo 0")
        self.box.fake("apt-get", "true")
        self.box.fake("apt-cache", "echo '  Candidate: 1.85.0+dfsg3-1'")
        self.refuses("need_rust", "1.95", "1.63.0", "1.85.0", "bookworm-security")
        self.box.fake("cargo", "echo cargo 1.95.0")
        self.passes("need_rust")

    def test_go_too_old_is_fetched_and_a_failure_is_explained(self):
        self.box.fake("go", "echo go version go1.19.8 linux/amd64")
        self.box.fake("python3", '[ "$3" = --version ] || { echo "No matching distribution" >&2; exit 1; }')
        self.refuses("need_go", "No matching distribution", "install Go 1.21")
        # pip puts the toolchain into the folder that it is told.
        self.box.fake("python3", 'while [ $# -gt 0 ] && [ "$1" != --target ]; do shift; done; [ $# -gt 0 ] || exit 0\n'
                      'mkdir -p "$2/go/bin"\n'
                      'printf "#!/bin/sh\\necho go version go1.27.3 linux/amd64\\n" >"$2/go/bin/go"\n'
                      'chmod 755 "$2/go/bin/go"')
        self.box.fake("chmod", f'exec {shutil.which("chmod")} "$@"')
        self.assertEqual(self.passes("need_go; go_version").stdout.strip(), "1.27.3")
        self.box.fake("python3", "exit 1")
        self.assertEqual(self.passes("need_go; go_version").stdout.strip(), "1.27.3")  # kept

    def test_a_step_shows_percentages_and_on_failure_its_log(self):
        run = self.passes("run_step name $root/log sh -c 'echo \"  3% a/b.o\"; echo \" 60% b\"; echo words'")
        self.assertEqual(run.stderr, "       name 3%\n       name 60%\n")
        self.assertEqual((self.box.root / "log").read_text(encoding="utf-8"), "words\n")
        wrong = "1 error: 50% wrong"
        self.refuses(f"run_step name $root/log sh -c 'echo {wrong}; exit 7'", wrong, "name failed")
        self.assertIn("words", self.box.sh("run_step n $root/log sh -c 'echo words; exit 1'").stderr)

    def test_a_step_that_fails_for_want_of_something_says_what_to_do(self):
        def fails(words):
            return f"run_step name $root/log sh -c 'echo \"{words}\"; exit 1'"
        self.refuses(fails("fatal error: error in backend: IO failure: No space left on device"), "free some space")
        self.refuses(fails("clang++: error: unable to execute command: Killed"), "swap")
        self.refuses(fails("c++: fatal error: Killed signal terminated program cc1plus (signal 9)"), "swap")
        for words in ("Could not resolve host: index.invalid", "Couldnt resolve host name",
                      "Temporary failure in name resolution", "Network is unreachable (os error 101)"):
            self.refuses(fails(words), "offline")
        plain = self.box.sh(fails("a.cpp:1: error"))
        self.assertTrue(plain.stderr.endswith("name failed (see above).\n"), plain.stderr)


class FrontDoor(unittest.TestCase):
    def setUp(self):
        self.box = Checkout()
        self.addCleanup(shutil.rmtree, self.box.folder)
        self.log = self.box.folder / "ninja"
        binary = self.box.root / "build/release/bin/micro"
        # Configuring and building as far as ./micro can see.
        self.box.fake("cmake", f"mkdir -p {binary.parent}; : >{binary.parent.parent}/build.ninja")
        self.box.fake("ninja", f'echo "$@" >>{self.log}\n'
                      f"printf '#!/bin/sh\\necho \"$PWD:$*\"; exit 42\\n' >{binary}\n"
                      f"{shutil.which('chmod')} 755 {binary}")

    def builds(self):
        return len(self.log.read_text(encoding="utf-8").splitlines()) if self.log.exists() else 0

    def micro(self, *arguments, cwd=None):
        return self.box.run([str(self.box.root / "micro"), *arguments], cwd)

    def test_builds_once_then_only_starts(self):
        elsewhere = self.box.folder / "elsewhere"
        elsewhere.mkdir()
        first = self.micro("call", "a b", cwd=elsewhere)
        self.assertEqual((first.stdout, first.returncode), (f"{elsewhere}:call a b\n", 42), first.stderr)
        self.assertEqual(self.builds(), 1)
        self.box.fake("dpkg-query", "exit 1")  # a start that is current asks nobody
        second = self.micro("version")
        self.assertEqual((second.stdout, second.stderr, second.returncode), (f"{self.box.root}:version\n", "", 42))
        self.assertEqual(self.builds(), 1)

    def test_a_changed_added_or_removed_source_builds_again(self):
        source = self.box.root / "chain/a.cpp"
        self.micro()
        for change in (lambda: source.write_text("1"), lambda: source.write_text("2"), source.unlink):
            before = self.builds()
            change()
            stamp = self.box.root / "build/release/.built"
            os.utime(stamp, ns=(stamp.stat().st_atime_ns, source.parent.stat().st_mtime_ns - 10**9))
            self.micro()
            self.assertEqual(self.builds(), before + 1)

    def test_a_failed_build_starts_nothing_and_is_tried_again(self):
        self.box.fake("ninja", f'echo "$@" >>{self.log}; echo "FAILED: a.o"; echo "a.cpp:1: error"; exit 1')
        for count in (1, 2):
            run = self.micro("version")
            self.assertEqual((run.returncode, run.stdout), (1, ""))
            self.assertIn("a.cpp:1: error", run.stderr)
            self.assertEqual(self.builds(), count)


if __name__ == "__main__":
    run_all()
