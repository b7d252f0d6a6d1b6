#!/usr/bin/env python3
"""Rules that a compiler does not know. `lint.py [ROOT]` prints one finding a line and exits 1 if there is any.

A rule is a function from a tree {path: text} to findings (path, line, message). lint_test.py holds for each rule a tree
that breaks it and one that keeps it; a rule without them fails there. A line may be excused there or in the line
before, with the rule's name and a reason:  // lint-ok banned_calls: looked up by key, never walked
"""
import os
import re
import subprocess
import sys

ROOT_NAMES = set("""chain consensus p2p services wallet rpc tests genesis CMakeLists.txt CMakePresets.json README.md
    LICENSE .clang-format .clang-tidy .gitignore .ci micro""".split())
LAYERS = ("chain", "genesis", "consensus", "p2p", "services", "wallet", "rpc")
SEES = {
    "chain": {"chain"}, "genesis": {"chain", "genesis"}, "consensus": {"chain", "consensus"},
    "p2p": {"chain", "p2p"}, "services": {"chain", "services"}, "wallet": {"chain", "wallet"}, "rpc": set(LAYERS),
}
# Inside chain a folder sees only lower ranks: the modules of one rank are peers without edges between them.
CHAIN_RANK = {
    "base": 0, "codec": 1, "crypto": 1, "types": 2, "state": 3, "records": 4, "trie": 4,
    "identity": 5, "economy": 5, "registry": 5, "reputation": 5, "governance": 5, "placement": 5, "committee": 5,
    "execution": 6, "mempool": 6, "store": 6, "ledger": 7,
}
# Inside p2p likewise; only net and what is above it have sockets.
P2P_RANK = {"aio": 0, "wire": 0, "noise": 1, "mux": 1, "connection": 2, "peers": 2, "calls": 2, "gossip": 2, "relay": 3,
            "sync": 3, "net": 4, "discovery": 5}
RANKS = {"chain": CHAIN_RANK, "p2p": P2P_RANK}
WALLET_SEES = {"base", "codec", "crypto", "types", "economy"}
MIRRORS = {"unit", "prop", "vectors", "gen", "sim"}  # folders of tests that only mirror the source tree
CPP = (".cpp", ".hpp", ".h", ".c")
CODE = CPP + (".go", ".py", ".sh", ".ts", ".rs")
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_COLUMNS = 600, 70, 120

BANNED_IN_CHAIN = [
    (r"\b(?:float|double|long double)\b", "floating point"),
    (r"\bstd::unordered_", "unordered container"),
    (r"\b(?:system|steady|high_resolution)_clock\b|\b(?:gettimeofday|clock_gettime|localtime|gmtime|strftime)\b"
     r"|(?<![\w.>:])(?:std::)?time\s*\(", "a clock"),
    (r"\bstd::locale\b|\bsetlocale\b|\.imbue\b|\bstd::(?:isalpha|isdigit|isspace|tolower|toupper)\b", "the locale"),
    (r"\bstd::(?:random_device|mt19937\w*|default_random_engine|uniform_\w+)\b|\bs?rand\s*\(", "hidden randomness"),
    (r"\bstd::(?:stof|stod|stold)\b|\bstrto[fd]\b", "floating point"),
    (r"\bgetenv\s*\(", "the environment"),
]
BANNED_IN_RPC = [(r"\.dump\s*\(", "it throws on bytes that are not UTF-8: json_text does not")]
CHAIN_ADAPTERS = {"chain/base/clock.cpp"}  # the one place that turns the machine's clock into an input
SLEEPS = r"\bsleep_(?:for|until)\b|\b(?:u|nano)?sleep\s*\(|\btime\.sleep\b|\bsetTimeout\b"
ALLOWED_HOSTS = r"(?:[\w.-]+\.)?(?:example(?:\.com|\.org)?|invalid|test|localhost|github\.com|borsh\.io|" \
    r"rfc-editor\.org|nist\.gov|" \
    r"eips\.ethereum\.org|simplex\.blog|iacr\.org|arxiv\.org|wikipedia\.org|x402\.org|w3\.org)"
WORDS = [
    (r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "unfinished work: finish it or leave it out"),
    (r"(?<![\w.~}-])/(?:work/|root/|home/(?!me/))\w", "a path of one machine"),
    (r"\bissues? #?\d+\b", "the code speaks of itself, not of a tracker"),
    (r"https?://(?!" + ALLOWED_HOSTS + r"(?![\w.-]))(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}", "an address of a host"),
]


