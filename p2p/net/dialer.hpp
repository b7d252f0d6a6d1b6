// Names to addresses, and addresses to a connected socket: the shell of p2p/peers/dial_race.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "p2p/aio/task.hpp"
#include "p2p/peers/dial_race.hpp"

namespace micro::p2p {

struct Dialed {
  boost::asio::ip::tcp::socket socket;
  std::size_t address = 0;  ///< which of them
};

/// An address with an IP as it is; a name's addresses, at most kMaxRaced. kInvalid for one that is no TCP address,
/// kNotFound where nobody knows the name.
Task<Result<std::vector<Multiaddr>>> resolve(boost::asio::io_context* io, Multiaddr address);

/// Connects to the first of these, each with an IP, that answers; the others are given up. kUnreachable. `io` and
/// `clock` outlive it; cancelling it leaves nothing.
Task<Result<Dialed>> connect_first(boost::asio::io_context* io, const Clock* clock, std::vector<Multiaddr> addresses);

}  // namespace micro::p2p
