#include "services/host/worker/worker_pool.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>

#include "services/host/worker/fair_queue.hpp"
#include "services/host/worker/messages.hpp"
#include "services/host/worker/worker_main.hpp"
#include "services/wasm/engine.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kSocketBytes = 1024 * 1024;
constexpr milliseconds kWatchInterval(500);

wasm::ProgramOutcome cancelled() {
  wasm::ProgramOutcome outcome;
  outcome.kind = wasm::CallEnd::kCancelled;
  outcome.detail = "nobody waits for it any more";
  return outcome;
}

wasm::ProgramOutcome host_failure(std::string why) {
  wasm::ProgramOutcome outcome;
  outcome.detail = std::move(why);
  return outcome;
}

struct Process {
  pid_t pid = -1;
  int socket = -1;
};

/// Starts the worker with one end of a socket pair as descriptor 3, no environment and nothing on stdin and stdout.
Result<Process> spawn(const WorkerPoolOptions& options) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(Fault::kIo, std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  for (const int end : ends) {
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBytes, sizeof kSocketBytes);  // smaller buffers work, slower
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const int parked = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kWorkerSocket + 1);  // dup2 onto itself would keep O_CLOEXEC
  ::close(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, parked, kWorkerSocket);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerSocket + 1);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C at the terminal is the node's to handle
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = "micro";
  std::string argument(kWorkerArgument);
  std::string folder = options.artefacts.string();
  const std::array<char*, 4> argv = {name.data(), argument.data(), folder.data(), nullptr};
  const std::array<char*, 1> environment = {nullptr};
  pid_t pid = -1;
  const int rc = ::posix_spawn(&pid, options.program.c_str(), &actions, &attributes, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  ::close(parked);
  if (rc != 0) {
    ::close(ends[0]);
    return fail(Fault::kIo, "cannot start a worker: " + std::string(std::strerror(rc)));
  }
  return Process{pid, ends[0]};
}

