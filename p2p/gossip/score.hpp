// What a peer's behaviour is worth (gossipsub 1.1, "peer scoring"): the sum of what it did in topics, what the
// application thinks of it, how many share its address, and its offences against the protocol. Time is an argument.
#pragma once

#include <memory>
#include <optional>

#include "chain/base/clock.hpp"
#include "p2p/gossip/params.hpp"
#include "p2p/gossip/peer_set.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

class PeerScores {
 public:
  explicit PeerScores(std::shared_ptr<const ScoreParams> params) : params_(std::move(params)) {}

  /// An empty address is not counted with others.
  void connected(const PeerId& peer, std::string address);
  /// A score above zero is forgotten, so that nobody earns credit by coming back; another is kept for `retain_ms`.
  void disconnected(const PeerId& peer, Instant now);
  void grafted(const PeerId& peer, std::string_view topic, Instant now);
  void pruned(const PeerId& peer, std::string_view topic);
  /// It was the first to bring a good message.
  void first_delivery(const PeerId& peer, std::string_view topic);
  /// It brought a message that no honest peer hands on.
  void invalid(const PeerId& peer, std::string_view topic);
  /// So many offences against the protocol.
  void misbehaved(const PeerId& peer, double count);
  /// What the application thinks of it: a bad peer is far below zero.
  void set_application(const PeerId& peer, double score);
  /// To be called often: at most once in `decay_ms` something happens.
  void decay(Instant now);

  /// 0 for a peer that nothing is known of.
  [[nodiscard]] double score(const PeerId& peer, Instant now) const;
  [[nodiscard]] const ScoreParams& params() const { return *params_; }
  [[nodiscard]] std::size_t retained() const { return retained_; }

 private:
  struct Topic {
    std::optional<Instant> grafted;  // since when in the mesh
    double first_deliveries = 0;
    double invalid = 0;
  };
  struct Peer {
    bool connected = false;
    std::uint32_t sharing = 0;  // how many connected peers have its address
    Instant forgotten_at;       // once it left
    std::string address;
    FlatMap<std::string, Topic> topics;
    double application = 0;
    double behaviour = 0;
  };
  [[nodiscard]] const TopicScoreParams& params_of(std::string_view topic) const;
  [[nodiscard]] double score_of(const Peer& peer, Instant now) const;
  Topic* topic_of(const PeerId& peer, std::string_view topic);
  void fade(double& counter, double by) const;
  void count_sharing(std::string_view address);
  void make_room(Instant now);

  std::shared_ptr<const ScoreParams> params_;  // shared by all routers of a process
  PeerMap<Peer> peers_;
  std::size_t retained_ = 0;
  Instant decayed_;
};

}  // namespace micro::p2p
