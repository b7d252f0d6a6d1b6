#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>

#include "chain/crypto/hash.hpp"
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
    const Bytes wasm = wasm::read_guest(guest);
    static std::map<std::string, Bytes> compiled;
    if (!compiled.contains(guest)) compiled[guest] = wasm::test_engine().compile(wasm).value();
    const Hash name = sha256(wasm);
    std::ofstream(folder_.path() / (name.hex() + ".cwasm"), std::ios::binary) << as_text(compiled[guest]);
    return name;
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
    ASSERT_EQ(outcomes_.size(), count);
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
  std::vector<WorkerEvent> events_;
  std::vector<ProgramOutcome> outcomes_;
};

TEST_F(WorkerPoolTest, CallRunsInAConfinedProcessAndGivesWhatTheEngineGives) {
  start();
  CallJob j = job("echo", {"svc"}, "body");
  j.call.env = {{"REQUEST_METHOD", "PUT"}};
  wasm::ProgramCall direct = j.call;
  direct.input = as_bytes("body");
  const ProgramOutcome out = run(std::move(j));
  EXPECT_EQ(out, wasm::test_engine().run(wasm::compile_guest("echo"), direct));
  EXPECT_TRUE(wasm::text_of(out.out).ends_with("body"));
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(events_[0].kind, WorkerEvent::Kind::kStarted);
  EXPECT_NE(events_[0].text.find("seccomp"), std::string::npos) << events_[0].text;
}

}  // namespace
}  // namespace micro
