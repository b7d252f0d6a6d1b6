// Requests out of the bytes of one connection. No sockets and no time here: bytes in, requests out.
//
// Beast parses. What two programs could read differently is refused, so that nothing in front of the node and the node
// itself ever disagree on where a request ends or what it asks for (RFC 9112 §11.2).
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <variant>

#include "rpc/http/message.hpp"

namespace micro {

inline constexpr std::size_t kHttpReadBytes = 16 * 1'024;          ///< asked of the socket at once
inline constexpr std::size_t kMaxHttpPipelinedBytes = 32 * 1'024;  ///< read ahead while a request is being answered
inline constexpr std::size_t kMaxHttpChunkLineBytes = 1'024;       ///< a chunk's size line, or all trailers together

/// One whole request.
struct ReceivedRequest {
  HttpRequest request;
  bool keep_alive = true;  ///< the client wants another request on this connection
  bool http_1_0 = false;   ///< knows no chunks
};

/// Bytes are missing.
struct NeedMore {};
/// The client waits for "100 Continue" before it sends the body. Said once a request, then reading goes on.
struct SendContinue {};
/// The answer to what cannot be accepted. The connection is of no use afterwards.
struct Refused {
  HttpReply reply;
};
using ReadStep = std::variant<NeedMore, SendContinue, ReceivedRequest, Refused>;

class RequestReader {
 public:
  RequestReader(HttpListener listener, uid_t peer_uid);
  ~RequestReader();

  /// Where the next bytes go; `commit` says how many came. At most `kMaxHttpPipelinedBytes` may be waiting before.
  boost::asio::mutable_buffer prepare() { return buffer_.prepare(kHttpReadBytes); }
  void commit(std::size_t bytes);
  /// Bytes that no request has taken yet.
  [[nodiscard]] std::size_t waiting() const { return buffer_.size(); }
  /// Nothing of the next request has come.
  [[nodiscard]] bool between_requests() const { return !started_ && buffer_.size() == 0; }
  void discard() { buffer_.clear(); }

  /// What the bytes so far amount to. After a request the next call goes on with the bytes behind it.
  ReadStep next();

 private:
  class Parser;
  enum class Head : std::uint8_t { kPartial, kWhole, kBad };
  Head scan_head();
  std::optional<ReadStep> read_head();
  ReadStep read_body();
  ReadStep finish();
  [[nodiscard]] Refused refusal(const boost::system::error_code& error) const;

  HttpListener listener_;
  uid_t peer_uid_;
  boost::beast::flat_buffer buffer_;
  std::unique_ptr<Parser> parser_;  // from the first byte of a body-bearing head until the request is whole
  std::size_t scanned_ = 0;         // of the head, no line ending left behind
  std::size_t head_bytes_ = 0;
  const char* why_ = "";
  bool started_ = false;
  bool skipped_empty_line_ = false;
  bool continue_said_ = false;
};

/// A message of the server itself.
HttpReply plain_reply(unsigned status, std::string text);

}  // namespace micro
