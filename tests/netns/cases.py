"""What nodes in namespaces are put through. A case is a function (programs, work) -> (nodes, figures as text); whatever
it raises is its failure. Bounds are sums of the constants of p2p/ that make them up, and SLACK_S for the machine."""
import collections
import os
import select
import subprocess
import sys
import time

from world import Failure, World, percentile

SLACK_S = 5          # the machine may be busy
HEARTBEAT_S = 1      # gossip
KEEP_ALIVE_S = 30    # p2p/connection: between pings
PONG_S = 20          # for the answer
MANAGE_S = 1         # p2p/net: between looks at what to dial
DIAL_S = 10          # p2p/peers: for an address to answer
HANDSHAKE_S = 5      # p2p/connection
BACKOFF_S = 6.25     # p2p/peers: after the first failure, with what chance adds
NOTICED_S = KEEP_ALIVE_S + PONG_S + 2  # a dead link: sessions look once a second
SPREAD_S = 3 * HEARTBEAT_S + SLACK_S   # a message over a mesh that is there
JOIN_S = 30          # from the start of a process until it has its mesh
LOOKUP_S = 20
REPEATED_FRAMES = 40  # dropped at a cut, until it has lasted for some repetitions
HOME = "rate_bps=10000000 queue_bytes=64000"
FAR = f"delay_us=40000 jitter_us=10000 loss_ppm=20000 reorder_ppm=10000 reorder_us=10000 {HOME}"
NEAR = f"delay_us=5000 jitter_us=1000 {HOME}"


def require(holds, text):
    if not holds:
        raise Failure(text)


def everybody_says(world, nodes, name, sizes, seconds=SPREAD_S):
    """Messages of these sizes and an item of each node reach all others; their names."""
    texts = [world.publish(node, f"{name}-{node.name}-{size}", size) for size in sizes for node in nodes]
    texts += [world.publish(node, f"{name}-{node.name}-item", 500, "item") for node in nodes]
    world.spread(texts, nodes, seconds)
    return texts


def search(world, asker, wanted):
    """Looks a node up; what it says at the end."""
    begun = time.monotonic()
    asker.say(f"find {wanted.peer}")
    world.wait(LOOKUP_S, lambda: [] if said(asker, wanted, begun) else [(asker.name, wanted.name)], "end a search")
    return said(asker, wanted, begun)[0]


def find(world, asker, wanted):
    """A search that must find the address."""
    event = search(world, asker, wanted)
    address = wanted.address.split("/p2p/")[0]
    require(address in event["addresses"], f"{asker.name} did not find {wanted.name}: {event}")
    return event


def no_way(world, pairs):
    """Each first one calls its second one, gives up in time and says why."""
    begun = time.monotonic()
    for caller, called in pairs:
        caller.say(f"dial {called.address}")
    world.wait(DIAL_S + HANDSHAKE_S + SLACK_S, lambda: [one.name for one, _ in pairs if not one.said("dialed", begun)],
               "give up")
    reached = [(one.name, other.name) for one, other in pairs if "why" not in one.said("dialed", begun)[0]]
    require(not reached, f"reached over a link that is cut: {reached}")


def said(asker, wanted, begun):
    return [event for event in asker.said("found", begun) if event["about"] == wanted.peer]


def no_offence(world):
    """Among honest nodes nobody is accused, and nothing comes twice."""
    require(not world.heard_twice(), f"heard twice: {world.heard_twice()[:5]}")
    accused = [(node.name, world.name_of(event["peer"])) for node in world.nodes for event in node.said("offence")]
    require(not accused, f"honest nodes are accused of offences: {accused[:5]}")


def spread_figures(world, texts, nodes):
    took = world.latencies_ms(texts, nodes)
    return f"{len(took)} deliveries, p50 {percentile(took, 0.5):.0f} ms, p99 {percentile(took, 0.99):.0f} ms"


# --- the cases ---

