// The shell of p2p/sync: its calls over streams of their own, its timers, and what becomes of peers that lie. Requests
// are answered one a turn of the loop, so that nobody else waits for them.
#pragma once

#include "p2p/net/call_transport.hpp"
#include "p2p/sync/client.hpp"
#include "p2p/sync/server.hpp"

namespace micro::p2p {

inline constexpr std::string_view kSyncProtocol = "/micro/sync/1.0.0";
inline constexpr std::uint64_t kLookAtSessionsMs = 250;  ///< whom to ask: who is connected and speaks the protocol
inline constexpr std::uint64_t kShunMs = 600'000;        ///< a peer that was too slow, or has nothing
inline constexpr std::size_t kMaxShunned = 1'024;

struct SyncServiceConfig {
  std::string protocol = std::string(kSyncProtocol);  ///< a network puts its id into it
  sync::ServerLimits limits = {};
  std::function<void(const sync::Dropped&)> on_dropped = {};  ///< for logs and scores
};

class SyncService {
 public:
  /// All of these outlive it. A peer that lies is banned and cut off.
  SyncService(boost::asio::io_context& io, Host& host, const Clock& clock, sync::Source& source, sync::Sink& sink,
              SyncServiceConfig config = {});
  ~SyncService();
  SyncService(const SyncService&) = delete;
  SyncService& operator=(const SyncService&) = delete;

  Status start(const sync::Progress& progress);
  Status want_header(const sync::Id& id);
  Status want_block(const sync::Id& id);
  /// Progress, failure, unknown ids, views.
  sync::SyncClient& client();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace micro::p2p
