// A gossip router with somebody at its door who writes down what is said there of IDONTWANT: who told whom, and whether
// what was not wanted was sent all the same.
#pragma once

#include "p2p/gossip/router.hpp"
#include "p2p/gossip/rpc.hpp"

namespace micro::p2p::interop {

class GossipWatch final : public FrameProtocol {
 public:
  GossipWatch(GossipRouter& core, MessageIdOf id_of) : core_(core), id_of_(std::move(id_of)) {}

  /// " PEER,PROTOCOL,HEARD,TOLD,SENT" of each peer that is there: ids in IDONTWANT of its and of ours, and messages
  /// that were sent to it though it did not want them.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [peer, line] : lines_) {
      out += " " + peer.text() + "," + line.protocol + "," + std::to_string(line.heard) + "," +
             std::to_string(line.told) + "," + std::to_string(line.sent);
    }
    return out;
  }

  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override {
    std::string protocol = facts.protocol;
    TRY(core_.connected(peer, std::move(facts), now));
    lines_[peer].protocol = std::move(protocol);
    return {};
  }
  void disconnected(const PeerId& peer, Instant now) override {
    lines_.erase(peer);
    core_.disconnected(peer, now);
  }
  Status on_frame(const PeerId& from, ByteView frame, Instant now) override {
    if (const auto rpc = decode_rpc(frame)) {
      Line& line = lines_[from];
      line.heard += rpc->dont_wants.size();
      for (const ByteView id : rpc->dont_wants) line.unwanted[to_bytes(id)] = now.plus_ms(kObeyedMs);
    }
    return core_.on_frame(from, frame, now);
  }
  Bytes next_frame(const PeerId& to, Instant now) override {
    Bytes frame = core_.next_frame(to, now);
    const auto rpc = decode_rpc(frame);
    if (!rpc) return frame;
    Line& line = lines_[to];
    line.told += rpc->dont_wants.size();
    for (const MessageView& message : rpc->messages) {
      const auto id = id_of_(message);
      const auto unwanted = id ? line.unwanted.find(to_bytes(id->view())) : line.unwanted.end();
      if (unwanted != line.unwanted.end() && now < unwanted->second) ++line.sent;
    }
    return frame;
  }
  std::vector<PeerId> take_ready() override { return core_.take_ready(); }
  [[nodiscard]] Instant next_deadline() const override { return core_.next_deadline(); }
  void expire(Instant now) override { core_.expire(now); }

 private:
  // The router holds one for three heartbeats, which can follow each other within little more than a second.
  static constexpr std::uint64_t kObeyedMs = 1'000;
  struct Line {
    std::string protocol;
    std::size_t heard = 0;
    std::size_t told = 0;
    std::size_t sent = 0;
    std::map<Bytes, Instant> unwanted;
  };
  GossipRouter& core_;
  MessageIdOf id_of_;
  std::map<PeerId, Line> lines_;
};

}  // namespace micro::p2p::interop