def plain(programs, work):
    """Four nodes on wires without faults: all know each other, everything reaches everybody once, names are found."""
    with World("plain", 4, programs, work) as world:
        nodes = world.start(4, seeds=1)
        everybody = {node.peer for node in nodes}
        world.wait(JOIN_S, lambda: [n.name for n in nodes if n.peers() != everybody - {n.peer}], "know all others")
        world.meshed(nodes, JOIN_S)
        texts = everybody_says(world, nodes, "plain", [100, 2_000, 70_000])
        for asker in nodes:
            for wanted in nodes:
                if wanted is not asker:
                    find(world, asker, wanted)
        world.ask([nodes[1]], "provide name", "provided")
        told = world.ask(nodes[2:], "providers name", "providers")
        require(all(event["peers"] == [nodes[1].peer] for event in told.values()), f"who provides: {told}")
        no_offence(world)
        return len(nodes), f"{spread_figures(world, texts, nodes)}; 12 of 12 found"


def blink(programs, work):
    """A cut shorter than the keep-alive: nobody parts, and what was said meanwhile arrives."""
    with World("blink", 4, programs, work) as world:
        nodes = world.start(4, seeds=1)
        world.meshed(nodes, JOIN_S)
        world.emulator.say("cut 0-1 2-3")
        world.emulator.say("cut 2-3 0-1")
        cut_at = time.monotonic()
        texts = [world.publish(node, f"blink-{node.name}", 1_000) for node in nodes]
        for side in (nodes[:2], nodes[2:]):
            world.spread([text for text in texts if world.sent[text][1] in side], side, SPREAD_S)
        world.watch(DIAL_S, lambda: world.emulator.count()["blocked"] >= REPEATED_FRAMES, "see TCP repeat itself")
        require(len(world.missing(texts, nodes)) == 8, "a message crossed the cut")
        world.emulator.say("mend * *")
        cut_s = time.monotonic() - cut_at
        took = world.spread(texts, nodes, cut_s + SPREAD_S)  # TCP repeats itself at intervals that double
        require(not any(node.said("disconnected", cut_at) for node in nodes), "a connection ended")
        no_offence(world)
        return len(nodes), f"cut for {cut_s:.2f} s, all heard {took:.2f} s after, no connection ended"


def far(programs, work):
    """Twenty nodes, 40 ± 10 ms apart, 2 % loss, reordering, 10 Mbit/s: all messages arrive, all searches succeed."""
    with World("far", 20, programs, work) as world:
        world.emulator.say(f"link * * {FAR}")
        nodes = world.start(20, seeds=3)
        joined = world.meshed(nodes, JOIN_S)
        texts = everybody_says(world, nodes, "far", [100, 2_000, 20_000], 2 * SPREAD_S)
        events = [find(world, node, nodes[(number * 7 + 3) % len(nodes)]) for number, node in enumerate(nodes)]
        no_offence(world)
        count = world.emulator.count()
        lost = count["lost"] / count["offered"]
        require(0.01 < lost < 0.03, f"{lost:.3f} of all frames were lost")
        hops = max(event["hops"] for event in events)
        slowest = max(event["ms"] for event in events)
        return len(nodes), (f"mesh in {joined:.1f} s; {spread_figures(world, texts, nodes)}; {len(events)} of "
                            f"{len(events)} found in ≤ {hops} hops, ≤ {slowest} ms; {lost:.1%} of "
                            f"{count['offered']} frames lost, {count['reordered']} late")


