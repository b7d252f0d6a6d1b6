#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>

#include "chain/crypto/hash.hpp"
#include "services/host/worker/messages.hpp"
#include "services/host/worker/worker_main.hpp"
#include "services/host/worker/worker_pool.hpp"
#include "tests/gen/guest.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

using wasm::CallEnd;
using wasm::ProgramOutcome;

/// A pool on an executor that the test drives.
class WorkerPoolTest : public ::testing::Test {
 protected:
  void start(std::uint32_t workers = 1) {
    WorkerPoolOptions options;
    options.artefacts = folder_.path();
    options.workers = workers;
    pool_ = std::make_unique<WorkerPool>(io_.get_executor(), options,
                                         [this](const WorkerEvent& e) { events_.push_back(e); });
    const Status started = pool_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void TearDown() override {
    if (pool_) pool_->stop();
    io_.restart();
    io_.run();
    EXPECT_LT(::waitpid(-1, nullptr, WNOHANG), 0) << "a worker process is left";
  }

  Hash install(const std::string& guest) {
    if (installed_.contains(guest)) return installed_[guest];
    const Bytes wasm = wasm::read_guest(guest);
    static std::map<std::string, Bytes> compiled;
    if (!compiled.contains(guest)) compiled[guest] = wasm::test_engine().compile(wasm).value();
    const Hash name = sha256(wasm);
    std::ofstream(folder_.path() / (name.hex() + ".cwasm"), std::ios::binary) << as_text(compiled[guest]);
    return installed_[guest] = name;
  }

  CallJob job(const std::string& guest, std::vector<std::string> args, std::string_view input = {}) {
    return {.artefact = install(guest), .call = wasm::call_of(std::move(args)), .input = to_bytes(input)};
  }

  /// Runs the executor until `count` more outcomes are there.
  void wait_for(std::size_t count) {
    io_.restart();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (outcomes_.size() < count && std::chrono::steady_clock::now() < give_up)
      io_.run_one_for(std::chrono::seconds(1));
    ASSERT_GE(outcomes_.size(), count);
  }
  void call(CallJob j) {
    pool_->call(std::move(j), [this](ProgramOutcome o) { outcomes_.push_back(std::move(o)); });
  }
  ProgramOutcome run(CallJob j) {
    call(std::move(j));
    wait_for(outcomes_.size() + 1);
    return outcomes_.empty() ? ProgramOutcome{} : outcomes_.back();
  }
  std::size_t count(WorkerEvent::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events_, kind, &WorkerEvent::kind));
  }

  test::TempFolder folder_;
  boost::asio::io_context io_;
  std::unique_ptr<WorkerPool> pool_;
  std::map<std::string, Hash> installed_;
  std::vector<WorkerEvent> events_;
  std::vector<ProgramOutcome> outcomes_;
};

TEST_F(WorkerPoolTest, CallRunsInAConfinedProcessAndGivesWhatTheEngineGives) {
  start();
  CallJob j = job("echo", {"svc"}, "body");
  j.call.env = wasm::Texts::of_variables({{"REQUEST_METHOD", "PUT"}});
  wasm::ProgramCall direct = j.call;
  direct.input = as_bytes("body");
  const ProgramOutcome out = run(std::move(j));
  EXPECT_EQ(out, wasm::test_engine().run(wasm::compile_guest("echo"), direct));
  EXPECT_TRUE(wasm::text_of(out.out).ends_with("body"));
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(events_[0].kind, WorkerEvent::Kind::kStarted);
  EXPECT_NE(events_[0].text.find("seccomp"), std::string::npos) << events_[0].text;
}