def blank(text, keep_strings=False):
    """C-like code with comments (and strings) blanked, each line in its place."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''

    def cover(match):
        piece = match.group(0)
        if piece[0] in "R\"'" and (keep_strings or re.match(r"'\d", piece)):
            return piece
        return re.sub(r"[^\n]", " ", piece)
    digits = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text)  # 1'000 is no character literal
    return re.sub(pattern, cover, digits, flags=re.S)


def excused(line, rule):
    return re.search(r"lint-ok " + rule + r": \S", line) is not None


def search(rule, path, text, code, patterns):
    original = text.split("\n")
    for number, line in enumerate(code.split("\n"), 1):
        for pattern, why in patterns:
            found = re.search(pattern, line)
            here = "\n".join(original[max(0, number - 2):number])  # the line and the one before it
            if found and not excused(here, rule):
                yield path, number, f"`{found.group(0).strip()}`: {why}"


def of_layers(tree, endings=CPP):
    return ((p, t) for p, t in tree.items() if p.split("/")[0] in LAYERS and p.endswith(endings))


def root_names(tree):
    """The root holds exactly what tools and people expect there."""
    for name in sorted({p.split("/")[0] for p in tree} - ROOT_NAMES):
        yield name, 1, "does not belong into the root"


def readmes(tree):
    """Each folder of the first and second level says what it is for."""
    folders = set()
    for path in tree:
        parts = path.split("/")[:-1]
        if parts and parts[0] in LAYERS + ("tests",):
            folders.add(parts[0])
            if len(parts) > 1 and not (parts[0] == "tests" and parts[1] in MIRRORS):
                folders.add("/".join(parts[:2]))
    for folder in sorted(folders):
        if f"{folder}/README.md" not in tree:
            yield folder, 1, "has no README.md"


def layers(tree):
    """chain in the centre, rpc outside; the siblings between them never see each other."""
    for path, text in of_layers(tree):
        layer, folder = path.split("/")[0], path.split("/")[1]
        for number, line in enumerate(text.split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*"((\w+)/(\w+)[^"]*)"', line)
            if not found or found.group(2) not in LAYERS or excused(line, "layers"):
                continue
            to, to_folder = found.group(2), found.group(3)
            if to not in SEES[layer] and not (to_folder == "aio" and to == "p2p" and layer != "chain"):
                yield path, number, f"{layer} does not see {to}"
            elif layer == to and layer in RANKS and folder != to_folder:
                rank = RANKS[layer].get(folder), RANKS[layer].get(to_folder)
                if None in rank:
                    yield path, number, f"a folder of {layer} has no rank in tests/lint/lint.py"
                elif rank[1] >= rank[0]:
                    yield path, number, f"{layer}/{folder} does not see {to}/{to_folder}"
            elif layer == "wallet" and to == "chain" and to_folder not in WALLET_SEES:
                yield path, number, f"wallet does not see chain/{to_folder}"


def banned_calls(tree):
    """Nothing in chain may differ between two machines; nothing that is sent to us may end the process."""
    for path, text in of_layers(tree):
        if path.startswith(("chain/", "genesis/")) and path not in CHAIN_ADAPTERS:
            yield from search("banned_calls", path, text, blank(text), BANNED_IN_CHAIN)
        if path.startswith("rpc/"):
            yield from search("banned_calls", path, text, blank(text), BANNED_IN_RPC)


def throws(tree):
    """Errors are values: what third-party code throws is caught in its adapter."""
    for path, text in of_layers(tree):
        yield from search("throws", path, text, blank(text), [(r"\bthrow\b", "return an error instead")])


def try_in_new(tree):
    """TRY returns from the middle of an expression: the memory that `new` has taken by then is lost."""
    for path, text in of_layers(tree):
        code = blank(text)
        for found in re.finditer(r"\bnew\s+[\w:<>]+\s*\([^;]*?\bTRY\(", code):
            yield path, code.count("\n", 0, found.start()) + 1, "take the values first"


def sleeping_tests(tree):
    """Time is an input of a test; waiting is for an event, not for a duration."""
    for path, text in tree.items():
        if path.startswith("tests/") and path.endswith(CODE) and not path.startswith("tests/lint/"):
            yield from search("sleeping_tests", path, text, blank(text) if path.endswith(CPP) else text,
                              [(SLEEPS, "a test does not sleep"), (r"^\s*sleep\s+[\d.\"$]", "a test does not sleep")])


def file_lengths(tree):
    """A file is read in one go."""
    for path, text in tree.items():
        lines = text.split("\n")
        if path.endswith(CODE) and len(lines) - 1 > MAX_FILE_LINES:
            yield path, MAX_FILE_LINES, f"{len(lines) - 1} lines, over {MAX_FILE_LINES}"
        if path.endswith(CPP + (".py", ".sh")):
            for number, line in enumerate(lines, 1):
                if len(line) > MAX_COLUMNS and not excused(line, "file_lengths"):
                    yield path, number, f"{len(line)} columns, over {MAX_COLUMNS}"


CONTAINERS = r"(?:namespace|class|struct|union|enum|extern|template\s*<[^()]*>\s*(?:class|struct))\b"


def functions(code):
    """(first line, last line) of each function of blanked C++. A lambda belongs to the function around it."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.M)
    kinds, header, start, line, closed = [], "", 1, 1, False
    for char in code:
        line += char == "\n"
        if "function" in kinds:
            if char == "{":
                kinds.append("block")
            elif char == "}" and kinds.pop() == "function":
                end, closed = line, True  # or initializers' braces: `: member_{1} {`, `, other_{2} {` go on
            continue
        if closed and not char.isspace():
            closed = False
            if char not in ",{":
                yield start, end
                header = ""
        if char == "{":
            is_function = "(" in header and not re.match(CONTAINERS, header) and not header.rstrip().endswith("=")
            kinds.append("function" if is_function else "block")
            header = header if is_function else ""
        elif char in ";}":
            header = ""
            if char == "}" and kinds:
                kinds.pop()
        elif header or not char.isspace():
            start = start if header else line
            header += char
    if closed:
        yield start, end