def churn(programs, work):
    """Nodes die without a word, half of them behind a dead link, and new ones take their places, while two that stay
    speak all the time: who is there hears everything, and finds everybody who is there."""
    deaths = 8
    with World("churn", 12, programs, work) as world:
        world.emulator.say(f"link * * {NEAR}")
        nodes = world.start(12, seeds=3)
        world.meshed(nodes, JOIN_S)
        speakers, joins, heard = nodes[:2], [], 0
        for number in range(deaths):
            victim = nodes[4 + number]
            if number % 2 == 0:
                world.emulator.say(f"cut {victim.place} *")
                world.emulator.say(f"cut * {victim.place}")
            victim.kill()
            victim.wait()
            texts = [world.publish(one, f"churn-{number}-{one.name}", 1_000) for one in speakers]
            there = world.up()
            world.spread(texts, there, SPREAD_S)
            world.emulator.say(f"mend {victim.place} *")
            world.emulator.say(f"mend * {victim.place}")
            begun = time.monotonic()
            fresh = world.node(f"new{number}", victim.place).start(nodes[:3])
            world.ready([fresh])
            world.meshed([fresh], JOIN_S, 4)
            joins.append(time.monotonic() - begun)
            texts = [world.publish(one, f"after-{number}-{one.name}", 1_000) for one in (*speakers, fresh)]
            world.spread(texts, world.up(), SPREAD_S)
            heard += len(texts) * (len(world.up()) - 1) + len(speakers) * (len(there) - 1)
        there = world.up()
        searches = [find(world, asker, wanted) for asker in nodes[:2] for wanted in there if wanted is not asker]
        no_offence(world)
        return 12 + deaths, (f"{deaths} of 12 died and were replaced; {heard} of {heard} delivered; a new one has its "
                             f"mesh in ≤ {max(joins):.1f} s; {len(searches)} of {len(searches)} found")


def partition(name, count, left):
    """A case in which the network falls apart into two sides until nobody holds the other for alive, and heals."""
    heal_s = DIAL_S + BACKOFF_S + MANAGE_S + HANDSHAKE_S + 3 * HEARTBEAT_S + SLACK_S

    def run(programs, work):
        with World(name, count, programs, work) as world:
            world.emulator.say(f"link * * {NEAR}")
            nodes = world.start(count, seeds=2)
            world.meshed(nodes, JOIN_S)
            sides = (nodes[:left], nodes[left:])
            here, there = f"0-{left - 1}", f"{left}-{count - 1}"
            world.emulator.say(f"cut {here} {there}")
            world.emulator.say(f"cut {there} {here}")
            cut_at = time.monotonic()
            during = [[world.publish(one, f"during-{one.name}", 1_000) for one in side] for side in sides]
            alone = max(world.spread(texts, side, SPREAD_S) for texts, side in zip(during, sides))
            other = {id(one): {two.peer for two in sides[number ^ 1]} for number in (0, 1) for one in sides[number]}
            world.wait(NOTICED_S + SLACK_S, lambda: [one.name for one in nodes if one.peers() & other[id(one)]],
                       "part from the other side")
            noticed = time.monotonic() - cut_at
            crossed = [(one.name, text) for number in (0, 1) for one in sides[number] for text in during[number ^ 1]
                       if text in one.heard_at]
            require(not crossed, f"a message crossed the cut: {crossed}")
            reasons = collections.Counter(event["reason"] for one in nodes for event in one.said("disconnected", cut_at)
                                          if event["peer"] in other[id(one)])
            require(set(reasons) <= {"no answer to a ping", "the peer's first connection ended"}, f"reasons: {reasons}")
            late = [[world.publish(one, f"late-{one.name}", 1_000) for one in side] for side in sides]
            for texts, side in zip(late, sides):
                world.spread(texts, side, SPREAD_S)
            # Who calls by hand gives up after as long as the manager does: by then its back-off is at work.
            no_way(world, [(nodes[0], nodes[-1]), (nodes[-1], nodes[0])])
            world.emulator.say("mend * *")
            healed = until_one_network(world, nodes, heal_s)
            no_offence(world)
            return count, (f"each side goes on alone (all heard in {alone:.2f} s); noticed by the keep-alive in "
                           f"{noticed:.1f} s (≤ {NOTICED_S}); one network again {healed:.1f} s after the cut is "
                           f"mended (≤ {heal_s:g})")
    run.__doc__ = f"{left} and {count - left} nodes fall apart until nobody holds the other for alive, and heal."
    return run