TEST_F(WorkerPoolTest, ManyCallsOnTwoWorkersAllAnswerWithTheirOwnReply) {
  start(2);
  constexpr int kCalls = 300;
  std::vector<std::string> replies(kCalls);
  int done = 0;
  for (int i = 0; i < kCalls; ++i) {
    pool_->call(job("echo", {"svc"}, "body " + std::to_string(i)), [&, i](const ProgramOutcome& out) {
      replies[static_cast<std::size_t>(i)] = wasm::text_of(out.out);
      ++done;
    });
  }
  io_.restart();
  while (done < kCalls && io_.run_one_for(std::chrono::seconds(30)) > 0) {
  }
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_TRUE(replies[static_cast<std::size_t>(i)].ends_with("\nbody " + std::to_string(i))) << i;
  }
}

TEST_F(WorkerPoolTest, LongCallsDoNotHoldUpShortOnes) {
  start();
  for (int i = 0; i < 6; ++i) {
    CallJob endless = job("hostile", {"h", "loop"});
    endless.call.gas_limit = Gas(1'000'000'000'000);
    endless.call.deadline_ms = 1'000;
    call(std::move(endless));
  }
  call(job("hostile", {"h", "exit", "5"}));
  wait_for(1);
  EXPECT_EQ(outcomes_[0].exit_code, 5U);
  wait_for(7);
  for (std::size_t i = 1; i < 7; ++i) EXPECT_EQ(outcomes_[i].kind, CallEnd::kDeadline);
}

TEST_F(WorkerPoolTest, ACancelledCallEndsSoonAndItsWorkerGoesOn) {
  start();
  EXPECT_EQ(run(job("hostile", {"h", "exit", "3"})).exit_code, 3U);  // the process is up and the module loaded
  CallJob endless = job("hostile", {"h", "loop"});
  endless.call.gas_limit = Gas(1'000'000'000'000);
  endless.call.deadline_ms = 3'600'000;
  std::vector<std::uint64_t> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(pool_->call(endless, [this](ProgramOutcome o) { outcomes_.push_back(std::move(o)); }));
  }
  call(job("hostile", {"h", "exit", "4"}));
  wait_for(2);  // the worker has them all: calls are begun in their order
  ASSERT_EQ(outcomes_[1].exit_code, 4U);
  pool_->cancel(calls[1]);
  wait_for(3);
  EXPECT_EQ(outcomes_[2].kind, CallEnd::kCancelled);
  EXPECT_EQ(outcomes_[2].gas, Gas(0));
  pool_->cancel(calls[1]);  // it has ended
  pool_->cancel(1'000'000);
  pool_->cancel(calls[0]);
  pool_->cancel(calls[0]);
  pool_->cancel(calls[2]);
  wait_for(5);
  EXPECT_EQ(outcomes_[4].kind, CallEnd::kCancelled);
  EXPECT_EQ(run(job("hostile", {"h", "exit", "5"})).exit_code, 5U);
  EXPECT_EQ(outcomes_.size(), 6U);
  EXPECT_EQ(count(WorkerEvent::Kind::kDied), 0U);
}

TEST_F(WorkerPoolTest, ACancelledCallLeavesTheQueue) {
  start();
  CallJob endless = job("hostile", {"h", "loop"});
  endless.call.gas_limit = Gas(1'000'000'000'000);
  endless.call.deadline_ms = 3'600'000;
  std::vector<std::uint64_t> calls;
  for (std::size_t i = 0; i < kWorkerSlots + 1; ++i) {
    calls.push_back(pool_->call(endless, [this](ProgramOutcome o) { outcomes_.push_back(std::move(o)); }));
  }
  pool_->cancel(calls.back());  // its service has all the slots it may have
  wait_for(1);
  EXPECT_EQ(outcomes_[0].kind, CallEnd::kCancelled);
  for (const std::uint64_t one : calls) pool_->cancel(one);
  wait_for(kWorkerSlots + 1);
  EXPECT_EQ(outcomes_.size(), kWorkerSlots + 1);
  EXPECT_EQ(run(job("hostile", {"h", "exit", "5"})).exit_code, 5U);
}