def function_lengths(tree):
    """A function does one thing."""
    for path, text in tree.items():
        if not path.endswith((".cpp", ".hpp")):
            continue
        for first, last in functions(blank(text)):
            if last - first + 1 > MAX_FUNCTION_LINES and not excused(text.split("\n")[first - 1], "function_lengths"):
                yield path, first, f"a function of {last - first + 1} lines, over {MAX_FUNCTION_LINES}"


def words(tree):
    """The repository speaks of itself alone."""
    for path, text in tree.items():
        if not path.startswith("tests/lint/") and not path.endswith((".lock", "package-lock.json")):
            yield from search("words", path, text, text, WORDS)


def domain_tags(tree):
    """One purpose, one tag; no tag outside the registry."""
    registry, seen = "chain/crypto/domains.hpp", {}
    for number, line in enumerate(tree.get(registry, "").split("\n"), 1):
        found = re.match(r'\s*X\((\w+),\s*"([^"]*)"\)', line)
        if not found:
            continue
        for key in found.groups():
            if key in seen:
                yield registry, number, f"{key} again; first in line {seen[key]}"
            seen.setdefault(key, number)
        if not re.fullmatch(r"micro/[a-z0-9/-]+/v\d+", found.group(2)):
            yield registry, number, f"{found.group(2)} is not of the form micro/purpose/v1"
    for path, text in of_layers(tree):
        if path != registry:
            yield from search("domain_tags", path, text, blank(text, keep_strings=True),
                              [(r'"micro/[a-z0-9/-]+/v\d+"', "a domain tag lives in chain/crypto/domains.hpp")])


def build_files(tree):
    """Sources are listed, headers are guarded."""
    for path, text in tree.items():
        if path.startswith(LAYERS) and path.endswith("CMakeLists.txt"):
            yield from search("build_files", path, text, re.sub(r"#.*", "", text),
                              [(r"file\s*\(\s*GLOB", "list the sources")])
        if path.endswith(".hpp") and "#pragma once" not in text:
            yield path, 1, "no #pragma once"


RULES = [root_names, readmes, layers, banned_calls, throws, try_in_new, sleeping_tests, file_lengths, function_lengths,
         words, domain_tags, build_files]


def read_tree(root):
    """What git tracks or would track: {path: text}, binary files left out."""
    listing = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    tree = {}
    for path in filter(None, listing.split("\0")):
        full = os.path.join(root, path)
        if os.path.isfile(full):
            try:
                with open(full, encoding="utf-8") as file:
                    tree[path] = file.read()
            except UnicodeDecodeError:
                pass
    return tree


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    tree = read_tree(root)
    findings = [(path, line, message, rule) for rule in RULES for path, line, message in rule(tree)]
    for path, line, message, rule in sorted(findings, key=lambda f: f[:2]):
        print(f"{path}:{line}: {message} [{rule.__name__}: {rule.__doc__.splitlines()[0]}]")
    print(f"{len(tree)} files, {len(RULES)} rules, {len(findings)} findings")
    return 1 if findings or len(tree) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
