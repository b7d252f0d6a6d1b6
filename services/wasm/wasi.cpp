#include "services/wasm/wasi.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "chain/crypto/hash.hpp"

namespace micro::wasm {
namespace {

constexpr std::uint64_t kMaxVectors = 1'024;        // iovecs a call, as Linux's IOV_MAX
constexpr std::uint64_t kMaxSubscriptions = 1'024;  // of one poll
constexpr std::uint64_t kSubscriptionBytes = 48;
constexpr std::uint64_t kEventBytes = 32;
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::string_view kLogCut = "\n[the rest of the log is dropped]\n";

enum ClockId : std::uint32_t { kRealtime = 0, kMonotonic = 1, kProcessCpu = 2, kThreadCpu = 3 };
enum EventType : std::uint8_t { kClockEvent = 0, kReadEvent = 1, kWriteEvent = 2 };

// Streams are of "unknown" type: a character device would make wasi-libc flush stdout at every line.
constexpr std::uint8_t kFiletypeUnknown = 0;
constexpr std::uint64_t kRightRead = 1 << 1;
constexpr std::uint64_t kRightWrite = 1 << 6;
constexpr std::uint64_t kRightPoll = 1 << 27;

}  // namespace

struct Wasi::Slice {
  std::uint64_t at = 0;
  std::uint64_t size = 0;
};

struct Wasi::Wait {
  std::uint64_t userdata = 0;
  std::uint8_t type = kClockEvent;
  WasiErrno error = wasi_errno::kSuccess;
  bool ready = false;
  std::uint64_t due_ns = 0;  // of a clock: elapsed time at which it fires
  std::uint64_t bytes = 0;   // of a stream: ready to read
};

WasiErrno Wasi::call(Handler handler, Args args, std::span<std::uint8_t> memory, std::uint64_t& gas_left) {
  memory_ = memory;
  gas_left_ = &gas_left;
  if (!spend(kHostCallGas)) return wasi_errno::kSuccess;
  return (this->*handler)(args);
}

bool Wasi::spend(std::uint64_t gas) {
  if (gas > *gas_left_) {
    *gas_left_ = 0;
    stop_ = Stop::kOutOfGas;
    return false;
  }
  *gas_left_ -= gas;
  return true;
}

bool Wasi::in_memory(std::uint64_t at, std::uint64_t size) const {
  return at <= memory_.size() && size <= memory_.size() - at;
}

template <class U>
bool Wasi::store(std::uint64_t at, U value) {
  if (!in_memory(at, sizeof value)) return false;
  std::memcpy(memory_.data() + at, &value, sizeof value);
  return true;
}

template <class U>
U Wasi::load(std::uint64_t at) const {
  U value;
  std::memcpy(&value, memory_.data() + at, sizeof value);
  return value;
}

WasiErrno Wasi::put_texts(const Texts& texts, std::uint64_t pointers_at, std::uint64_t text_at) {
  const ByteView all = texts.bytes();
  if (all.empty()) return wasi_errno::kSuccess;
  if (!spend(all.size() * kHostByteGas)) return wasi_errno::kSuccess;
  if (!in_memory(pointers_at, texts.size() * 4) || !in_memory(text_at, all.size())) return wasi_errno::kFault;
  std::memcpy(memory_.data() + text_at, all.data(), all.size());
  for (std::size_t at = 0; at < all.size(); at += std::strlen(reinterpret_cast<const char*>(all.data()) + at) + 1) {
    store(pointers_at, static_cast<std::uint32_t>(text_at + at));
    pointers_at += 4;
  }
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::put_sizes(const Texts& texts, Args args) {
  const bool ok = store(args[0], static_cast<std::uint32_t>(texts.size())) &&
                  store(args[1], static_cast<std::uint32_t>(texts.bytes().size()));
  return ok ? wasi_errno::kSuccess : wasi_errno::kFault;
}

WasiErrno Wasi::args_get(Args a) {
  return put_texts(call_.args, a[0], a[1]);
}
WasiErrno Wasi::args_sizes_get(Args a) {
  return put_sizes(call_.args, a);
}
WasiErrno Wasi::environ_get(Args a) {
  return put_texts(call_.env, a[0], a[1]);
}
WasiErrno Wasi::environ_sizes_get(Args a) {
  return put_sizes(call_.env, a);
}

/// One gas is one nanosecond of the guest's time, so that a loop that waits for the clock ends.
std::uint64_t Wasi::now_ns(bool real_time) const {
  const std::uint64_t elapsed = slept_ns_ + (call_.gas_limit.value - *gas_left_);
  return real_time ? call_.time.value * kNsPerMs + elapsed : elapsed;
}

WasiErrno Wasi::clock_res_get(Args a) {
  if (a[0] > kThreadCpu) return wasi_errno::kInval;
  return store(a[1], std::uint64_t{1}) ? wasi_errno::kSuccess : wasi_errno::kFault;
}

WasiErrno Wasi::clock_time_get(Args a) {
  if (a[0] > kThreadCpu) return wasi_errno::kInval;
  return store(a[2], now_ns(a[0] == kRealtime)) ? wasi_errno::kSuccess : wasi_errno::kFault;
}

WasiErrno Wasi::fd_close(Args a) {
  if (!is_open(a[0])) return wasi_errno::kBadf;
  open_[a[0]] = false;
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::fd_fdstat_get(Args a) {
  if (!is_open(a[0])) return wasi_errno::kBadf;
  if (!in_memory(a[1], 24)) return wasi_errno::kFault;
  std::memset(memory_.data() + a[1], 0, 24);
  store(a[1], kFiletypeUnknown);
  store(a[1] + 8, kRightPoll | (a[0] == 0 ? kRightRead : kRightWrite));
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::fd_filestat_get(Args a) {
  if (!is_open(a[0])) return wasi_errno::kBadf;
  if (!in_memory(a[1], 64)) return wasi_errno::kFault;
  std::memset(memory_.data() + a[1], 0, 64);  // device, inode, type unknown, no links, size or times
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::fd_read(Args a) {
  if (!is_open(a[0]) || a[0] != 0) return wasi_errno::kBadf;
  if (a[2] > kMaxVectors) return wasi_errno::kInval;
  if (!in_memory(a[1], a[2] * 8)) return wasi_errno::kFault;
  if (!spend(a[2] * kHostByteGas)) return wasi_errno::kSuccess;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < a[2]; ++i) {
    const Slice to{.at = load<std::uint32_t>(a[1] + i * 8), .size = load<std::uint32_t>(a[1] + i * 8 + 4)};
    if (!in_memory(to.at, to.size)) return wasi_errno::kFault;
    const std::uint64_t n = std::min<std::uint64_t>(to.size, call_.input.size() - read_);
    if (n == 0) continue;
    if (!spend(n * kHostByteGas)) return wasi_errno::kSuccess;
    std::memcpy(memory_.data() + to.at, call_.input.data() + read_, n);
    read_ += n;
    total += n;
  }
  return store(a[3], static_cast<std::uint32_t>(total)) ? wasi_errno::kSuccess : wasi_errno::kFault;
}

WasiErrno Wasi::write_stream(std::uint64_t fd, ByteView bytes) {
  const bool is_log = fd == 2;
  Bytes& stream = is_log ? log_ : out_;
  const std::size_t room = (is_log ? call_.log_bytes : call_.out_bytes) -
                           std::min<std::size_t>(stream.size(), is_log ? call_.log_bytes : call_.out_bytes);
  if (bytes.size() <= room) {
    if (!spend(bytes.size() * kHostByteGas)) return wasi_errno::kSuccess;
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    return wasi_errno::kSuccess;
  }
  if (!is_log) {
    stop_ = Stop::kTrap;
    trap_text_ = "it wrote more than " + std::to_string(call_.out_bytes) + " bytes to stdout";
    return wasi_errno::kSuccess;
  }
  if (room > 0) {  // the first time that the log is full
    stream.insert(stream.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room));
    stream.insert(stream.end(), kLogCut.begin(), kLogCut.end());
  }
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::fd_write(Args a) {
  if (!is_open(a[0]) || a[0] == 0) return wasi_errno::kBadf;
  if (a[2] > kMaxVectors) return wasi_errno::kInval;
  if (!in_memory(a[1], a[2] * 8)) return wasi_errno::kFault;
  if (!spend(a[2] * kHostByteGas)) return wasi_errno::kSuccess;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < a[2] && stop_ == Stop::kNone; ++i) {
    const Slice from{.at = load<std::uint32_t>(a[1] + i * 8), .size = load<std::uint32_t>(a[1] + i * 8 + 4)};
    if (!in_memory(from.at, from.size)) return wasi_errno::kFault;
    total += from.size;
    if (total > std::numeric_limits<std::uint32_t>::max()) return wasi_errno::kInval;
    write_stream(a[0], ByteView(memory_).subspan(from.at, from.size));
  }
  return store(a[3], static_cast<std::uint32_t>(total)) ? wasi_errno::kSuccess : wasi_errno::kFault;
}

Wasi::Wait Wasi::subscription(std::uint64_t at) const {
  Wait wait{.userdata = load<std::uint64_t>(at), .type = load<std::uint8_t>(at + 8)};
  if (wait.type == kClockEvent) {
    const auto clock = load<std::uint32_t>(at + 16);
    const auto timeout = load<std::uint64_t>(at + 24);
    const bool absolute = (load<std::uint16_t>(at + 40) & 1) != 0;
    if (clock > kThreadCpu) wait.error = wasi_errno::kInval;
    const std::uint64_t now = now_ns(clock == kRealtime);
    const std::uint64_t ahead = absolute ? timeout - std::min(now, timeout) : timeout;
    const std::uint64_t elapsed = now_ns(false);
    wait.due_ns = elapsed + std::min(ahead, std::numeric_limits<std::uint64_t>::max() - elapsed);
    wait.ready = wait.error != wasi_errno::kSuccess || ahead == 0;
    return wait;
  }
  const auto fd = load<std::uint32_t>(at + 16);
  const bool fits = wait.type == kReadEvent ? fd == 0 : fd == 1 || fd == 2;
  wait.ready = true;  // all of stdin is here and stdout never blocks
  if (wait.type > kWriteEvent)
    wait.error = wasi_errno::kInval;
  else if (!is_open(fd) || !fits)
    wait.error = wasi_errno::kBadf;
  else if (wait.type == kReadEvent)
    wait.bytes = call_.input.size() - read_;
  return wait;
}

/// Sleep takes no real time. Asleep longer than the call may last is the deadline, the same one on every machine.
bool Wasi::sleep_until(std::uint64_t elapsed_ns) {
  slept_ns_ += elapsed_ns - now_ns(false);
  if (slept_ns_ <= call_.deadline_ms * kNsPerMs) return true;
  stop_ = Stop::kDeadline;
  return false;
}

WasiErrno Wasi::poll_oneoff(Args a) {
  const std::uint64_t n = a[2];
  if (n == 0 || n > kMaxSubscriptions) return wasi_errno::kInval;
  if (!in_memory(a[0], n * kSubscriptionBytes) || !in_memory(a[1], n * kEventBytes)) return wasi_errno::kFault;
  if (!spend(n * kSubscriptionBytes * kHostByteGas)) return wasi_errno::kSuccess;
  std::vector<Wait> waits;
  waits.reserve(n);
  for (std::uint64_t i = 0; i < n; ++i) waits.push_back(subscription(a[0] + i * kSubscriptionBytes));
  if (std::ranges::none_of(waits, &Wait::ready)) {  // only clocks are left
    const std::uint64_t due = std::ranges::min(waits, {}, &Wait::due_ns).due_ns;
    if (!sleep_until(due)) return wasi_errno::kSuccess;
    for (Wait& wait : waits) wait.ready = wait.due_ns <= due;
  }
  std::uint32_t events = 0;
  for (const Wait& wait : waits) {
    if (!wait.ready) continue;
    const std::uint64_t at = a[1] + events * kEventBytes;
    std::memset(memory_.data() + at, 0, kEventBytes);
    store(at, wait.userdata);
    store(at + 8, wait.error);
    store(at + 10, wait.type);
    store(at + 16, wait.bytes);
    ++events;
  }
  return store(a[3], events) ? wasi_errno::kSuccess : wasi_errno::kFault;
}

WasiErrno Wasi::proc_exit(Args a) {
  stop_ = Stop::kExit;
  exit_code_ = static_cast<std::uint32_t>(a[0]);
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::random_get(Args a) {
  if (!in_memory(a[0], a[1])) return wasi_errno::kFault;
  if (a[1] > kMaxRandomBytes) return wasi_errno::kInval;
  if (!spend(a[1] * kRandomByteGas)) return wasi_errno::kSuccess;
  for (std::uint64_t done = 0; done < a[1]; done += Hash::kSize) {
    std::array<std::uint8_t, 8> counter{};
    std::memcpy(counter.data(), &random_block_, counter.size());
    ++random_block_;
    const Hash block = keyed_hash(call_.seed, domain::kGuestRandom, counter);
    std::memcpy(memory_.data() + a[0] + done, block.data.data(), std::min<std::uint64_t>(Hash::kSize, a[1] - done));
  }
  return wasi_errno::kSuccess;
}

WasiErrno Wasi::succeed(Args) {
  return wasi_errno::kSuccess;
}
WasiErrno Wasi::stream_succeed(Args a) {
  return is_open(a[0]) ? wasi_errno::kSuccess : wasi_errno::kBadf;
}
WasiErrno Wasi::stream_no_seek(Args a) {
  return is_open(a[0]) ? wasi_errno::kSpipe : wasi_errno::kBadf;
}
WasiErrno Wasi::stream_invalid(Args a) {
  return is_open(a[0]) ? wasi_errno::kInval : wasi_errno::kBadf;
}
WasiErrno Wasi::stream_no_socket(Args a) {
  return is_open(a[0]) ? wasi_errno::kNotsock : wasi_errno::kBadf;
}
WasiErrno Wasi::no_such_fd(Args) {
  return wasi_errno::kBadf;
}
WasiErrno Wasi::unsupported(Args) {
  return wasi_errno::kNosys;
}

std::span<const WasiFunction> wasi_functions() {
  static constexpr auto kAll = std::to_array<WasiFunction>({
      {"args_get", "ii", &Wasi::args_get},
      {"args_sizes_get", "ii", &Wasi::args_sizes_get},
      {"clock_res_get", "ii", &Wasi::clock_res_get},
      {"clock_time_get", "iIi", &Wasi::clock_time_get},
      {"environ_get", "ii", &Wasi::environ_get},
      {"environ_sizes_get", "ii", &Wasi::environ_sizes_get},
      {"fd_advise", "iIIi", &Wasi::stream_no_seek},
      {"fd_allocate", "iII", &Wasi::stream_invalid},
      {"fd_close", "i", &Wasi::fd_close},
      {"fd_datasync", "i", &Wasi::stream_succeed},
      {"fd_fdstat_get", "ii", &Wasi::fd_fdstat_get},
      {"fd_fdstat_set_flags", "ii", &Wasi::stream_succeed},
      {"fd_fdstat_set_rights", "iII", &Wasi::stream_invalid},
      {"fd_filestat_get", "ii", &Wasi::fd_filestat_get},
      {"fd_filestat_set_size", "iI", &Wasi::stream_invalid},
      {"fd_filestat_set_times", "iIIi", &Wasi::stream_invalid},
      {"fd_pread", "iiiIi", &Wasi::stream_no_seek},
      {"fd_prestat_dir_name", "iii", &Wasi::no_such_fd},
      {"fd_prestat_get", "ii", &Wasi::no_such_fd},
      {"fd_pwrite", "iiiIi", &Wasi::stream_no_seek},
      {"fd_read", "iiii", &Wasi::fd_read},
      {"fd_readdir", "iiiIi", &Wasi::no_such_fd},
      {"fd_renumber", "ii", &Wasi::unsupported},
      {"fd_seek", "iIii", &Wasi::stream_no_seek},
      {"fd_sync", "i", &Wasi::stream_succeed},
      {"fd_tell", "ii", &Wasi::stream_no_seek},
      {"fd_write", "iiii", &Wasi::fd_write},
      {"path_create_directory", "iii", &Wasi::no_such_fd},
      {"path_filestat_get", "iiiii", &Wasi::no_such_fd},
      {"path_filestat_set_times", "iiiiIIi", &Wasi::no_such_fd},
      {"path_link", "iiiiiii", &Wasi::no_such_fd},
      {"path_open", "iiiiiIIii", &Wasi::no_such_fd},
      {"path_readlink", "iiiiii", &Wasi::no_such_fd},
      {"path_remove_directory", "iii", &Wasi::no_such_fd},
      {"path_rename", "iiiiii", &Wasi::no_such_fd},
      {"path_symlink", "iiiii", &Wasi::no_such_fd},
      {"path_unlink_file", "iii", &Wasi::no_such_fd},
      {"poll_oneoff", "iiii", &Wasi::poll_oneoff},
      {"proc_exit", "i", &Wasi::proc_exit, false},
      {"proc_raise", "i", &Wasi::unsupported},
      {"random_get", "ii", &Wasi::random_get},
      {"sched_yield", "", &Wasi::succeed},
      {"sock_accept", "iii", &Wasi::stream_no_socket},
      {"sock_recv", "iiiiii", &Wasi::stream_no_socket},
      {"sock_send", "iiiii", &Wasi::stream_no_socket},
      {"sock_shutdown", "ii", &Wasi::stream_no_socket},
  });
  return kAll;
}

const WasiFunction* find_wasi_function(std::string_view name) {
  const auto at = std::ranges::lower_bound(wasi_functions(), name, {}, &WasiFunction::name);
  return at != wasi_functions().end() && at->name == name ? &*at : nullptr;
}

}  // namespace micro::wasm
