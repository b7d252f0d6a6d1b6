// A blocking connection to the node of this machine.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "genesis/json/strict_json.hpp"
#include "rpc/http/message.hpp"

namespace micro {

inline constexpr std::uint64_t kClientConnectMs = 2'000;
inline constexpr std::uint64_t kClientAnswerMs = 60'000;
inline constexpr std::size_t kMaxClientReplyBytes = 64u << 20;
inline constexpr std::size_t kMaxClientLineBytes = 1u << 20;

/// What a broken connection means once the request was sent.
enum class CallEffect : std::uint8_t {
  kRead,    ///< nothing happened: kUnreachable
  kChange,  ///< it may have happened: kUnknownOutcome
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  HttpHeaders headers;
  std::string body;
  CallEffect effect = CallEffect::kRead;
  std::uint64_t timeout_ms = kClientAnswerMs;
};

struct ClientReply {
  unsigned status = 0;
  HttpHeaders headers;  ///< names in lower case
  std::string body;
};

class NodeClient {
 public:
  explicit NodeClient(std::filesystem::path socket);
  NodeClient(NodeClient&&) noexcept;
  NodeClient& operator=(NodeClient&&) noexcept;
  ~NodeClient();

  /// The result of a JSON-RPC method, or the node's own error.
  Result<Json> call(std::string_view method, Json params = Json::object(), CallEffect effect = CallEffect::kRead,
                    std::uint64_t timeout_ms = kClientAnswerMs);
  Result<ClientReply> request(const ClientRequest& request);
  /// Lines of a stream, until it ends, `on_line` returns false, or nobody writes for `idle_ms`. A reply other than 200
  /// is an error with its body's first line.
  Status follow(const std::string& target, const std::function<bool(std::string_view line)>& on_line,
                std::uint64_t idle_ms);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace micro
