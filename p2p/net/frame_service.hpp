// A protocol of frames (FrameProtocol) over real streams: a stream of ours to each peer that speaks it, one of theirs
// to us, each frame behind its length as a varint. What comes is queued and handled in turns, peer by peer, so that a
// flood on one stream holds up neither the others nor the connection; a peer whose queue is full is not read from.
#pragma once

#include <functional>

#include "p2p/gossip/frame_protocol.hpp"
#include "p2p/net/host.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxInboxFrames = 64;                ///< of a peer
inline constexpr std::size_t kMaxInboxBytes = 2 * 1'024 * 1'024;  ///< of a peer; one frame is always taken
inline constexpr std::size_t kMaxInboxesBytes = 64 << 20;         ///< of all; a peer with nothing queued is still read
inline constexpr std::size_t kMaxPartialBytes = 32 << 20;  ///< of frames that are not whole, of all: see kFrameMs
inline constexpr std::uint64_t kFrameMs = 30'000;          ///< for a frame to become whole, else its stream ends
inline constexpr std::size_t kFramesATurn = 64;            ///< then the loop does other things first
inline constexpr std::uint64_t kTurnNs = 2'000'000;        ///< and after so long
inline constexpr std::uint64_t kLineRetryMs = 5'000;       ///< until a line that broke is made again

struct FrameServiceConfig {
  std::vector<std::string> protocols;  ///< the best first
  std::size_t max_frame_bytes = 1 << 20;
};

class FrameService {
 public:
  /// All of these outlive it. Registers the protocols with the host. `changed` is called after frames were handled or
  /// time went by in the core, never from within a call to it.
  FrameService(boost::asio::io_context& io, Host& host, const Clock& clock, FrameProtocol& core,
               FrameServiceConfig config, std::function<void()> changed);
  ~FrameService();
  FrameService(const FrameService&) = delete;
  FrameService& operator=(const FrameService&) = delete;

  /// To be called after something was told to the core: what it has to say is written.
  void poke();
  /// Peers with a line.
  [[nodiscard]] std::size_t lines() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace micro::p2p