def until_one_network(world, nodes, seconds):
    """Each node speaks once a heartbeat until a whole round has reached all; how long it took."""
    begun = time.monotonic()
    rounds = []
    while True:
        rounds.append([world.publish(one, f"heal-{len(rounds)}-{one.name}", 500) for one in nodes])
        until = time.monotonic() + HEARTBEAT_S
        with world.news:
            while time.monotonic() < until:
                if any(not world.missing(texts, nodes) for texts in rounds):
                    return time.monotonic() - begun
                world.news.wait(until - time.monotonic())
        if time.monotonic() - begun > seconds:
            raise Failure(f"not one network within {seconds} s: {str(world.missing(rounds[-1], nodes))[:400]}")


def oneway(programs, work):
    """What one node says no longer reaches one other: both notice and say why, nothing hangs, messages go round."""
    with World("oneway", 5, programs, work) as world:
        world.emulator.say(f"link * * {NEAR}")
        nodes = world.start(5, seeds=2)
        a, b = nodes[1], nodes[3]
        world.meshed(nodes, JOIN_S)
        world.wait(JOIN_S, lambda: [] if b.peer in a.peers() else [a.name], "be connected")
        world.emulator.say(f"cut {a.place} {b.place}")
        cut_at = time.monotonic()
        round_about = everybody_says(world, nodes, "cut", [500])
        world.wait(NOTICED_S + SLACK_S, lambda: [x.name for x, y in ((a, b), (b, a)) if y.peer in x.peers()], "notice")
        noticed = time.monotonic() - cut_at
        for x, y in ((a, b), (b, a)):
            why = [event["reason"] for event in x.said("disconnected", cut_at) if event["peer"] == y.peer]
            require(why and why[-1], f"{x.name} does not say why")
            require(set(why) <= {"no answer to a ping", "the other side closed: End of file",
                                 "the peer's first connection ended"}, f"{x.name} says {why}")
        no_way(world, [(a, b), (b, a)])
        lost = search(world, a, b)  # it ends; whom it cannot ask it does not vouch for
        require(not lost["addresses"], f"found over a link that is cut: {lost}")
        find(world, nodes[0], b)
        others = [event for one in nodes if one not in (a, b) for event in one.said("disconnected", cut_at)]
        require(not others, f"others parted too: {others[:3]}")
        world.emulator.say("mend * *")
        everybody_says(world, nodes, "after", [500])
        no_offence(world)
        return len(nodes), (f"noticed in {noticed:.1f} s (≤ {NOTICED_S}), with the reason; nothing hung; meanwhile "
                            f"{spread_figures(world, round_about, nodes)}")


def restart(programs, work):
    """All stop and all start at once, without seeds: their address books are enough, also after a power cut."""
    with World("restart", 12, programs, work) as world:
        world.emulator.say(f"link * * {NEAR}")
        nodes = world.start(12, seeds=2)
        world.meshed(nodes, JOIN_S)
        figures = []
        for way in ("stop", "power cut"):
            for node in nodes:
                node.end_input() if way == "stop" else node.kill()
            for node in nodes:
                node.wait()
            begun = time.monotonic()
            for node in nodes:
                node.start()
            world.wait(JOIN_S, lambda at=begun: [n.name for n in nodes if not n.said("ready", at)], "say ready")
            require(not any(node.said("book", begun) for node in nodes), "a book was not taken")
            world.meshed(nodes, JOIN_S)
            figures.append(f"{way}: one network in {time.monotonic() - begun:.1f} s")
            everybody_says(world, nodes, way.replace(" ", ""), [500])
        no_offence(world)
        return len(nodes), "; ".join(figures)


