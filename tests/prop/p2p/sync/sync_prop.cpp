// Whatever peers do - lie, die, dawdle, come back, refuse - and whenever the process ends: what is handed over is true,
// in order and once; nobody honest is called a liar; and with one honest peer it comes to its end.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/model_chain.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p::sync {
namespace {

using test::peer;
using test::SyncNet;
using test::Truth;
using test::TruthSink;
using test::TruthSource;

template <class T>
T pick(T from, T until) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(from, until));
}

Truth some_truth() {
  Truth out;
  out.height = pick<std::uint64_t>(1, 120);
  const auto sizes = pick<std::size_t>(1, 4);
  for (std::size_t n = 0; n < sizes; ++n) {
    out.block_bytes.push_back(*rc::gen::element<std::size_t>(1, 300, 5'000, 20'000, 400'000));
  }
  const auto entries = pick<std::uint64_t>(0, 200);
  const auto crowd = pick<std::size_t>(0, 8);  // all below one prefix, or spread
  for (std::uint64_t n = 0; n < entries; ++n) {
    Key key{sha256(encode(n)).data};
    std::fill_n(key.data.begin(), crowd, std::uint8_t{7});
    out.state[key] = Bytes(pick<std::size_t>(0, 3'000), static_cast<std::uint8_t>(n));
  }
  return out;
}

/// Now and then gives something else.
class Liar final : public TruthSource {
 public:
  explicit Liar(const Truth& truth) : TruthSource(truth), one_in_(pick<std::uint64_t>(1, 6)) {}
  Result<StatusAnswer> status() override {
    StatusAnswer out = TRY(TruthSource::status());
    if (lies()) out.highest = UINT64_MAX;
    if (lies()) out.lowest = 0;
    return out;
  }
  Result<HeadersAnswer> headers(const Id& anchor, std::uint64_t first, std::size_t count, std::size_t bytes) override {
    HeadersAnswer out = TRY(TruthSource::headers(anchor, first, count, bytes));
    if (lies()) out.headers[out.headers.size() / 2].push_back(1);
    if (lies()) out.headers.pop_back();
    if (lies()) out.headers.emplace_back(Bytes{1});
    return out;
  }
  Result<Bytes> block(std::uint64_t height) override {
    if (lies()) return Bytes{1, 2, 3};
    if (lies()) return Bytes{};
    return TruthSource::block(lies() ? height + 1 : height);
  }
  using TruthSource::block;
  Result<StateAnswer> state(const Id& root, const Key& first, const Key& last, std::size_t bytes) override {
    StateAnswer out = TRY(TruthSource::state(root, first, last, bytes));
    auto range = TRY(decode<test::ModelState>(std::span(out.range)));
    if (!range.entries.empty() && lies()) range.entries.pop_back();
    if (!range.entries.empty() && lies()) range.entries.front().value.push_back(1);
    if (lies()) out.covered = last;
    if (lies()) out.covered = Key{};
    out.range = Blob<kMaxStateBytes>(encode(range));
    return out;
  }

 private:
  bool lies() { return ++asked_ * 2'654'435'761 % 97 % one_in_ == 0; }
  std::uint64_t one_in_;
  std::uint64_t asked_ = 0;
};

struct World {
  World() : truth(some_truth()), honest(truth), liar(truth), sink(truth) {
    const auto others = pick<std::uint64_t>(0, 5);
    for (std::uint64_t n = 1; n <= others; ++n) {
      const bool is_liar = pick(0, 3) == 0;
      if (is_liar) liars.insert(peer(n));
      ServerLimits limits;
      if (pick(0, 3) == 0) limits.peer_bytes = {.per_s = 100'000, .stock = 50'000};
      if (pick(0, 3) == 0) limits.max_waiting_per_peer = 1;
      net.add_server(n, is_liar ? static_cast<Source&>(liar) : honest,
                     *rc::gen::element<std::size_t>(1, 30, 1'000, 20'000), limits);
    }
    net.start_client(sink, truth.everything());
  }

  void disturb() {
    if (net.servers.empty()) return;
    auto& [id, server] = *std::next(net.servers.begin(), pick<std::ptrdiff_t>(0, std::ssize(net.servers)));
    switch (pick(0, 6)) {
      case 0:
        net.network.cut(peer(0), id);
        return;
      case 1:
        net.client->client().remove_peer(id, net.network.now());
        return;
      case 2:
        net.client->client().add_peer(id, net.network.now());
        return;
      case 3:
        server.is_silent = !server.is_silent;
        return;
      case 4: {
        net.cut_all();
        const Progress kept = decode<Progress>(encode(net.client->client().progress())).value();
        RC_ASSERT(check_progress(kept).has_value());
        net.start_client(sink, kept);
        return;
      }
      default:
        server.bytes_per_ms = *rc::gen::element<std::size_t>(1, 100, 20'000);
    }
  }

  Truth truth;
  TruthSource honest;
  Liar liar;
  TruthSink sink;
  SyncNet net;
  std::set<PeerId> liars;
};

RC_GTEST_PROP(SyncProp, ComesToItsEndAmongAnyPeers, ()) {
  World world;
  const int disturbances = pick(0, 12);
  for (int n = 0; n < disturbances; ++n) {
    world.net.until([&] { return world.net.client->client().done(); }, pick<std::size_t>(1, 400));
    world.disturb();
  }
  world.net.add_server(100, world.honest);
  RC_ASSERT(world.net.finish(600'000));
  RC_ASSERT(world.sink.has_everything());
  for (const Dropped& one : world.net.dropped) {
    if (one.reason == DropReason::kLied) RC_ASSERT(world.liars.contains(one.peer));
  }
}

}  // namespace
}  // namespace micro::p2p::sync