TEST_F(WorkerPoolTest, DeadlinesHoldWhileManyLongCallsArrive) {
  start();
  run(job("hostile", {"h", "exit", "0"}));  // the process is up and the module loaded
  const auto endless = [&](std::uint32_t deadline_ms) {
    CallJob j = job("hostile", {"h", "loop"});
    j.call.gas_limit = Gas(1'000'000'000'000);
    j.call.deadline_ms = deadline_ms;
    return j;
  };
  // All arrive at once, and each of the later ones takes a tick from its beginning to its end: together more than twice
  // the deadline of the first, whatever else the machine does.
  constexpr std::size_t kLater = kWorkerSlots / 2 + 7;
  static_assert(kLater * wasm::kTickMs > 200);
  std::size_t later_ended = 0;
  std::size_t before_the_first = 0;
  bool ended = false;
  pool_->call(endless(100), [&](const ProgramOutcome& out) {
    EXPECT_EQ(out.kind, CallEnd::kDeadline);
    before_the_first = later_ended;
    ended = true;
  });
  for (std::size_t i = 0; i < kLater; ++i) {
    pool_->call(endless(1), [&](const ProgramOutcome&) { ++later_ended; });
  }
  io_.restart();
  while ((!ended || later_ended < kLater) && io_.run_one_for(std::chrono::seconds(30)) > 0) {
  }
  EXPECT_TRUE(ended);
  EXPECT_LT(before_the_first, kLater) << "it waited until all that came later had begun";
}

TEST_F(WorkerPoolTest, OneServicesEndlessCallsLeaveRoomForAnother) {
  start();
  for (std::uint32_t i = 0; i < 2 * kWorkerSlots; ++i) {
    CallJob endless = job("hostile", {"h", "loop"});
    endless.call.gas_limit = Gas(1'000'000'000'000);
    endless.call.deadline_ms = 20'000;
    call(std::move(endless));
  }
  call(job("hello", {}));
  wait_for(1);
  EXPECT_EQ(outcomes_[0].kind, CallEnd::kExited);
}

TEST_F(WorkerPoolTest, CallsWithMuchMemoryTakeSeveralSlots) {
  start();
  for (int i = 0; i < 12; ++i) {
    CallJob large = job("hostile", {"h", "loop"});
    large.call.gas_limit = Gas(1'000'000'000'000);
    large.call.deadline_ms = 20'000;
    large.call.memory_bytes = wasm::kMaxMemoryBytes;
    call(std::move(large));
  }
  call(job("hello", {}));
  wait_for(1);
  EXPECT_EQ(outcomes_[0].kind, CallEnd::kExited);
  bool told = false;
  pool_->status([&](const WorkerPoolStatus& s) {
    EXPECT_EQ(s.running, 3 * kWorkerSlots / 4 / (wasm::kMaxMemoryBytes / kSlotMemoryBytes));
    told = true;
  });
  io_.restart();
  io_.poll();
  EXPECT_TRUE(told);
}

TEST_F(WorkerPoolTest, UnknownArtefactAndRefusedJobsAreHostFailures) {
  start();
  CallJob unknown = job("echo", {});
  unknown.artefact = Hash{};
  EXPECT_EQ(run(std::move(unknown)).kind, CallEnd::kHostFailure);
  CallJob large = job("echo", {});
  large.input.resize(kMaxJobInputBytes + 1);
  EXPECT_EQ(run(std::move(large)).kind, CallEnd::kHostFailure);
  CallJob wide = job("echo", {});
  wide.call.env.add(std::string(kMaxJobTextBytes, 'x'));
  EXPECT_EQ(run(std::move(wide)).kind, CallEnd::kHostFailure);
  CallJob many = job("echo", {});
  for (std::size_t i = 0; i <= kMaxJobTexts; ++i) many.call.args.add("x");
  EXPECT_EQ(run(std::move(many)).kind, CallEnd::kHostFailure);
  CallJob odd = job("echo", {});
  odd.call.env = wasm::Texts::of_variables({{"PATH_INFO", "/\xff"}});
  EXPECT_NE(wasm::text_of(run(std::move(odd)).out).find("/\xff"), std::string::npos);
  EXPECT_EQ(run(job("echo", {})).kind, CallEnd::kExited);  // and the worker lives
  EXPECT_EQ(count(WorkerEvent::Kind::kDied), 0U);
}

