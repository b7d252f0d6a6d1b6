// A plain HTTP client on a kept-alive connection, as any program on this machine would use.
#pragma once

#include <memory>

#include "rpc/http/message.hpp"
#include "chain/base/result.hpp"

namespace micro {

class LoopbackHttp {
 public:
  /// "http://127.0.0.1:8080"
  static Result<LoopbackHttp> connect(const std::string& url);
  LoopbackHttp(LoopbackHttp&&) noexcept;
  ~LoopbackHttp();
  Result<HttpReply> send(const std::string& method, const std::string& target, const HttpHeaders& headers,
                         const std::string& body);

 private:
  struct Impl;
  explicit LoopbackHttp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace micro
