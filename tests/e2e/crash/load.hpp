// People who send each other tokens all the time, whatever happens to their node, and remember what they were told.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "rpc/client/node_client.hpp"
#include "tests/e2e/crash/auditor.hpp"
#include "wallet/tx/tx_builder.hpp"

namespace micro::crash {

/// Account of the words that the test's wallet has.
struct Person {
  SecretKey key;
  Address address;
};
Person person(std::uint32_t index);

/// What everyone who asks for it is told of the chain; `address` in the network's own writing.
Result<ChainView> chain_view(NodeClient& client, const Address& address);

Result<Height> tip_of(NodeClient& client);

class Load {
 public:
  /// `people` besides the owner, whose tokens they get at first.
  Load(std::filesystem::path socket, Auditor& auditor, std::uint32_t people)
      : socket_(std::move(socket)), auditor_(auditor), people_(people) {}
  ~Load() { stop(); }

  /// The node is up: the owner pays everyone.
  Status fund();
  void start();
  void stop();
  /// What a node that came up again is asked by: nobody asks while it is down.
  void node_is_up();
  void node_is_down();
  /// Shows one block to the auditor.
  Result<Block> look_at(NodeClient& client, Height height);

  /// Transactions that were answered as final, with their heights.
  [[nodiscard]] std::map<TxId, Height> told() const;
  [[nodiscard]] Height newest_told() const;
  [[nodiscard]] std::size_t unknown() const;
  /// Waits until `more` were answered as final after this call.
  bool wait_told(std::size_t more);
  /// Those that were told since the last call: kMismatch when one is not there. A node that dies meanwhile is asked
  /// later.
  Status check_told(NodeClient& client);

 private:
  void send_on(std::uint32_t index);
  bool wait_up(std::uint64_t& life);
  bool send_one(NodeClient& client, const Person& from, ChainView& view, std::uint64_t number);
  void watch_on();
  Status watch(NodeClient& client);

  std::filesystem::path socket_;
  Auditor& auditor_;
  std::uint32_t people_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool up_ = false;
  std::uint64_t life_ = 0;
  std::map<TxId, Height> told_;
  std::deque<std::pair<TxId, Height>> unchecked_;
  std::size_t unknown_ = 0;
  Height newest_told_;
  Height watched_;  ///< of the thread that watches
  std::vector<std::thread> threads_;
};

}  // namespace micro::crash
