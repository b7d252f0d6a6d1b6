// link_emulator serve NODES SEED           makes a namespace a node and carries frames between them. Prints
//                                          {"ready":PID,"spaces":[FD…],"addresses":["…"…]}, then takes lines (see
//                                          link_commands.hpp) until its input ends. 77: namespaces cannot be made.
// link_emulator forbid PROGRAM …           runs a program as on a machine that allows no namespaces
// link_emulator enter PID FD PROGRAM …     runs a program as the node whose namespace the emulator PID has as FD
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "tests/gen/no_namespaces.hpp"
#include "tests/netns/link_commands.hpp"
#include "tests/netns/wires.hpp"

namespace micro::netns {
namespace {

constexpr int kNoNamespaces = 77;          // ctest's and automake's "skipped"
constexpr std::size_t kFramesATurn = 256;  // of one node, then the others have theirs

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class Emulator {
 public:
  Emulator(std::vector<Wire> wires, std::uint64_t seed)
      : wires_(std::move(wires)), model_(wires_.size(), seed), buffer_(kMaxFrameBytes + 1) {
    waited_.push_back({.fd = STDIN_FILENO, .events = POLLIN, .revents = 0});
    for (const Wire& wire : wires_) waited_.push_back({.fd = wire.packets, .events = POLLIN, .revents = 0});
  }

  /// Until its input ends.
  int run() {
    while (true) {
      deliver();
      const timespec wait = until_next();
      const int ready = ::ppoll(waited_.data(), waited_.size(), model_.next_at() ? &wait : nullptr, nullptr);
      if (ready < 0 && errno != EINTR) return 1;
      if (ready <= 0) continue;
      for (std::size_t n = 0; n < wires_.size(); ++n) {
        if (waited_[n + 1].revents != 0) take_from(n);
      }
      if (waited_[0].revents != 0 && !take_lines()) return 0;
    }
  }

 private:
  [[nodiscard]] timespec until_next() const {
    const auto next = model_.next_at();
    const std::uint64_t now_ns = clock_.now().ns;
    const std::uint64_t wait_ns = next && next->ns > now_ns ? next->ns - now_ns : 0;
    return {.tv_sec = static_cast<time_t>(wait_ns / 1'000'000'000),
            .tv_nsec = static_cast<long>(wait_ns % 1'000'000'000)};
  }

  void take_from(std::size_t node) {
    for (std::size_t count = 0; count < kFramesATurn; ++count) {
      const ssize_t size = ::recv(wires_[node].packets, buffer_.data(), buffer_.size(), MSG_TRUNC);
      if (size <= 0) return;
      if (static_cast<std::size_t>(size) > kMaxFrameBytes) continue;  // no wire carries it
      const ByteView frame = ByteView(buffer_).first(static_cast<std::size_t>(size));
      const auto to = node_of(frame, wires_.size());
      if (to && *to != node) model_.offer(node, *to, to_bytes(frame), clock_.now());
    }
  }

  void deliver() {
    for (LinkModel::Arrival& one : model_.take_due(clock_.now())) {
      std::ranges::copy(wires_[one.to].mac, one.frame.begin());
      // Where the other end has no room the frame is lost, as on any wire.
      (void)::send(wires_[one.to].packets, one.frame.data(), one.frame.size(), MSG_DONTWAIT);
    }
  }

  bool take_lines() {
    std::array<char, 4'096> some{};
    const ssize_t size = ::read(STDIN_FILENO, some.data(), some.size());
    if (size <= 0) return false;
    lines_.append(some.data(), static_cast<std::size_t>(size));
    for (std::size_t end = lines_.find('\n'); end != std::string::npos; end = lines_.find('\n')) {
      const auto answer = run_line(model_, std::string_view(lines_).substr(0, end));
      say(answer ? *answer : "error " + answer.error().message);
      lines_.erase(0, end + 1);
    }
    return true;
  }

  std::vector<Wire> wires_;
  LinkModel model_;
  SystemClock clock_;
  Bytes buffer_;
  std::string lines_;
  std::vector<pollfd> waited_;
};

Result<std::vector<Wire>> make_wires(std::size_t nodes) {
  TRY(leave_network());
  std::vector<Wire> out;
  for (std::size_t n = 0; n < nodes; ++n) out.push_back(TRY(make_wire(n)));
  return out;
}

int serve(std::size_t nodes, std::uint64_t seed) {
  auto wires = make_wires(nodes);
  if (!wires) {
    std::fprintf(stderr, "link_emulator: %s\n", wires.error().message.c_str());
    return wires.error().fault == Fault::kDenied ? kNoNamespaces : 1;
  }
  std::string spaces;
  std::string addresses;
  for (std::size_t n = 0; n < nodes; ++n) {
    spaces += (n == 0 ? "" : ",") + std::to_string((*wires)[n].space);
    addresses += (n == 0 ? "\"" : ",\"") + address_of(n) + "\"";
  }
  say("{\"ready\":" + std::to_string(::getpid()) + ",\"spaces\":[" + spaces + "],\"addresses\":[" + addresses + "]}");
  return Emulator(std::move(*wires), seed).run();
}

std::optional<std::uint64_t> number(const char* text) {
  std::uint64_t out = 0;
  const char* const end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, out);
  return error == std::errc() && at == end ? std::optional(out) : std::nullopt;
}

int run(char** program) {
  ::execvp(program[0], program);
  std::fprintf(stderr, "link_emulator: %s: %s\n", program[0], std::strerror(errno));
  return 1;
}

int enter_and_run(int emulator, int space, char** program) {
  if (const Status status = enter(emulator, space); !status) {
    std::fprintf(stderr, "link_emulator: %s\n", status.error().message.c_str());
    return 1;
  }
  return run(program);
}

}  // namespace
}  // namespace micro::netns

int main(int argc, char** argv) {
  using namespace micro::netns;
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto first = number(argc > 2 ? argv[2] : "");
  const auto second = number(argc > 3 ? argv[3] : "");
  if (mode == "serve" && argc == 4 && first && second && *first >= 1 && *first <= kMaxNodes) {
    return serve(static_cast<std::size_t>(*first), *second);
  }
  if (mode == "enter" && argc > 4 && first && second) {
    return enter_and_run(static_cast<int>(*first), static_cast<int>(*second), argv + 4);
  }
  if (mode == "forbid" && argc > 2) return micro::test::forbid_namespaces() ? run(argv + 2) : 1;
  std::fprintf(stderr, "link_emulator serve NODES SEED, forbid PROGRAM …, or enter PID FD PROGRAM …\n");
  return 2;
}
