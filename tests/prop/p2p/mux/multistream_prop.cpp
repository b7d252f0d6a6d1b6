// Two ends agree on the dialer's first proposal that the listener speaks, wherever the bytes are cut.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "p2p/mux/multistream.hpp"

namespace micro::p2p {
namespace {

// One byte at a time or all at once; what is left over goes to `rest`.
Status pass(ByteQueue& from, Multistream& to, ByteQueue& answers, std::size_t piece, Bytes& rest) {
  while (!from.empty()) {
    const ByteView here = from.view().first(std::min(piece, from.size()));
    const std::size_t taken = TRY(to.feed(here, answers));
    RC_ASSERT(taken == here.size() || to.state() != Multistream::State::kRunning);
    rest.insert(rest.end(), here.begin() + static_cast<std::ptrdiff_t>(taken), here.end());
    from.consume(here.size());
  }
  return {};
}

RC_GTEST_PROP(Multistream, AgreesOnTheFirstCommonProposal, ()) {
  const auto names = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8));
  ProtocolSet spoken;
  for (const int name : names) spoken.insert("/p/" + std::to_string(name));
  std::vector<std::string> proposals;
  for (const int n : *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12)))) {
    if (proposals.size() < kMaxProposals) proposals.push_back("/p/" + std::to_string(n));
  }
  const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
  auto dialer = Multistream::dialer(proposals);
  auto listener = Multistream::listener(spoken);
  ByteQueue to_listener;
  ByteQueue to_dialer;
  dialer.start(to_listener);
  const auto expected = std::ranges::find_if(proposals, [&](const auto& name) { return spoken.contains(name); });
  const bool lazy = expected == proposals.begin();
  if (lazy) to_listener.append(as_bytes("data"));  // in the same flight as the proposal
  Bytes rest;
  while (!to_listener.empty() || !to_dialer.empty()) {
    RC_ASSERT(pass(to_listener, listener, to_dialer, piece, rest).has_value());
    RC_ASSERT(pass(to_dialer, dialer, to_listener, piece, rest).has_value());
  }
  if (expected == proposals.end()) {
    RC_ASSERT(dialer.state() == Multistream::State::kRefused);
    return;
  }
  RC_ASSERT(dialer.protocol() == *expected && listener.protocol() == *expected);
  RC_ASSERT(as_text(rest) == (lazy ? "data" : ""));
}

}  // namespace
}  // namespace micro::p2p
