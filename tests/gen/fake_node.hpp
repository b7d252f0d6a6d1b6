// A node that answers what a test tells it to, over a real Unix socket, on a thread of its own.
#pragma once

#include <boost/asio.hpp>
#include <thread>

#include "rpc/api/methods.hpp"
#include "rpc/http/server.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::test {

class FakeNode {
 public:
  FakeNode()
      : server_(io_, [this](HttpRequest&& request, HttpResponder responder) {
          if (request.path() == "/rpc") return methods.handle(request, std::move(responder));
          if (http) return http(std::move(request), std::move(responder));
          std::move(responder).send({404, "text/plain", {}, "nothing here\n"});
        }) {}
  ~FakeNode() {
    boost::asio::post(io_, [this] { server_.stop(); });
    if (thread_.joinable()) thread_.join();
  }

  /// Nothing is added to `methods` or `http` after this.
  void start() {
    if (!server_.listen_unix(socket())) std::abort();
    thread_ = std::thread([this] { io_.run(); });
  }
  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "rpc.sock"; }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }

  RpcMethods methods;
  HttpHandler http;
  /// A method that never answers.
  void ignore(const std::string& method) {
    methods.add_slow(method, [this](RpcParams&, RpcDone done) { ignored_.push_back(std::move(done)); });
  }

 private:
  TempFolder folder_;
  boost::asio::io_context io_;
  HttpServer server_;
  std::thread thread_;
  std::vector<RpcDone> ignored_;  ///< after io_, which an answer refers to
};

}  // namespace micro::test
