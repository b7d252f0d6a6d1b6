// Replies as bytes. What handlers (and, through them, services) put into a reply never breaks its framing.
#pragma once

#include <string>

#include "rpc/http/message.hpp"

namespace micro {

enum class ReplyFraming : std::uint8_t {
  kLength,   ///< Content-Length
  kChunked,  ///< until the last chunk
  kClose,    ///< until the connection closes: HTTP/1.0 knows no chunks
};

/// Whether a reply with this status has bytes after its head (RFC 9110 §6.4.1).
bool status_has_body(unsigned status);

/// Appends status line and headers. Framing and Connection are written here: such headers of the reply are left out,
/// like header lines that are not valid. A status outside 200…599 becomes 500.
void append_reply_head(std::string& out, const HttpReply& reply, ReplyFraming framing, bool keep_alive, bool http_1_0);

/// `bytes` is not empty: an empty chunk ends the reply.
void append_chunk(std::string& out, std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace micro
