"""Kademlia over nodes of ours and of other stacks: a chain of connections, over which each node finds others that it
was never connected to, and what others provide. Used by interop.py."""
import hashlib
import time

from peers import Ended, Node, Trouble

ADDRESS = "/ip4/127.0.0.1/tcp/0"
CHAINS = [["micro", "js"] * 4, ["micro", "go"] * 4, ["js", "micro", "go", "micro", "js", "go", "micro"]]
CASES = ["table", "find", "provide"]
ANSWER_S, SETTLE_S = 90, 60


def name_of(node):
    """The multihash of what this node provides, in hex."""
    return "1220" + hashlib.sha256(("provided by " + node.peer()).encode()).hexdigest()


def table(nodes):
    """Whoever is connected is in both tables."""
    for before, node in zip(nodes, nodes[1:]):
        node.ask("connect " + before.address, ANSWER_S)
    until = time.monotonic() + SETTLE_S
    for number, node in enumerate(nodes):
        wanted = 1 if number in (0, len(nodes) - 1) else 2
        while int(node.ask("table", ANSWER_S)) < wanted:
            if time.monotonic() > until:
                raise Trouble(f"{node.name} knows too few")


def find_one(asker, wanted, is_patient):
    port = wanted.address.split("/")[4]
    until = time.monotonic() + SETTLE_S
    while True:
        try:
            found, why = asker.ask("find " + wanted.peer(), ANSWER_S), "without an address"
        except Trouble as trouble:
            if not is_patient or isinstance(trouble, Ended):
                raise
            found, why = "", str(trouble)
        if f"/tcp/{port}" in found:
            return
        # go answers without an address for a peer that has connected and not yet said where it listens.
        if found or time.monotonic() > until:
            raise Trouble(f"{asker.name} found {wanted.name}: {found or why}")


def find(nodes):
    """From each end of the chain to the other, and from each node to the one three further. Over a bare chain first
    those who ask whoever is named to them, as the protocol says. js asks only who is nearer to the target than the one
    who named him, and gets nowhere where tables hold but two neighbours: its turn comes when the searches of the others
    have made them known to it, which it takes in a moment later."""
    pairs = [(nodes[0], nodes[-1]), (nodes[-1], nodes[0])]
    pairs += [(node, nodes[(number + 3) % len(nodes)]) for number, node in enumerate(nodes)]
    for is_js in (False, True):
        for asker, wanted in pairs:
            if asker.name.startswith("js") == is_js:
                find_one(asker, wanted, is_js)


def provide(nodes):
    """Everybody provides something; the one three further finds who."""
    for node in nodes:
        node.ask("provide " + name_of(node), ANSWER_S)
    for number, node in enumerate(nodes):
        asker = nodes[(number + 3) % len(nodes)]
        until = time.monotonic() + SETTLE_S
        while node.peer() not in (found := asker.ask("providers " + name_of(node), ANSWER_S)):
            if time.monotonic() > until:  # records travel without an answer
                raise Trouble(f"{asker.name} found {found or 'nobody'} and not {node.name}")


def run(kinds, commands, log):
    """{case: "ok" or why not} of one chain; what comes after a failure does not run."""
    nodes, results = [], {}
    try:
        for number, kind in enumerate(kinds):
            nodes.append(Node(f"{kind}{number}", [*commands[kind], "kad", ADDRESS], log))
        for node in nodes:
            node.start()
        for case, try_it in zip(CASES, (table, find, provide)):
            try_it(nodes)
            results[case] = "ok"
    except (Trouble, OSError) as why:
        results[CASES[len(results)]] = str(why)
    finally:
        for node in nodes:
            node.stop()
    return results