def networks(programs, work):
    """Two networks at the same addresses, each told of the other's nodes as seeds: they never mix."""
    with World("networks", 4, programs, work) as world:
        world.emulator.say("link * * delay_us=40000")  # so that each connection lives long enough to be seen
        red = [world.node(f"red{n}", n, "red", 4001) for n in range(4)]
        blue = [world.node(f"blue{n}", n, "blue", 4002) for n in range(4)]
        for node in (red[0], blue[0]):
            node.start()
            world.ready([node])
        for number in range(1, 4):
            for side in (red, blue):
                side[number].start([red[0], blue[0]])
        world.ready(red + blue)
        for side in (red, blue):
            world.meshed(side, JOIN_S)
        called_at = time.monotonic()
        for number in range(4):  # by hand as well
            red[number].say(f"dial {blue[(number + 1) % 4].address}")
            blue[number].say(f"dial {red[(number + 1) % 4].address}")
        everybody_says(world, red, "red", [100, 2_000])
        everybody_says(world, blue, "blue", [100, 2_000])
        strangers = {id(node): {other.peer for other in (blue if node in red else red)} for node in red + blue}
        world.wait(JOIN_S, lambda: [n.name for n in red + blue if not n.said("dialed", called_at)], "call strangers")
        world.wait(JOIN_S, lambda: [n.name for n in red + blue if n.peers() & strangers[id(n)]], "part from strangers")
        mixed = [(node.name, text) for node in red + blue for text in node.heard_at
                 if text.startswith("red") != (node in red)]
        require(not mixed, f"heard of the other network: {mixed[:5]}")
        greeted = [(node.name, event) for node in red + blue for event in node.said("hello")
                   if event["peer"] in strangers[id(node)]]
        require(not greeted, f"a stranger was greeted: {greeted[:3]}")
        partings = [event["reason"] for node in red + blue for event in node.said("disconnected")
                    if event["peer"] in strangers[id(node)]]
        told = sum("another network" in reason for reason in partings)
        require(told >= 8, f"nobody says why they part: {collections.Counter(partings)}")
        asked = [find(world, node, side[number - 1])["asked"] for side in (red, blue)
                 for number, node in enumerate(side)]
        require(max(asked) <= 3, f"searches ask strangers, who were seeds: {asked}")
        # Whoever was first to reach a peer, each node keeps one that its address book chose.
        chosen = {name: [one["slot"] for one in event["connections"]]
                  for name, event in world.ask(red[1:] + blue[1:], "peers", "peers").items()}
        require(all("full" in slots for slots in chosen.values()), f"nobody of its own choice: {chosen}")
        no_offence(world)
        return 8, f"{len(partings)} connections between the two ended, {told} with \"a node of another network\""


def cleanup(programs, work):
    """Whoever holds a world is killed: within moments no process and so no namespace of it is left."""
    script = ("import sys, world\n"
              "held = world.World('orphans', 2, sys.argv[1], sys.argv[2])\n"
              "nodes = held.start(2, seeds=1)\n"
              "print(held.emulator.process.pid, *[node.process.pid for node in nodes], flush=True)\n"
              "sys.stdin.read()\n")
    holder = subprocess.Popen([sys.executable, "-B", "-c", script, programs, work], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, cwd=os.path.dirname(os.path.abspath(__file__)))
    try:
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        require(len(pids) == 3, "the world did not begin")
        handles = [os.pidfd_open(pid) for pid in pids]
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    begun = time.monotonic()
    left = []
    for pid, handle in zip(pids, handles):
        ended, _, _ = select.select([handle], [], [], max(0, begun + 10 - time.monotonic()))
        left += [] if ended else [pid]
        os.close(handle)
    require(not left, f"still there after 10 s: {left}")
    return 2, f"all gone {time.monotonic() - begun:.2f} s after its holder was killed"


def forbidden(programs, work):
    """Where namespaces cannot be made, this very test says so aloud and exits with a code of its own."""
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([os.path.join(programs, "link_emulator"), "forbid", sys.executable, "-B",
                           os.path.join(here, "netns_test.py"), programs, "--work", os.path.join(work, "forbidden")],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    require(done.returncode == 77, f"exit code {done.returncode}: {done.stdout}")
    require("NETNS SKIPPED, NOTHING WAS TESTED" in done.stdout, f"it says {done.stdout!r}")
    return 0, f"exit code 77, and it says: {done.stdout.splitlines()[0]}"


# The longest first.
CASES = {"50/50": partition("50-50", 10, 5), "90/10": partition("90-10", 10, 9), "one-way": oneway, "churn": churn,
         "far": far, "restart": restart, "networks": networks, "plain": plain, "blink": blink, "cleanup": cleanup,
         "forbidden": forbidden}
SLICE = ["restart", "networks", "plain", "blink", "cleanup", "forbidden"]
