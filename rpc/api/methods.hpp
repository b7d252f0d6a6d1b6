// JSON-RPC 2.0 (strict) over POST /rpc. README.md lists the methods; the daemon adds them.
#pragma once

#include <functional>
#include <map>

#include "genesis/json/strict_json.hpp"
#include "rpc/http/message.hpp"

namespace micro {

inline constexpr std::size_t kMaxRpcBatch = 50;

/// Exit code of the command line for a fault, and the `exit` of an error's data.
int exit_code(Fault fault);
std::string_view fault_name(Fault fault);
/// The fault that a node named; kInternal for a name that is none.
Fault fault_of_name(std::string_view name);
/// The fault that an exit code stands for, for clients.
Fault fault_of_exit(int exit);

/// {"code", "message", "data": {name, hint, exit}}
Json error_json(const Error& error);
/// A client's way back.
Error error_from_json(const Json& error);

/// Named parameters of one call. Unknown ones are an error, found when `finish` is called.
class RpcParams {
 public:
  explicit RpcParams(const Json& params) : params_(params) {}

  Result<std::string> text(const char* name);
  std::optional<std::string> optional_text(const char* name);
  /// Accepts a number or decimal text.
  Result<std::uint64_t> u64(const char* name);
  std::uint64_t u64_or(const char* name, std::uint64_t fallback);
  std::vector<std::string> texts(const char* name);
  /// kInvalid names what the method does not know, and an optional parameter of the wrong type.
  Status finish() const;

 private:
  const Json* find(const char* name);
  void wrong(const char* name, const char* wanted);
  const Json& params_;
  std::vector<std::string> known_;
  std::optional<Error> wrong_;
};

using RpcDone = std::function<void(Result<Json>)>;
using RpcMethod = std::function<Result<Json>(RpcParams&)>;
/// For methods that wait: `done` is called once, on the thread of the HTTP server.
using RpcSlowMethod = std::function<void(RpcParams&, RpcDone done)>;

class RpcMethods {
 public:
  void add(std::string name, RpcMethod method);
  void add_slow(std::string name, RpcSlowMethod method);
  /// One request or a batch.
  void handle(const HttpRequest& request, HttpResponder responder) const;

 private:
  void call(const Json& request, std::function<void(std::optional<Json>)> done) const;
  std::map<std::string, RpcSlowMethod> methods_;
};

}  // namespace micro
