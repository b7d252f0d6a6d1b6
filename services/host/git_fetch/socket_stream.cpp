#include "services/host/git_fetch/socket_stream.hpp"

#include <git2.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "services/host/git_fetch/handle.hpp"

namespace micro::git {
namespace {

constexpr timeval kSilence{.tv_sec = 60, .tv_usec = 0};  ///< a connection on which nothing moves for so long is dropped

/// libgit2 hands its constructor of streams no context, so there is one a process.
struct Judge {
  std::string host;
  AddressRule rule = AddressRule::kPublicOnly;
  std::string refused;
};
Judge& judge() {
  static Judge instance;
  return instance;
}

struct SocketStream {
  git_stream base;  // first: libgit2 sees only this
  std::string host;
  std::string port;
  int fd = -1;
};
SocketStream& self(git_stream* stream) {
  return *reinterpret_cast<SocketStream*>(stream);
}

int net_error(const std::string& what) {
  git_error_set_str(GIT_ERROR_NET, what.c_str());
  return -1;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

int dial(const addrinfo& at) {
  const int fd = ::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC, at.ai_protocol);
  if (fd < 0) return -1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kSilence, sizeof kSilence);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kSilence, sizeof kSilence);  // of connect() too
  if (::connect(fd, at.ai_addr, at.ai_addrlen) == 0) return fd;
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

int on_connect(git_stream* stream) {
  SocketStream& s = self(stream);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = ::getaddrinfo(s.host.c_str(), s.port.c_str(), &hints, &found); rc != 0) {
    return net_error("cannot find " + s.host + ": " + ::gai_strerror(rc));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  const AddressRule rule = s.host == judge().host ? judge().rule : AddressRule::kAny;
  std::string refused;
  std::string why = "it has no address";
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (!is_allowed(rule, *at->ai_addr)) {
      refused = address_text(*at->ai_addr);
      continue;
    }
    s.fd = dial(*at);
    if (s.fd >= 0) return 0;
    why = std::strerror(errno);
    refused.clear();
  }
  judge().refused = refused;
  return net_error("cannot connect to " + s.host + ": " + (refused.empty() ? why : refused + " is not allowed"));
}

ssize_t on_read(git_stream* stream, void* to, std::size_t size) {
  while (true) {
    const ssize_t n = ::recv(self(stream).fd, to, size, 0);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    return net_error(errno == EAGAIN ? "the server is silent" : std::string("cannot read: ") + std::strerror(errno));
  }
}

ssize_t on_write(git_stream* stream, const char* from, std::size_t size, int) {
  while (true) {
    const ssize_t n = ::send(self(stream).fd, from, size, MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    return net_error(errno == EAGAIN ? "the server is silent" : std::string("cannot write: ") + std::strerror(errno));
  }
}

int on_close(git_stream* stream) {
  SocketStream& s = self(stream);
  if (s.fd >= 0) ::close(s.fd);
  s.fd = -1;
  return 0;
}

void on_free(git_stream* stream) {
  on_close(stream);
  delete &self(stream);  // NOLINT: libgit2 owns it since on_init
}

int on_init(git_stream** out, const char* host, const char* port) {
  auto made = std::make_unique<SocketStream>();
  made->base = {};
  made->base.version = GIT_STREAM_VERSION;
  made->base.connect = on_connect;
  made->base.read = on_read;
  made->base.write = on_write;
  made->base.close = on_close;
  made->base.free = on_free;
  made->host = host;
  made->port = port;
  *out = &made.release()->base;
  return 0;
}

/// As libgit2 will pass it: without port and brackets.
std::string host_of(const std::string& url) {
  const std::size_t start = url.find("://");
  if (start == std::string::npos) return "";
  std::string rest = url.substr(start + 3, url.find('/', start + 3) - start - 3);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

}  // namespace

Status use_judged_sockets(const std::string& url, AddressRule rule) {
  judge() = {host_of(url), rule, ""};
  git_stream_registration registration{.version = GIT_STREAM_VERSION, .init = on_init, .wrap = nullptr};
  if (git_stream_register(GIT_STREAM_STANDARD, &registration) != 0) return git_fail(Fault::kInternal, "sockets");
  return {};
}

const std::string& refused_address() {
  return judge().refused;
}

}  // namespace micro::git
