// Every decoder of p2p/discovery; the first byte picks one.
#include "chain/codec/codec.hpp"
#include "p2p/discovery/dns.hpp"
#include "p2p/discovery/exchange.hpp"
#include "p2p/discovery/hello.hpp"
#include "p2p/discovery/kad_node.hpp"
#include "p2p/discovery/seeds.hpp"
#include "p2p/wire/identity.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

using namespace p2p;

const Multiaddr kSomewhere = Multiaddr::tcp("20.1.2.3", 4001).value();
const Hash kFuzzedNetwork{{1}};

PeerId fuzz_peer() {
  return HostKey::from_seed(Hash{}).peer_id();
}

bool fuzz_kad_message(ByteView input) {
  const auto message = KadMessage::decode(input);
  if (!message) return false;
  CHECK(message->closer.size() <= kMaxKadPeers && message->providers.size() <= kMaxKadPeers, "few peers");
  CHECK(KadMessage::decode(message->encode()) == *message, "a message reads back");
  return true;
}

// A node that gets it as a question and as an answer.
bool fuzz_kad_node(ByteView input) {
  SeededRandom random(1);
  KadNode node({}, PeerId::of_encoded_key(Bytes(50)), random);
  node.add_seed({fuzz_peer(), {kSomewhere}});
  node.step(Instant{1});
  const auto answer = node.answer({fuzz_peer(), {kSomewhere}}, input, Instant{1});
  bool taken = answer.has_value();
  for (const KadOutgoing& out : node.take_effects().outgoing) {
    taken = node.on_reply(out.request, input, Instant{1}).has_value() || taken;
  }
  (void)node.take_effects();
  CHECK(node.contacts() <= 3 * kMaxKadPeers, "bounded by the message");
  return taken;
}

bool fuzz_hello(ByteView input) {
  const auto hello = check_hello(kFuzzedNetwork, input);
  if (!hello) return false;
  CHECK(std::ranges::equal(encode(*hello), input), "a hello has one encoding");
  return true;
}

bool fuzz_exchange(ByteView input) {
  SeededRandom random(1);
  AddressBook book(random, true);
  PeerExchange exchange(book);
  const auto news = exchange.learn(fuzz_peer(), kSomewhere, input, Instant{1});
  CHECK(book.size() <= kMaxExchanged, "no more than a list holds");
  return news.has_value();
}

bool fuzz_book(ByteView input) {
  SeededRandom random(1);
  AddressBook book(random, true);
  if (!book.load(input, kFuzzedNetwork, Instant{1}, TimeMs(1))) return false;
  (void)book.pick([](const PeerAddress&) { return true; });
  const Bytes again = book.save(kFuzzedNetwork, Instant{1}, TimeMs(1));
  AddressBook other(random, true);
  CHECK(other.load(again, kFuzzedNetwork, Instant{1}, TimeMs(1)), "what was loaded is saved");
  CHECK(other.size() == book.size(), "and nothing is lost");
  return true;
}

// The checksum would hide what is behind it: here it is always right.
bool fuzz_book_body(ByteView input) {
  Bytes file = to_bytes("MICROAB1");
  const Hash sum = sha256(input);
  file.insert(file.end(), sum.view().begin(), sum.view().end());
  file.insert(file.end(), input.begin(), input.end());
  return fuzz_book(file);
}

bool fuzz_dns(ByteView input) {
  return txt_answer(7, "a.b", input).has_value();
}

bool fuzz_seeds_text(ByteView input) {
  SeedSearch search({std::string(as_text(input))});
  const auto name = search.next();
  if (!name) return false;
  search.on_texts(*name, {"dnsaddr=" + std::string(as_text(input)), std::string(as_text(input))});
  std::size_t asked = 0;
  while (search.next()) CHECK(++asked <= kMaxSeedNames, "few names");
  return true;
}

constexpr bool (*kTargets[])(ByteView) = {fuzz_kad_message, fuzz_kad_node,  fuzz_hello, fuzz_exchange,
                                          fuzz_book,        fuzz_book_body, fuzz_dns,   fuzz_seeds_text};

Bytes discovery_seed(std::uint8_t target, ByteView input) {
  Bytes out{target};
  out.insert(out.end(), input.begin(), input.end());
  return out;
}

Bytes dns_answer() {
  Bytes out = txt_question(7, "a.b").value();
  out.resize(out.size() - 11);
  out[2] = 0x81;
  out[7] = 1;
  out[11] = 0;
  for (const std::uint8_t byte : Bytes{0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, 0, 4, 3, 'a', 'b', 'c'})
    out.push_back(byte);
  return out;
}

}  // namespace

bool fuzz(ByteView input) {
  return !input.empty() && input[0] < std::size(kTargets) && kTargets[input[0]](input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  const PeerInfo peer{fuzz_peer(), {kSomewhere, Multiaddr::parse("/ip6/2a00::1/tcp/1").value()}};
  std::vector<Bytes> out;
  for (const KadType type : {KadType::kAddProvider, KadType::kGetProviders, KadType::kFindNode, KadType::kPing}) {
    const KadMessage message{.type = type, .name = to_bytes("name"), .closer = {peer, peer}, .providers = {peer}};
    out.push_back(discovery_seed(0, message.encode()));
    out.push_back(discovery_seed(1, message.encode()));
  }
  out.push_back(discovery_seed(2, encode(Hello{.network = kFuzzedNetwork, .status = {}})));
  AddressList list;
  for (std::size_t n = 0; n < 3; ++n) {
    list.addresses.push_back({.peer = Blob<kMaxPeerIdBytes>(peer.peer.view()),
                              .address = Blob<128>(ByteView(peer.addresses[n % 2].bytes()))});
  }
  out.push_back(discovery_seed(3, encode(list)));
  SeededRandom random(1);
  AddressBook book(random, true);
  book.add({peer.peer, peer.addresses[0]}, peer.addresses[1], Instant{1});
  book.tried({peer.peer, peer.addresses[1]}, true, Instant{1});
  const Bytes file = book.save(kFuzzedNetwork, Instant{1}, TimeMs(1));
  out.push_back(discovery_seed(4, file));
  out.push_back(discovery_seed(5, ByteView(file).subspan(8 + Hash::kSize)));
  out.push_back(discovery_seed(6, dns_answer()));
  out.push_back(discovery_seed(7, as_bytes("/dnsaddr/example.com/p2p/" + peer.peer.text())));
  out.push_back(discovery_seed(7, as_bytes("example.com")));
  return out;
}

}  // namespace micro::test
