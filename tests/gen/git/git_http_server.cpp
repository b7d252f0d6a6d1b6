#include "tests/gen/git/git_http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "services/host/process/process.hpp"

namespace micro::test {
namespace {

constexpr const char* kBackend = "/usr/lib/git-core/git-http-backend";

struct Request {
  std::string method, path, query;
  std::map<std::string, std::string> headers;
  std::string body;
};

bool send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool receive_more(int fd, std::string& into) {
  char chunk[16'384];
  const ssize_t n = ::recv(fd, chunk, sizeof chunk, 0);
  if (n > 0) into.append(chunk, static_cast<std::size_t>(n));
  return n > 0;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

bool read_chunked(int fd, std::string& rest, std::string& body) {
  while (true) {
    std::size_t end = 0;
    while ((end = rest.find("\r\n")) == std::string::npos) {
      if (!receive_more(fd, rest)) return false;
    }
    const std::size_t size = std::stoul(rest.substr(0, end), nullptr, 16);
    while (rest.size() < end + 2 + size + 2) {
      if (!receive_more(fd, rest)) return false;
    }
    body += rest.substr(end + 2, size);
    rest.erase(0, end + 2 + size + 2);
    if (size == 0) return true;
  }
}

bool read_request(int fd, Request& out) {
  std::string data;
  std::size_t end = 0;
  while ((end = data.find("\r\n\r\n")) == std::string::npos) {
    if (!receive_more(fd, data)) return false;
  }
  std::string head = data.substr(0, end);
  std::string rest = data.substr(end + 4);
  const std::string line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' '), second = line.rfind(' ');
  out.method = line.substr(0, first);
  std::string target = line.substr(first + 1, second - first - 1);
  const auto question = target.find('?');
  out.path = target.substr(0, question);
  if (question != std::string::npos) out.query = target.substr(question + 1);
  for (std::size_t at = line.size() + 2; at < head.size();) {
    const auto stop = std::min(head.find("\r\n", at), head.size());
    const std::string field = head.substr(at, stop - at);
    const auto colon = field.find(": ");
    if (colon != std::string::npos) out.headers[lower(field.substr(0, colon))] = field.substr(colon + 2);
    at = stop + 2;
  }
  if (out.headers["transfer-encoding"] == "chunked") return read_chunked(fd, rest, out.body);
  const std::string length = out.headers["content-length"];
  const std::size_t wanted = length.empty() ? 0 : std::stoul(length);
  while (rest.size() < wanted) {
    if (!receive_more(fd, rest)) return false;
  }
  out.body = rest.substr(0, wanted);
  return true;
}

std::string reply(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

/// Runs git's CGI program and turns its answer into HTTP.
std::string from_backend(const std::string& root, const Request& request) {
  ProcessSpec spec;
  spec.argv = {kBackend};
  spec.environment = {"GIT_PROJECT_ROOT=" + root,
                      "GIT_HTTP_EXPORT_ALL=1",
                      "REQUEST_METHOD=" + request.method,
                      "PATH_INFO=" + request.path,
                      "QUERY_STRING=" + request.query,
                      "PATH=/usr/bin:/bin",
                      "GIT_CONFIG_COUNT=1",
                      "GIT_CONFIG_KEY_0=safe.directory",
                      "GIT_CONFIG_VALUE_0=*",
                      "CONTENT_LENGTH=" + std::to_string(request.body.size()),
                      "REMOTE_ADDR=127.0.0.1"};
  const auto field = [&](const char* header, const char* variable) {
    const auto it = request.headers.find(header);
    if (it != request.headers.end()) spec.environment.push_back(std::string(variable) + "=" + it->second);
  };
  field("content-type", "CONTENT_TYPE");
  field("content-encoding", "HTTP_CONTENT_ENCODING");
  field("git-protocol", "GIT_PROTOCOL");
  spec.input = to_bytes(request.body);
  spec.wall_ms = 60'000;
  spec.max_stdout_bytes = 1ULL << 30;
  const auto done = run_process(spec);
  if (!done) return reply("500 Internal Server Error", "", done.error().message);
  const std::string_view out = as_text(done->stdout_bytes);
  const auto end = out.find("\r\n\r\n");
  if (end == std::string_view::npos) return reply("500 Internal Server Error", "", "no headers");
  std::string headers(out.substr(0, end + 2));
  std::string status = "200 OK";
  if (const auto at = headers.find("Status: "); at != std::string::npos) {
    const auto stop = headers.find("\r\n", at);
    status = headers.substr(at + 8, stop - at - 8);
    headers.erase(at, stop + 2 - at);
  }
  return reply(status, headers, std::string(out.substr(end + 4)));
}

}  // namespace

bool GitHttpServer::available() {
  return std::filesystem::exists(kBackend);
}

GitHttpServer::GitHttpServer(std::string root) : root_(std::move(root)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { loop(); });
}

GitHttpServer::~GitHttpServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void GitHttpServer::loop() {
  while (!stopping_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    serve(client);
    ::close(client);
  }
}

void GitHttpServer::serve(int client) {
  Request request;
  if (!read_request(client, request)) return;
  ++requests_;
  if (request.path.starts_with("/private/")) {
    send_all(client, reply("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""));
  } else if (request.path.starts_with("/renamed/") || request.path.starts_with("/moved/")) {
    std::string target = url(request.path.substr(request.path.find('/', 1) + 1)) + "?" + request.query;
    if (request.path.starts_with("/moved/")) target.replace(target.find("127.0.0.1"), 9, "localhost");
    send_all(client, reply("301 Moved Permanently", "Location: " + target + "\r\n", ""));
  } else if (request.path.starts_with("/silent/")) {
    std::string ignored;
    pollfd gone{.fd = client, .events = POLLIN, .revents = 0};
    while (!stopping_ && ::poll(&gone, 1, 50) == 0) {
    }
  } else if (request.path.starts_with("/flood/")) {
    send_all(client,
             "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n"
             "001e# service=git-upload-pack\n0000");
    const std::string line = "003e0123456789012345678901234567890123456789 refs/heads/flood\n";
    while (!stopping_ && send_all(client, line)) {
    }
  } else {
    send_all(client, from_backend(root_, request));
  }
}

}  // namespace micro::test