TEST_F(WorkerPoolTest, QueueIsBounded) {
  start();
  for (std::size_t i = 0; i < kMaxQueuedCallsOfOne + kWorkerSlots + 1; ++i) call(job("echo", {}));
  wait_for(1);
  EXPECT_TRUE(std::ranges::any_of(outcomes_, [](const ProgramOutcome& out) {
    return out.kind == CallEnd::kHostFailure && out.detail.find("too many") != std::string::npos;
  }));
}

/// The pid of the worker, as the kernel knows this process's children.
pid_t only_child() {
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t pid = -1;
  children >> pid;
  return pid;
}

TEST_F(WorkerPoolTest, DeadWorkerIsReplacedAndItsCallsEndAsHostFailures) {
  start();
  EXPECT_EQ(run(job("echo", {})).kind, CallEnd::kExited);
  CallJob endless = job("hostile", {"h", "loop"});
  endless.call.gas_limit = Gas(1'000'000'000'000);
  call(std::move(endless));
  io_.restart();
  io_.poll();
  ASSERT_GT(only_child(), 0);
  ::kill(only_child(), SIGKILL);
  wait_for(2);
  EXPECT_EQ(outcomes_[1].kind, CallEnd::kHostFailure);
  EXPECT_EQ(outcomes_[1].gas.value, 0U);
  EXPECT_EQ(count(WorkerEvent::Kind::kDied), 1U);
  EXPECT_EQ(run(job("echo", {})).kind, CallEnd::kExited);  // waits for the new one
  EXPECT_EQ(count(WorkerEvent::Kind::kStarted), 2U);
}

TEST_F(WorkerPoolTest, WorkerThatIsNotOneOpensTheBreaker) {
  WorkerPoolOptions options;
  options.artefacts = folder_.path();
  options.program = "/bin/false";
  pool_ =
      std::make_unique<WorkerPool>(io_.get_executor(), options, [this](const WorkerEvent& e) { events_.push_back(e); });
  ASSERT_TRUE(pool_->start());
  call(job("echo", {}));
  call(job("echo", {}));
  io_.restart();
  while (count(WorkerEvent::Kind::kBreakerOpen) == 0 && io_.run_one_for(std::chrono::seconds(30)) > 0) {
  }
  EXPECT_EQ(count(WorkerEvent::Kind::kDied), kBreakerDeaths);
  EXPECT_EQ(outcomes_.size(), 2U);
  call(job("echo", {}));
  wait_for(3);
  for (const ProgramOutcome& out : outcomes_) EXPECT_EQ(out.kind, CallEnd::kHostFailure);
  pool_->status([](const WorkerPoolStatus& s) {
    EXPECT_TRUE(s.breaker_open);
    EXPECT_EQ(s.alive, 0U);
  });
}

TEST_F(WorkerPoolTest, StopEndsEveryCall) {
  start();
  CallJob endless = job("hostile", {"h", "loop"});
  endless.call.gas_limit = Gas(1'000'000'000'000);
  for (int i = 0; i < 50; ++i) call(endless);
  io_.restart();
  io_.poll();
  pool_->stop();
  io_.restart();
  io_.run();
  ASSERT_EQ(outcomes_.size(), 50U);
  for (const ProgramOutcome& out : outcomes_) EXPECT_EQ(out.kind, CallEnd::kHostFailure);
  call(job("echo", {}));
  io_.restart();
  io_.run();
  EXPECT_EQ(outcomes_.size(), 51U);
}

}  // namespace
}  // namespace micro
