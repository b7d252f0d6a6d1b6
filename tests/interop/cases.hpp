// What every node of these tests does for others, and what it tries with them. The helpers in other languages do the
// same; README.md describes the protocols.
#pragma once

#include "p2p/net/host.hpp"

namespace micro::p2p::interop {

/// State that the handlers share.
struct Responder {
  explicit Responder(const boost::asio::any_io_executor& executor) : changed(executor) {}
  Signal changed;
  unsigned resets_seen = 0;
  bool gate_open = false;
};

void serve(Host& host, Responder& responder);

struct Case {
  const char* name;
  Task<Status> (*run)(Host& host, std::shared_ptr<Session> session);
};
std::span<const Case> cases();

}  // namespace micro::p2p::interop
