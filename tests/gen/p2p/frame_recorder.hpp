// Protocols of frames without rules of their own: frames wait for each peer in order, until it asks.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "p2p/gossip/frame_protocol.hpp"

namespace micro::p2p::test {

class FrameQueues : public FrameProtocol {
 public:
  Status connected(const PeerId& peer, PeerFacts facts, Instant /*now*/) override {
    peers[peer] = std::move(facts);
    return {};
  }
  void disconnected(const PeerId& peer, Instant /*now*/) override {
    peers.erase(peer);
    queued.erase(peer);
  }
  Bytes next_frame(const PeerId& to, Instant /*now*/) override {
    auto& waiting = queued[to];
    if (waiting.empty()) return {};
    Bytes out = std::move(waiting.front());
    waiting.pop_front();
    return out;
  }
  std::vector<PeerId> take_ready() override {
    std::vector<PeerId> out;
    for (const auto& [peer, waiting] : queued) {
      if (!waiting.empty()) out.push_back(peer);
    }
    return out;
  }
  [[nodiscard]] Instant next_deadline() const override {
    return {~std::uint64_t{0}};  // never
  }
  void expire(Instant /*now*/) override {}

  std::map<PeerId, PeerFacts> peers;
  std::map<PeerId, std::deque<Bytes>> queued;
};

/// Keeps what it gets.
class FrameRecorder final : public FrameQueues {
 public:
  Status on_frame(const PeerId& from, ByteView frame, Instant /*now*/) override {
    if (as_text(frame) == "bad") return fail(Fault::kInvalid, "no honest peer sends this");
    got.emplace_back(from, to_bytes(frame));
    return {};
  }

  bool take_news_of(const PeerId& peer) override { return news.erase(peer) > 0; }
  [[nodiscard]] std::optional<double> opinion_of(const PeerId& /*peer*/, Instant /*now*/) const override {
    return opinion;
  }

  std::vector<std::pair<PeerId, Bytes>> got;
  std::set<PeerId> news;
  std::optional<double> opinion;
};

}  // namespace micro::p2p::test
