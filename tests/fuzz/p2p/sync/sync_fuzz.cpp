// What strangers send while one of us catches up. The first byte picks a type; what is read has one encoding, requests
// and answers also pass the rules of their readers. Behind the types come two state machines: a server that is asked
// whatever the input says, and a client that is answered so.
#include "tests/fuzz/typed_fuzz.hpp"
#include "tests/gen/p2p/model_chain.hpp"
#include "tests/gen/p2p/sync_net.hpp"
#include "tests/gen/p2p/sync_types.hpp"

namespace micro::test {
namespace {

namespace sync = p2p::sync;
using p2p::CallId;
using p2p::PeerId;
using sync::test::Truth;

#define X(type) kTypedTarget<sync::type>,
constexpr TypedTarget kTypes[] = {MICRO_SYNC_TYPES(X)};
#undef X
constexpr std::size_t kServerTarget = std::size(kTypes);
constexpr std::size_t kClientTarget = kServerTarget + 1;

const Truth& some_truth() {
  static const Truth truth = [] {
    Truth out{.height = 20, .block_bytes = {10, 40'000}, .state = {}};
    for (std::uint64_t n = 0; n < 30; ++n) out.state[sync::Key{sha256(encode(n)).data}] = Bytes(n, 1);
    return out;
  }();
  return truth;
}

/// Keeps the calls of a client, and counts the replies of a server.
struct Wire final : p2p::Transport {
  Result<CallId> call(const PeerId&, std::string, Bytes, Instant) override {
    open.insert(++last);
    return last;
  }
  void cancel(CallId id) override { open.erase(id); }
  void reply(CallId, Result<Bytes> result) override {
    ++replies;
    if (result) CHECK(sync::decode_answer(*result).has_value(), "a server's answers can be read");
  }
  std::set<CallId> open;
  CallId last = 0;
  std::size_t replies = 0;
};

bool fuzz_server(ByteView input) {
  Wire wire;
  sync::test::TruthSource source(some_truth());
  sync::SyncServer server(wire, source);
  server.on_call({.id = 1, .from = p2p::test::peer(1), .method = "sync", .body = to_bytes(input), .deadline = {}}, {});
  while (server.step({})) {
  }
  CHECK(wire.replies == 1, "each request is answered once");
  return sync::decode_request(input).has_value();
}

/// Pieces of the input, each behind two bytes of its length, answer the client's calls in turn.
bool fuzz_client(ByteView input) {
  Wire wire;
  sync::test::TruthSink sink(some_truth());
  sync::SyncClient client(wire, sink);
  Instant now{1};
  for (std::uint64_t n = 1; n <= 2; ++n) client.add_peer(p2p::test::peer(n), now);
  CHECK(client.start(some_truth().everything(), now).has_value(), "progress of ours");
  bool any = false;
  while (input.size() >= 2 && !wire.open.empty()) {
    const std::size_t size = std::min<std::size_t>(input[0] + 256U * input[1], input.size() - 2);
    const CallId call = *wire.open.begin();
    wire.open.erase(call);
    now = now.plus_ms(1);
    any = any || sync::decode_answer(input.subspan(2, size)).has_value();
    client.on_result(call, to_bytes(input.subspan(2, size)), now);
    input = input.subspan(2 + size);
  }
  CHECK(!client.failure(), "what strangers say never fails on our side");
  return any;
}

Bytes server_seed(const sync::Ask& ask) {
  Bytes out{static_cast<std::uint8_t>(kServerTarget)};
  const Bytes request = encode(sync::Request{.ask = ask, .want_bytes = sync::kMinWantBytes, .offset = 0});
  out.insert(out.end(), request.begin(), request.end());
  return out;
}

Bytes client_seed() {
  Bytes out{static_cast<std::uint8_t>(kClientTarget)};
  sync::test::TruthSource source(some_truth());
  const Bytes status = encode(source.status().value());
  const auto total = static_cast<std::uint32_t>(status.size());
  const Bytes answer =
      encode(sync::Answer{.body = sync::Part{.total = total, .bytes = Blob<sync::kMaxWantBytes>(status)}});
  for (int n = 0; n < 2; ++n) {
    out.push_back(static_cast<std::uint8_t>(answer.size()));
    out.push_back(static_cast<std::uint8_t>(answer.size() >> 8));
    out.insert(out.end(), answer.begin(), answer.end());
  }
  return out;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  const ByteView rest = input.subspan(1);
  if (input[0] == kServerTarget) return fuzz_server(rest);
  if (input[0] == kClientTarget) return fuzz_client(rest);
  // The readers take nothing that the codec does not.
  if (sync::decode_request(rest)) CHECK(decode<sync::Request>(rest).has_value(), "a request");
  if (const auto progress = decode<sync::Progress>(rest)) (void)sync::check_progress(*progress);
  return fuzz_one_of(kTypes, input);
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds = seeds_of_each(kTypes);
  const Truth& truth = some_truth();
  sync::Key last;
  last.data.fill(0xff);
  for (const sync::Ask& ask : std::vector<sync::Ask>{
           sync::StatusAsk{}, sync::HeadersAsk{.anchor = Truth::id_of(truth.height), .first = 1, .count = 5},
           sync::HeadersByIdAsk{.ids = {Truth::id_of(3), Truth::id_of(99)}}, sync::BlocksAsk{.first = 18, .count = 9},
           sync::BlocksByIdAsk{.ids = {Truth::id_of(4)}},
           sync::StateAsk{.root = Truth::root(), .first = {}, .last = last}}) {
    seeds.push_back(server_seed(ask));
  }
  seeds.push_back(client_seed());
  return seeds;
}

}  // namespace micro::test
