// The numbers of gossip. Those of the mesh and of the score may be set; those that bound memory and work are constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace micro::p2p {

inline constexpr std::string_view kMeshsub11 = "/meshsub/1.1.0";
inline constexpr std::string_view kMeshsub12 = "/meshsub/1.2.0";

// --- what one frame may hold; a frame over a limit is refused whole ---
inline constexpr std::size_t kMaxRpcBytes = 1 << 20;
inline constexpr std::size_t kMaxGossipDataBytes = kMaxRpcBytes - 1'024;
inline constexpr std::size_t kMaxTopicBytes = 128;
inline constexpr std::size_t kMaxMessageIdBytes = 52;  ///< a peer id and a sequence number, the longest in use
inline constexpr std::size_t kMaxRpcSubscriptions = 512;
inline constexpr std::size_t kMaxRpcMessages = 1'024;
inline constexpr std::size_t kMaxRpcIds = 16'384;    ///< of IHAVE, IWANT and IDONTWANT together
inline constexpr std::size_t kMaxRpcControls = 512;  ///< IHAVE, GRAFT and PRUNE each
inline constexpr std::size_t kMaxPrunePeers = 64;    ///< peers of one PRUNE; stock peers send 16
inline constexpr std::size_t kMaxPxRecordBytes = 8 * 1'024;

// --- what a router holds ---
inline constexpr std::size_t kMaxGossipPeers = 1'024;
inline constexpr std::size_t kMaxJoinedTopics = 64;
inline constexpr std::size_t kMaxTopics = 4'096;          ///< that anybody subscribes to; further ones are not noted
inline constexpr std::size_t kMaxPeerTopics = 128;        ///< subscriptions of one peer; further ones are not noted
inline constexpr std::size_t kMaxMeshBackoffs = 2'048;    ///< of a topic; the next to end makes room
inline constexpr std::size_t kMaxSeenMessages = 65'536;   ///< the oldest make room
inline constexpr std::size_t kMaxCachedMessages = 4'096;  ///< to answer IWANT; the oldest make room
inline constexpr std::size_t kMaxCachedBytes = 32 << 20;
inline constexpr std::size_t kMaxPendingMessages = 2'048;  ///< at the application; what comes on top is passed over
inline constexpr std::size_t kMaxPendingBytes = 16 << 20;
inline constexpr std::size_t kMaxPendingPerPeer = 256;  ///< that nobody else brought first
inline constexpr std::size_t kMaxPendingBytesPerPeer = 4 << 20;
inline constexpr std::size_t kMaxSendersNoted = 32;       ///< of one message at the application
inline constexpr std::size_t kMaxPromises = 8'192;        ///< further ones are not waited for
inline constexpr std::size_t kMaxRetainedScores = 4'096;  ///< of peers that left; the best make room
inline constexpr std::size_t kMaxDontWants = 1'024;       ///< ids of one peer; further ones are passed over
inline constexpr std::size_t kMaxSuggestions = 64;        ///< peers to dial; further ones are passed over
inline constexpr std::uint64_t kMaxBackoffS = 3'600;      ///< what a PRUNE may ask for

// --- what waits for one peer, see outbox.hpp ---
inline constexpr std::size_t kMaxQueuedUrgent = 1'024;
inline constexpr std::size_t kMaxQueuedUrgentBytes = 1 << 20;
inline constexpr std::size_t kMaxQueuedForwards = 1'024;
inline constexpr std::size_t kMaxQueuedForwardBytes = 2 << 20;
inline constexpr std::size_t kMaxQueuedAnswers = 512;
inline constexpr std::size_t kMaxQueuedAnswerBytes = 1 << 20;
inline constexpr std::size_t kMaxQueuedIds = 5'000;         ///< IWANT; and as many IDONTWANT
inline constexpr std::size_t kFrameFillBytes = 64 * 1'024;  ///< a frame takes on no more once it is this long
inline constexpr unsigned kPatience = 8;                    ///< urgent messages before one of the others

