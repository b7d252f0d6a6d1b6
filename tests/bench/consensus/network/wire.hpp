// The way to one member: bytes arrive in the order in which they were sent, each a fixed time later, and are decoded
// by a thread of their receiver, as a network's would.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "chain/crypto/ed25519.hpp"
#include "consensus/core/messages.hpp"

namespace micro::bench {

class Wire {
 public:
  using Arrived = std::function<void(const Ed25519Key& from, simplex::Message message, std::size_t bytes)>;
  Wire(std::uint64_t delay_us, Arrived arrived);
  ~Wire();
  void send(const Ed25519Key& from, std::shared_ptr<const Bytes> bytes);

 private:
  struct Item {
    std::uint64_t due_ns;
    Ed25519Key from;
    std::shared_ptr<const Bytes> bytes;
  };
  void run();

  std::uint64_t delay_ns_;
  Arrived arrived_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> items_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace micro::bench
