// Calls a second of a small C program, in this process and through worker processes. One JSON line a figure.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "chain/crypto/hash.hpp"
#include "services/host/worker/worker_main.hpp"
#include "services/host/worker/worker_pool.hpp"
#include "tests/gen/guest.hpp"
#include "tests/gen/run_tests.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kCalls = 40'000;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

wasm::ProgramCall request() {
  wasm::ProgramCall call = wasm::call_of({"hello"});
  call.env =
      wasm::Texts::of_variables({{"REQUEST_METHOD", "GET"}, {"PATH_INFO", "/"}, {"SERVER_PROTOCOL", "HTTP/1.1"}});
  return call;
}

void report(const char* name, int calls, double seconds) {
  std::printf("{\"bench\":\"%s\",\"calls\":%d,\"calls_per_s\":%.0f,\"us_per_call\":%.2f}\n", name, calls,
              calls / seconds, 1e6 * seconds / calls);
}

TEST(WorkerBench, InProcess) {
  const wasm::Module module = wasm::compile_guest("hello");
  const auto start = Clock::now();
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_EQ(wasm::test_engine().run(module, request()).kind, wasm::CallEnd::kExited);
  }
  report("wasm_call_in_process", kCalls, seconds_since(start));
}

void through_workers(const char* name, std::uint32_t workers, int in_flight, int calls) {
  test::TempFolder folder;
  const Bytes wasm = wasm::read_guest("hello");
  const Hash artefact = sha256(wasm);
  std::ofstream(folder / (artefact.hex() + ".cwasm"), std::ios::binary)
      << as_text(wasm::test_engine().compile(wasm).value());
  boost::asio::io_context io(1);
  WorkerPoolOptions options;
  options.artefacts = folder.path();
  options.workers = workers;
  WorkerPool pool(io.get_executor(), options, {});
  ASSERT_TRUE(pool.start());
  int sent = 0, done = 0;
  std::function<void()> next = [&] {
    if (sent == calls) return;
    ++sent;
    pool.call({.artefact = artefact, .call = request(), .input = {}}, [&](const wasm::ProgramOutcome& out) {
      ASSERT_EQ(out.kind, wasm::CallEnd::kExited) << out.detail;
      if (++done == calls) pool.stop();
      next();
    });
  };
  next();
  while (done == 0) io.run_one();  // the worker is up
  const auto start = Clock::now();
  for (int i = 1; i < in_flight; ++i) next();
  io.run();
  report(name, calls, seconds_since(start));
}

TEST(WorkerBench, OneWorkerOneInFlight) {
  through_workers("wasm_call_worker_1", 1, 1, kCalls / 4);
}
TEST(WorkerBench, OneWorkerThirtyTwoInFlight) {
  through_workers("wasm_call_worker_32", 1, 32, kCalls);
}
TEST(WorkerBench, TwoWorkersSixtyFourInFlight) {
  through_workers("wasm_call_2_workers_64", 2, 64, kCalls);
}

}  // namespace
}  // namespace micro

int main(int argc, char** argv) {
  if (micro::is_worker(argc, argv)) return micro::worker_main(argc, argv);
  return micro::test::run_all_tests(argc, argv);
}