int kill_and_reap(pid_t pid) {
  int status = 0;
  if (pid <= 0) return status;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string exit_text(int status) {
  if (WIFSIGNALED(status)) return std::string("killed by signal ") + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

WorkerJob message_of(std::uint64_t id, CallJob&& job) {
  WorkerJob w;
  w.id = id;
  w.artefact = job.artefact;
  static_cast<Bytes&>(w.env) = std::move(job.call.env).take();
  static_cast<Bytes&>(w.args) = std::move(job.call.args).take();
  static_cast<Bytes&>(w.input) = std::move(job.input);
  w.gas_limit = job.call.gas_limit;
  w.deadline_ms = job.call.deadline_ms;
  w.time = job.call.time;
  w.seed = job.call.seed;
  w.memory_bytes = job.call.memory_bytes;
  w.out_bytes = job.call.out_bytes;
  w.log_bytes = job.call.log_bytes;
  return w;
}

/// Slots that a call takes: one for each share of memory that it may use, so that a full worker stays within its limit
/// and nobody's calls fail for want of the memory that somebody else's took.
std::size_t units_of(const CallJob& job) {
  const std::uint64_t bytes = std::min(job.call.memory_bytes, wasm::kMaxMemoryBytes);
  return static_cast<std::size_t>(std::max<std::uint64_t>(1, (bytes + kSlotMemoryBytes - 1) / kSlotMemoryBytes));
}

/// What the worker's decoder would refuse, it must not get: it would end, and the calls of others with it.
Status check_job(const CallJob& job) {
  for (const wasm::Texts* texts : {&job.call.env, &job.call.args}) {
    if (texts->size() > kMaxJobTexts || texts->bytes().size() > kMaxJobTextBytes) {
      return fail(Fault::kLimit, "the call's variables are too many or too long");
    }
  }
  if (job.input.size() > kMaxJobInputBytes) return fail(Fault::kLimit, "the call's input is too long");
  if (job.call.out_bytes > kMaxReplyOutBytes || job.call.log_bytes > kMaxReplyLogBytes - 1'024) {
    return fail(Fault::kLimit, "the call's output limits are too high");
  }
  return {};
}

}  // namespace

struct WorkerPool::Impl : std::enable_shared_from_this<WorkerPool::Impl> {
  struct Pending {
    Hash artefact;
    std::size_t units = 0;
    Done done;
    SteadyClock::time_point kill_at;  // the worker has had its deadline and the grace
    bool cancelled = false;
  };
  struct Worker {
    explicit Worker(const asio::any_io_executor& executor) : socket(executor), restart(executor) {}
    std::uint32_t index = 0;
    pid_t pid = -1;
    asio::posix::stream_descriptor socket;
    asio::steady_timer restart;
    std::uint64_t generation = 0;  // a handler of a dead process sees another number
    FrameReader frames;
    Bytes out;
    std::size_t sent = 0;
    bool flush_queued = false;
    bool ready = false;
    std::unordered_map<std::uint64_t, Pending> running;
    std::size_t units = 0;  // of what runs
    std::uint32_t backoff_ms = kWorkerBackoffMinMs;
    SteadyClock::time_point started;
  };
  struct Queued {
    std::uint64_t id = 0;
    CallJob job;
    Done done;
  };

  Impl(asio::any_io_executor its_executor, WorkerPoolOptions pool_options, OnEvent event)
      : options(std::move(pool_options)),
        on_event(std::move(event)),
        executor(std::move(its_executor)),
        watch(executor) {}

  ~Impl() {  // the executor may be gone before stop() could run on it
    for (const auto& worker : workers) kill_and_reap(worker->pid);
  }

  Status start_worker(Worker& worker);
  void wait_readable(Worker& worker);
  void on_readable(Worker& worker);
  Status take_frames(Worker& worker);
  void take_reply(Worker& worker, WorkerReply reply);
  void died(Worker& worker, const std::string& why);
  void schedule_restart(Worker& worker);
  void note_death();
  void add(std::uint64_t id, CallJob job, Done done);
  void cancel(std::uint64_t id);
  Worker* least_busy();
  void dispatch();
  void assign(Worker& worker, Queued queued, std::size_t units);
  void flush_soon(Worker& worker);
  void flush(Worker& worker);
  void wait_writable(Worker& worker);
  void watch_deadlines();
  void fail_queue(const std::string& why);
  void stop();
  void tell(WorkerEvent::Kind kind, std::uint32_t worker, std::string text) const {
    if (on_event) on_event({kind, worker, std::move(text)});
  }

  WorkerPoolOptions options;
  OnEvent on_event;
  asio::any_io_executor executor;
  asio::steady_timer watch;
  FrameWriter writer;
  std::vector<std::unique_ptr<Worker>> workers;
  FairQueue<Hash, Queued> queue{kMaxQueuedCalls, kMaxQueuedCallsOfOne};
  std::deque<SteadyClock::time_point> recent_deaths;
  std::optional<SteadyClock::time_point> breaker_until;
  std::atomic<std::uint64_t> next_id = 1;
  std::uint64_t calls = 0;
  std::uint64_t deaths = 0;
  bool stopped = false;
};

Status WorkerPool::Impl::start_worker(Worker& worker) {
  const Process process = TRY(spawn(options));
  worker.pid = process.pid;
  worker.socket.assign(process.socket);
  ++worker.generation;
  worker.frames = FrameReader();
  worker.out.clear();
  worker.sent = 0;
  worker.flush_queued = false;
  worker.ready = true;  // it reads jobs once it is up; the socket holds them until then
  worker.started = SteadyClock::now();
  wait_readable(worker);
  return {};
}

void WorkerPool::Impl::wait_readable(Worker& worker) {
  worker.socket.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this(), &worker, generation = worker.generation](const auto& error) {
                             if (!error && generation == worker.generation) self->on_readable(worker);
                           });
}

void WorkerPool::Impl::on_readable(Worker& worker) {
  const std::span<std::uint8_t> room = worker.frames.room(kFrameReadBytes);
  const ssize_t n = ::read(worker.socket.native_handle(), room.data(), room.size());
  if (n == 0) return died(worker, "it closed its socket");
  if (n < 0 && errno != EAGAIN && errno != EINTR) return died(worker, std::strerror(errno));
  if (n > 0) {
    worker.frames.commit(static_cast<std::size_t>(n));
    const std::uint64_t generation = worker.generation;
    if (const Status taken = take_frames(worker); !taken)
      return died(worker, "it sent nonsense: " + taken.error().message);
    if (stopped || generation != worker.generation) return;  // a callback stopped the pool
  }
  dispatch();
  wait_readable(worker);
}

Status WorkerPool::Impl::take_frames(Worker& worker) {
  const std::uint64_t generation = worker.generation;
  while (generation == worker.generation && !stopped) {
    const auto frame = TRY(worker.frames.next());
    if (!frame) break;
    WorkerMessage message = TRY(decode<WorkerMessage>(*frame));
    if (auto* hello = std::get_if<WorkerHello>(&message)) {
      tell(WorkerEvent::Kind::kStarted, worker.index, hello->confinement);
    } else {
      take_reply(worker, std::get<WorkerReply>(std::move(message)));
    }
  }
  return {};
}

void WorkerPool::Impl::take_reply(Worker& worker, WorkerReply reply) {
  auto found = worker.running.extract(reply.id);
  if (found.empty()) return;
  queue.finished(found.mapped().artefact, found.mapped().units);
  worker.units -= found.mapped().units;
  wasm::ProgramOutcome outcome;
  outcome.kind = reply.kind;
  outcome.exit_code = reply.exit_code;
  outcome.out = static_cast<Bytes&&>(std::move(reply.out));
  outcome.log = static_cast<Bytes&&>(std::move(reply.log));
  outcome.gas = reply.gas;
  outcome.detail = as_text(reply.detail);
  found.mapped().done(found.mapped().cancelled ? cancelled() : std::move(outcome));
}