// --- budgets of a peer from heartbeat to heartbeat; what is over is passed over ---
inline constexpr std::size_t kMaxIhaveMessages = 10;
inline constexpr std::size_t kMaxIhaveIds = 5'000;  ///< asked of it, and told to it in one IHAVE
inline constexpr std::size_t kMaxIwantIds = 5'000;
inline constexpr std::size_t kMaxIwantBytes = 4 << 20;
inline constexpr std::size_t kMaxDontWantMessages = 1'000;  ///< IDONTWANT

struct MeshParams {
  std::size_t degree = 8;
  std::size_t degree_low = 6;
  std::size_t degree_high = 12;
  std::size_t degree_score = 5;     ///< the best that stay when too many are there
  std::size_t degree_outbound = 3;  ///< of peers that we dialed; below degree_low and at most half of degree
  std::size_t degree_lazy = 6;      ///< peers told what we have, at least
  std::size_t lazy_percent = 25;    ///< of those outside the mesh
  std::uint64_t heartbeat_ms = 1'000;
  std::size_t history = 6;         ///< heartbeats that messages are kept
  std::size_t history_gossip = 3;  ///< and told of
  std::uint64_t seen_ms = 120'000;
  std::uint64_t fanout_ms = 60'000;
  std::uint64_t prune_backoff_ms = 60'000;
  std::uint64_t leave_backoff_ms = 10'000;
  std::uint64_t graft_flood_ms = 10'000;  ///< a GRAFT this soon after its PRUNE counts double
  std::uint64_t backoff_slack_heartbeats = 1;
  std::uint64_t opportunistic_heartbeats = 60;
  std::size_t opportunistic_peers = 2;
  std::uint64_t promise_ms = 3'000;
  std::size_t retransmissions = 3;  ///< of a message to one peer that asks again
  std::size_t exchanged_peers = 16;
  std::size_t dont_want_bytes = 1'024;     ///< from this size on IDONTWANT is sent
  std::uint64_t dont_want_heartbeats = 3;  ///< that one holds
  std::uint64_t validation_ms = 30'000;    ///< for the application; later it counts as Ignore
  bool flood_publish = true;
};

/// The weight over which a counter falls to a hundredth in so many seconds, for each second.
double decay_over_s(double seconds);

struct TopicScoreParams {
  double weight = 0.1;
  double mesh_second_weight = 1.0 / 3'600;  ///< P1
  double mesh_seconds_cap = 3'600;
  double first_delivery_weight = 5;  ///< P2
  double first_delivery_cap = 100;
  double first_delivery_decay = decay_over_s(3'600);
  double invalid_weight = -1'000;  ///< P4, of the square
  double invalid_decay = decay_over_s(3'600);
};

/// P3 and P3b (a floor of deliveries in a mesh) are left out: quiet topics would punish honest peers.
struct ScoreParams {
  double gossip_threshold = -500;        ///< below: neither told of messages nor listened to
  double publish_threshold = -1'000;     ///< below: own messages are not flooded to it
  double graylist_threshold = -2'500;    ///< below: nothing it says is read
  double exchange_threshold = 1'000;     ///< at least: its suggestions of peers are taken
  double opportunistic_threshold = 3.5;  ///< a mesh with a lower median takes in better peers
  TopicScoreParams topic = {};           ///< of topics not named
  std::map<std::string, TopicScoreParams, std::less<>> topics = {};
  double application_weight = 1;  ///< P5
  std::size_t address_threshold = 5;
  double address_weight = -100;  ///< P6, of the square of what is over
  double behaviour_threshold = 6;
  double behaviour_weight = -10;  ///< P7, of the square of what is over
  double behaviour_decay = decay_over_s(3'600);
  double decay_to_zero = 0.01;
  std::uint64_t decay_ms = 1'000;
  std::uint64_t retain_ms = 6 * 3'600'000;  ///< a score that is not good outlives its connection
};

}  // namespace micro::p2p
