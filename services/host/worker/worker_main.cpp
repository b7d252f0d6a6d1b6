#include "services/host/worker/worker_main.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <list>
#include <map>
#include <optional>

#include "services/host/confine/confine.hpp"
#include "services/host/worker/messages.hpp"
#include "services/wasm/engine.hpp"

namespace micro {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kFlushBytes = 512 * 1024;
constexpr auto kMaxReplyDelay = std::chrono::milliseconds(1);  // of a reply that waits for company
constexpr auto kExpireEvery = std::chrono::milliseconds(wasm::kTickMs);
constexpr std::size_t kMaxLoadedModules = 64;
constexpr std::uint64_t kMaxDataBytes = 4ULL << 30;  // all guests of this process together, and the process itself
static_assert(kWorkerSlots * kSlotMemoryBytes <= kMaxDataBytes / 2);

/// Modules by hash, the least recently used dropped first.
class LoadedModules {
 public:
  LoadedModules(const wasm::Engine& engine, std::filesystem::path folder)
      : engine_(engine), folder_(std::move(folder)) {}

  Result<wasm::Module> get(const Hash& artefact) {
    const auto found = by_hash_.find(artefact);
    if (found != by_hash_.end()) {
      found->second.used = ++clock_;
      return found->second.module;
    }
    wasm::Module module = TRY(engine_.load_file(folder_ / (artefact.hex() + ".cwasm")));
    if (by_hash_.size() >= kMaxLoadedModules) {
      by_hash_.erase(std::ranges::min_element(by_hash_, {}, [](const auto& entry) { return entry.second.used; }));
    }
    by_hash_.emplace(artefact, Entry{module, ++clock_});
    return module;
  }

 private:
  struct Entry {
    wasm::Module module;
    std::uint64_t used;
  };
  const wasm::Engine& engine_;
  std::filesystem::path folder_;
  std::map<Hash, Entry> by_hash_;
  std::uint64_t clock_ = 0;
};

struct Running {
  std::uint64_t id;
  Bytes input;  // the program reads from it
  wasm::RunningProgram program;
};

class Worker {
 public:
  Worker(int socket, const wasm::Engine& engine, std::filesystem::path folder)
      : socket_(socket), engine_(engine), modules_(engine, std::move(folder)) {}

  void say(const WorkerMessage& message) {
    if (replies_.empty()) first_reply_ = SteadyClock::now();
    writer_.put(replies_, message);
  }

  /// Until the node closes the socket.
  Status serve() {
    TRY(flush());
    while (TRY(read_jobs())) {
      while (const auto frame = TRY(frames_.next())) {
        NodeMessage message = TRY(decode<NodeMessage>(*frame));
        if (auto* job = std::get_if<WorkerJob>(&message)) {
          TRY(begin(std::move(*job)));
        } else {
          cancel(std::get<WorkerCancel>(message).id);
        }
        TRY(keep_time());
      }
      if (!running_.empty()) take_turn();
      expire();
      TRY(flush());
    }
    return {};
  }

 private:
  /// Waits for jobs if nothing runs. False: the node closed the socket.
  Result<bool> read_jobs() {
    const std::span<std::uint8_t> room = frames_.room(kFrameReadBytes);
    while (true) {
      const ssize_t n = ::recv(socket_, room.data(), room.size(), running_.empty() ? 0 : MSG_DONTWAIT);
      if (n > 0) frames_.commit(static_cast<std::size_t>(n));
      if (n >= 0) return n > 0;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
      if (errno != EINTR) return fail(Fault::kIo, "the socket to the node failed");
    }
  }