void WorkerPool::Impl::died(Worker& worker, const std::string& why) {
  ++worker.generation;
  worker.ready = false;
  boost::system::error_code ignored;
  worker.socket.close(ignored);
  const int status = kill_and_reap(std::exchange(worker.pid, -1));
  ++deaths;
  tell(WorkerEvent::Kind::kDied, worker.index, why + " (" + exit_text(status) + ")");
  note_death();
  schedule_restart(worker);
  auto lost = std::exchange(worker.running, {});
  worker.units = 0;
  for (const auto& [id, pending] : lost) queue.finished(pending.artefact, pending.units);
  for (const auto& [id, pending] : lost) pending.done(host_failure("the worker process died"));
  if (breaker_until) fail_queue("worker processes keep dying");
}

void WorkerPool::Impl::note_death() {
  const auto now = SteadyClock::now();
  recent_deaths.push_back(now);
  while (now - recent_deaths.front() > milliseconds(kBreakerWindowMs)) recent_deaths.pop_front();
  if (recent_deaths.size() < kBreakerDeaths || breaker_until) return;
  breaker_until = now + milliseconds(kBreakerWindowMs);
  tell(WorkerEvent::Kind::kBreakerOpen, 0, std::to_string(recent_deaths.size()) + " workers died within a minute");
}

void WorkerPool::Impl::schedule_restart(Worker& worker) {
  if (stopped) return;
  const auto now = SteadyClock::now();
  if (now - worker.started > milliseconds(kBreakerWindowMs)) worker.backoff_ms = kWorkerBackoffMinMs;
  auto at = now + milliseconds(worker.backoff_ms);
  worker.backoff_ms = std::min(worker.backoff_ms * 2, kWorkerBackoffMaxMs);
  if (breaker_until) at = std::max(at, *breaker_until);
  worker.restart.expires_at(at);
  worker.restart.async_wait([self = shared_from_this(), &worker](const auto& error) {
    if (error || self->stopped) return;
    const bool opened_meanwhile = self->breaker_until && SteadyClock::now() < *self->breaker_until;
    if (opened_meanwhile) return self->schedule_restart(worker);
    if (self->breaker_until) {
      self->breaker_until.reset();
      self->recent_deaths.clear();
      self->tell(WorkerEvent::Kind::kBreakerClosed, worker.index, "workers are started again");
    }
    if (!self->start_worker(worker)) return self->schedule_restart(worker);
    self->dispatch();
  });
}

void WorkerPool::Impl::fail_queue(const std::string& why) {
  if (least_busy() != nullptr) return;
  for (const auto& queued : queue.take_all()) queued.done(host_failure(why));
}

void WorkerPool::Impl::add(std::uint64_t id, CallJob job, Done done) {
  ++calls;
  if (stopped) return done(host_failure("the node is stopping"));
  if (const Status ok = check_job(job); !ok) return done(host_failure(ok.error().message));
  const bool none = std::ranges::none_of(workers, [](const auto& w) { return w->ready; });
  if (none && breaker_until) return done(host_failure("worker processes keep dying"));
  const Hash artefact = job.artefact;
  const std::size_t units = units_of(job);
  Queued queued{id, std::move(job), std::move(done)};
  if (!queue.push(artefact, std::move(queued), units))
    return queued.done(host_failure("too many calls wait for a worker"));
  dispatch();
}

void WorkerPool::Impl::cancel(std::uint64_t id) {
  if (const auto waited = queue.take_if([id](const Queued& queued) { return queued.id == id; })) {
    return waited->done(cancelled());
  }
  for (const auto& worker : workers) {
    const auto found = worker->running.find(id);
    if (found == worker->running.end()) continue;
    if (std::exchange(found->second.cancelled, true)) return;
    writer.put(worker->out, NodeMessage(WorkerCancel{id}));
    return flush_soon(*worker);
  }
}

WorkerPool::Impl::Worker* WorkerPool::Impl::least_busy() {
  Worker* best = nullptr;
  for (const auto& worker : workers) {
    if (worker->ready && (best == nullptr || worker->units < best->units)) best = worker.get();
  }
  return best;
}

void WorkerPool::Impl::dispatch() {
  // One service never has all slots, so that its endless loops leave some for the others.
  const std::size_t slots = kWorkerSlots * workers.size();
  while (queue.size() > 0) {
    Worker* worker = least_busy();
    if (worker == nullptr || worker->units >= kWorkerSlots) return;
    auto next = queue.pop(slots - slots / 4, kWorkerSlots - worker->units);
    if (!next) return;
    assign(*worker, std::move(next->item), next->units);
  }
}

