// A real git server on loopback: git's own http-backend behind the smallest HTTP that carries it, plus answers a
// hostile server could give.
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace micro::test {

class GitHttpServer {
 public:
  /// Serves the repositories below `root` at http://127.0.0.1:port/name.git. Special first path parts:
  /// /private/… answers 401, /renamed/… redirects to the same path without it, /moved/… to that path on another host
  /// name, /silent/… never answers, /flood/… never ends.
  explicit GitHttpServer(std::string root);
  GitHttpServer(const GitHttpServer&) = delete;
  GitHttpServer& operator=(const GitHttpServer&) = delete;
  ~GitHttpServer();

  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + path;
  }
  [[nodiscard]] int requests() const { return requests_; }
  /// False where git's http-backend is not installed.
  static bool available();

 private:
  void loop();
  void serve(int client);

  std::string root_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace micro::test