  Status begin(WorkerJob job) {
    auto module = modules_.get(job.artefact);
    if (!module) {
      wasm::ProgramOutcome failed;
      failed.detail = module.error().message;
      reply(job.id, std::move(failed));
      return {};
    }
    wasm::ProgramCall call;
    call.env = TRY(wasm::Texts::parse(std::move(job.env)));
    call.args = TRY(wasm::Texts::parse(std::move(job.args)));
    Bytes input = std::move(job.input);
    call.input = input;  // a vector keeps its storage when it moves
    call.gas_limit = job.gas_limit;
    call.deadline_ms = job.deadline_ms;
    call.time = job.time;
    call.seed = job.seed;
    call.memory_bytes = job.memory_bytes;
    call.out_bytes = job.out_bytes;
    call.log_bytes = job.log_bytes;
    running_.push_front({job.id, std::move(input), engine_.start(*module, std::move(call))});
    take_turn();
    return {};
  }

  /// The program goes, wherever it is: its stack and its memory are free for the next.
  void cancel(std::uint64_t id) {
    const auto found = std::ranges::find(running_, id, &Running::id);
    if (found == running_.end()) return;  // it ended, and its reply says so
    running_.erase(found);
    wasm::ProgramOutcome ended;
    ended.detail = "cancelled";
    reply(id, std::move(ended));
  }

  /// The first program runs until it ends or its tick is over; then it is the last. New jobs are read in between.
  void take_turn() {
    const auto first = running_.begin();
    if (first->program.resume()) {
      reply(first->id, first->program.take());
      running_.erase(first);
    } else {
      running_.splice(running_.end(), running_, first);
    }
  }

  /// Ends programs past their deadline without waiting for their turn.
  void expire() {
    expired_ = SteadyClock::now();
    for (auto at = running_.begin(); at != running_.end();) {
      if (!at->program.expired() || !at->program.resume()) {
        ++at;
        continue;
      }
      reply(at->id, at->program.take());
      at = running_.erase(at);
    }
  }

  void reply(std::uint64_t id, wasm::ProgramOutcome outcome) {
    WorkerReply r;
    r.id = id;
    r.kind = outcome.kind;
    r.exit_code = outcome.exit_code;
    r.gas = outcome.gas;
    static_cast<Bytes&>(r.out) = std::move(outcome.out);
    static_cast<Bytes&>(r.log) = std::move(outcome.log);
    static_cast<Bytes&>(r.detail) = to_bytes(std::string_view(outcome.detail).substr(0, r.detail.kMax));
    say(WorkerMessage(std::move(r)));
  }

  /// While many jobs arrive at once, each of which may take a tick: replies leave and deadlines hold all the same.
  Status keep_time() {
    const auto now = SteadyClock::now();
    if (now - expired_ >= kExpireEvery) expire();
    const bool late = !replies_.empty() && now - first_reply_ >= kMaxReplyDelay;
    return late || replies_.size() >= kFlushBytes ? flush() : Status{};
  }

  Status flush() {
    for (std::size_t done = 0; done < replies_.size();) {
      const ssize_t n = ::send(socket_, replies_.data() + done, replies_.size() - done, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(Fault::kIo, "the socket to the node failed");
      done += static_cast<std::size_t>(n);
    }
    replies_.clear();
    return {};
  }

  int socket_;
  const wasm::Engine& engine_;
  LoadedModules modules_;
  FrameReader frames_;
  std::list<Running> running_;
  FrameWriter writer_;
  Bytes replies_;
  SteadyClock::time_point first_reply_;
  SteadyClock::time_point expired_;  // the last look at deadlines
};

Status run_worker(const std::filesystem::path& folder) {
  const std::string confinement = TRY(confine_process(folder, kMaxDataBytes, kWorkerSocket + 1));
  const auto engine = TRY(wasm::Engine::create({.slots = kWorkerSlots}));
  TRY(confine_system_calls());
  Worker worker(kWorkerSocket, *engine, folder);
  worker.say(WorkerMessage(WorkerHello{Text<4096>(confinement + ", seccomp")}));
  return worker.serve();
}

}  // namespace

bool is_worker(int argc, char** argv) {
  return argc == 3 && argv[1] == kWorkerArgument;
}

int worker_main(int, char** argv) {
  const Status status = run_worker(argv[2]);
  if (!status) std::fprintf(stderr, "worker: %s\n", status.error().message.c_str());
  ::_exit(status ? 0 : 1);  // nothing at exit may need what the confinement took
}

}  // namespace micro
