// Messages behind their lengths (an unsigned varint) on a stream, as libp2p's protocols have them.
#pragma once

#include "p2p/net/stream.hpp"

namespace micro::p2p {

/// kInvalid where the stream ends within one, kLimit over `max_bytes`; nothing at the end between two.
Task<Result<std::optional<Bytes>>> read_message(Stream& stream, std::size_t max_bytes);
Task<Status> write_message(Stream& stream, Bytes message);

}  // namespace micro::p2p