void WorkerPool::Impl::assign(Worker& worker, Queued queued, std::size_t units) {
  const std::uint64_t id = queued.id;
  const Hash artefact = queued.job.artefact;
  const auto kill_at = SteadyClock::now() + milliseconds(std::uint64_t{queued.job.call.deadline_ms} + kWorkerGraceMs);
  writer.put(worker.out, NodeMessage(message_of(id, std::move(queued.job))));
  worker.running.emplace(id, Pending{artefact, units, std::move(queued.done), kill_at});
  worker.units += units;
  flush_soon(worker);
}

void WorkerPool::Impl::flush_soon(Worker& worker) {
  if (worker.flush_queued) return;
  worker.flush_queued = true;  // later in this turn, so that calls made together go together
  asio::post(executor, [self = shared_from_this(), &worker, generation = worker.generation] {
    if (generation == worker.generation) self->flush(worker);
  });
}

void WorkerPool::Impl::flush(Worker& worker) {
  while (worker.sent < worker.out.size()) {
    const ssize_t n = ::send(worker.socket.native_handle(), worker.out.data() + worker.sent,
                             worker.out.size() - worker.sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_writable(worker);
    if (n < 0) return died(worker, std::strerror(errno));
    worker.sent += static_cast<std::size_t>(n);
  }
  worker.out.clear();
  worker.sent = 0;
  worker.flush_queued = false;
}

void WorkerPool::Impl::wait_writable(Worker& worker) {
  worker.socket.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this(), &worker, generation = worker.generation](const auto& error) {
                             if (!error && generation == worker.generation) self->flush(worker);
                           });
}

void WorkerPool::Impl::watch_deadlines() {
  watch.expires_after(kWatchInterval);
  watch.async_wait([self = shared_from_this()](const auto& error) {
    if (error || self->stopped) return;
    const auto now = SteadyClock::now();
    for (const auto& worker : self->workers) {
      const bool late =
          std::ranges::any_of(worker->running, [&](const auto& entry) { return now >= entry.second.kill_at; });
      if (late) self->died(*worker, "it did not end a call at its deadline");
    }
    self->watch_deadlines();
  });
}

void WorkerPool::Impl::stop() {
  if (std::exchange(stopped, true)) return;
  watch.cancel();
  std::vector<Done> open;
  for (const auto& worker : workers) {
    ++worker->generation;
    worker->ready = false;
    worker->restart.cancel();
    boost::system::error_code ignored;
    worker->socket.close(ignored);
    for (auto& [id, pending] : std::exchange(worker->running, {})) {
      queue.finished(pending.artefact, pending.units);
      open.push_back(std::move(pending.done));
    }
    kill_and_reap(std::exchange(worker->pid, -1));
  }
  for (auto& queued : queue.take_all()) open.push_back(std::move(queued.done));
  for (const Done& done : open) done(host_failure("the node is stopping"));
}

WorkerPool::WorkerPool(asio::any_io_executor executor, WorkerPoolOptions options, OnEvent on_event)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options), std::move(on_event))) {}

WorkerPool::~WorkerPool() {
  stop();
}

Status WorkerPool::start() {
  for (std::uint32_t i = 0; i < std::max(1U, impl_->options.workers); ++i) {
    impl_->workers.push_back(std::make_unique<Impl::Worker>(impl_->executor));
    impl_->workers.back()->index = i;
    TRY(impl_->start_worker(*impl_->workers.back()));
  }
  impl_->watch_deadlines();
  return {};
}

std::uint64_t WorkerPool::call(CallJob job, Done done) {
  const std::uint64_t id = impl_->next_id++;
  asio::dispatch(impl_->executor, [impl = impl_, id, job = std::move(job), done = std::move(done)]() mutable {
    impl->add(id, std::move(job), std::move(done));
  });
  return id;
}

void WorkerPool::cancel(std::uint64_t call) {
  asio::dispatch(impl_->executor, [impl = impl_, call] { impl->cancel(call); });
}

void WorkerPool::stop() {
  asio::dispatch(impl_->executor, [impl = impl_] { impl->stop(); });
}

void WorkerPool::status(std::function<void(WorkerPoolStatus)> tell) const {
  asio::dispatch(impl_->executor, [impl = impl_, tell = std::move(tell)] {
    WorkerPoolStatus s;
    for (const auto& worker : impl->workers) {
      s.alive += worker->ready ? 1 : 0;
      s.running += worker->running.size();
    }
    s.queued = impl->queue.size();
    s.calls = impl->calls;
    s.deaths = impl->deaths;
    s.breaker_open = impl->breaker_until.has_value();
    tell(s);
  });
}

}  // namespace micro
