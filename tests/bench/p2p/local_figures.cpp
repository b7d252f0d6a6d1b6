#include "tests/bench/p2p/local_figures.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "p2p/connection/connection.hpp"
#include "tests/gen/p2p/link.hpp"

namespace {
std::atomic<std::size_t> allocated = 0;
}

// Every allocation of the process is counted: a steady state makes none.
void* operator new(std::size_t bytes) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  if (void* const at = std::malloc(bytes)) return at;
  std::abort();
}
void* operator new(std::size_t bytes, std::align_val_t align) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  const auto to = static_cast<std::size_t>(align);
  if (void* const at = std::aligned_alloc(to, (bytes + to - 1) / to * to)) return at;
  std::abort();
}
void operator delete(void* at) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::align_val_t) noexcept {
  std::free(at);
}
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  std::free(at);
}

namespace micro::p2p::bench {
namespace {

constexpr std::size_t kLocalPieceBytes = 64 * 1'024;
constexpr double kSeconds = 2;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void print_local(const char* name, double value) {
  std::printf("figure %s %.3f\n", name, value);
  std::fflush(stdout);
}

// One process writes pieces for a while, one reads them to the end: bytes a second. Both are given the socket.
template <class Write, class ReadAll>
double over_loopback(Write write, ReadAll read_all) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener, 1) != 0) std::abort();
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  const pid_t reader = ::fork();
  if (reader == 0) {
    read_all(::accept(listener, nullptr, nullptr));
    ::_exit(0);
  }
  const int out = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(out, reinterpret_cast<sockaddr*>(&at), size) != 0) std::abort();
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t bytes = 0;
  while (seconds_since(start) < kSeconds) bytes += write(out);
  ::close(out);
  ::close(listener);
  int status = 0;
  if (::waitpid(reader, &status, 0) != reader || status != 0) std::abort();  // it has read everything
  return static_cast<double>(bytes) / seconds_since(start);
}

double raw_tcp() {
  return over_loopback(
      [](int out) {
        static const char piece[kLocalPieceBytes] = {};
        const ssize_t put = ::write(out, piece, sizeof piece);
        if (put < 0) std::abort();
        return static_cast<std::uint64_t>(put);
      },
      [](int in) {
        static char buffer[2 * kLocalPieceBytes];
        while (::read(in, buffer, sizeof buffer) > 0) {
        }
      });
}

// Each piece is sealed on one side and opened on the other, with nothing else around it: a pipeline of two processes.
double sealed_tcp() {
  static NoiseCipher seals(test::filled(7));
  static NoiseCipher opens(test::filled(7));
  constexpr std::size_t kSealedPieceBytes = kLocalPieceBytes + kNoiseTagBytes;
  return over_loopback(
      [](int out) {
        static const Bytes plain(kLocalPieceBytes);
        static Bytes sealed(kSealedPieceBytes);
        seals.seal({}, plain, sealed.data());
        for (std::size_t put = 0; put < sealed.size();) {
          const ssize_t more = ::write(out, sealed.data() + put, sealed.size() - put);
          if (more <= 0) std::abort();
          put += static_cast<std::size_t>(more);
        }
        return static_cast<std::uint64_t>(plain.size());
      },
      [](int in) {
        static Bytes sealed(kSealedPieceBytes);
        for (std::size_t got = 0;;) {
          const ssize_t more = ::read(in, sealed.data() + got, sealed.size() - got);
          if (more <= 0) return;
          got += static_cast<std::size_t>(more);
          if (got < sealed.size()) continue;
          if (!opens.open({}, sealed)) std::abort();
          got = 0;
        }
      });
}

double seal_rate() {
  NoiseCipher cipher(test::filled(7));
  Bytes plain(kLocalPieceBytes);
  Bytes out(kLocalPieceBytes + kNoiseTagBytes);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t bytes = 0;
  while (seconds_since(start) < kSeconds / 2) {
    cipher.seal({}, plain, out.data());
    bytes += plain.size();
  }
  return static_cast<double>(bytes) / seconds_since(start);
}

// Both ends on one core: what a byte costs us beside the socket.
void in_memory() {
  test::Link link(true, true);
  if (!link.settle(SIZE_MAX)) std::abort();
  const StreamId id = link.dialer.open({"/a"}, {}, StreamClass::kBulk).value();
  if (!link.settle(SIZE_MAX)) std::abort();
  const Bytes piece(kYamuxFrameBytes, 7);
  ByteQueue wire;
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;
  std::size_t before = 0;
  auto start = std::chrono::steady_clock::now();
  const auto hand_over = [&](Connection& from, Connection& to) {
    while (from.take_output(wire)) {
      while (!wire.empty()) {
        const auto room = to.prepare();
        const std::size_t size = std::min(room.size(), wire.size());
        std::memcpy(room.data(), wire.view().data(), size);
        wire.consume(size);
        if (!to.commit(size, {})) std::abort();
      }
    }
  };
  for (std::uint64_t turn = 0; seconds_since(start) < kSeconds; ++turn) {
    if (turn == 1'000) {  // warm: from here nothing may be allocated
      start = std::chrono::steady_clock::now();
      before = allocations();
      bytes = frames = 0;
    }
    const std::size_t taken = link.dialer.mux().write(id, piece);
    frames += taken > 0 ? 1 : 0;
    bytes += taken;
    hand_over(link.dialer, link.listener);
    link.listener.mux().consume(id, link.listener.mux().readable(id).size(), {});
    hand_over(link.listener, link.dialer);
    link.dialer.events().clear();
    link.listener.events().clear();
  }
  print_local("in_memory", static_cast<double>(bytes) / seconds_since(start));
  print_local("in_memory_allocations_per_frame",
              static_cast<double>(allocations() - before) / static_cast<double>(frames));
}

}  // namespace

std::size_t allocations() {
  return allocated.load(std::memory_order_relaxed);
}

void print_local_figures() {
  print_local("raw_tcp", raw_tcp());
  print_local("sealed_tcp", sealed_tcp());
  print_local("aead", seal_rate());
  in_memory();
}

}  // namespace micro::p2p::bench
