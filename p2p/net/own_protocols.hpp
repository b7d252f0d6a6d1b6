// The protocols that every libp2p node answers by itself: ping and identify.
#pragma once

#include "p2p/net/stream.hpp"

namespace micro::p2p {

/// Until the peer ends it or the session does.
Task<void> echo_pings(Stream stream);
/// What the peer says of itself, asked for or pushed, goes to its session; nonsense closes that.
Task<void> learn_from(Stream stream);
Task<void> ask_identify(std::shared_ptr<Session> session);

}  // namespace micro::p2p
