"""A git server as people run it: git's own CGI program behind an HTTP server, on a port of loopback."""
import http.server
import os
import pathlib
import subprocess
import threading

BACKEND = "/usr/lib/git-core/git-http-backend"
IDENTITY = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.invalid", "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.invalid"}
NO_CONFIG = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


class Handler(http.server.BaseHTTPRequestHandler):
    root = None

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(body)

    def answer(self, body):
        path, _, query = self.path.partition("?")
        environment = {"PATH": "/usr/bin:/bin", "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1",
                       "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
                       "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                       "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
                       "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        out = subprocess.run([BACKEND], input=body, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


class GitServer:
    """Repositories below `folder`, which are served until the test ends."""

    def __init__(self, test, folder):
        self.root = pathlib.Path(folder)
        self.root.mkdir()
        handler = type("Served", (Handler,), {"root": self.root})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        test.addCleanup(self._server.server_close)
        test.addCleanup(self._server.shutdown)

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def repository(self, name):
        return Repository(self.root / name)


class Repository:
    """A bare repository that is written without a work tree, so that its trees may hold what no work tree could."""

    def __init__(self, path):
        self.path = path
        self.git("init", "-q", "--bare", "-b", "main", str(path), cwd="/")

    def git(self, *arguments, cwd=None, stdin=None, environment=None):
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, input=stdin, stdout=subprocess.PIPE,
                              check=True, env={**os.environ, **IDENTITY, **NO_CONFIG, **(environment or {})})
        return done.stdout.decode().strip()

    def commit(self, files, message="a commit", branch="main"):
        """`files`: path → text, or (mode, text), or (mode, None) for a submodule. Returns the commit's id."""
        index = {"GIT_INDEX_FILE": str(self.path / "test-index")}
        self.git("read-tree", "--empty", environment=index)
        for path, content in files.items():
            mode, text = content if isinstance(content, tuple) else ("100644", content)
            oid = "1" * 40 if text is None else self.git("hash-object", "-w", "--stdin",
                                                         stdin=text if isinstance(text, bytes) else text.encode())
            self.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}", environment=index)
        tree = self.git("write-tree", "--missing-ok", environment=index)
        parent = self.git("rev-parse", "-q", "--verify", f"refs/heads/{branch}") if self.has(branch) else None
        oid = self.git("commit-tree", tree, "-m", message, *(["-p", parent] if parent else []))
        self.git("update-ref", f"refs/heads/{branch}", oid)
        return oid

    def has(self, branch):
        return (self.path / "refs/heads" / branch).exists()


def files_below(folder, prefix=""):
    folder = pathlib.Path(folder)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {f"{prefix}{path.relative_to(folder)}": path.read_bytes() for path in files}
