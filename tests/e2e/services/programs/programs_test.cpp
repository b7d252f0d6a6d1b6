// This binary is also the compiler and the worker that its tests start.
#include <boost/asio/io_context.hpp>

#include "services/host/cgi/cgi.hpp"
#include "services/host/worker/worker_main.hpp"
#include "services/host/worker/worker_pool.hpp"
#include "services/wasm/module_cache/module_cache.hpp"
#include "tests/gen/guest.hpp"
#include "tests/gen/run_tests.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

/// What a host does with one request, without the network and the payment.
class Programs : public ::testing::Test {
 protected:
  void SetUp() override {
    cache_ = wasm::ModuleCache::open({.folder = folder_.path(), .program = "/proc/self/exe", .limits = {}, .caps = {}})
                 .value();
    WorkerPoolOptions options;
    options.artefacts = folder_.path();
    pool_ = std::make_unique<WorkerPool>(io_.get_executor(), options, WorkerPool::OnEvent{});
    ASSERT_TRUE(pool_->start());
  }
  void TearDown() override {
    pool_->stop();
    io_.restart();
    io_.run();
  }

  Result<CgiResponse> serve(const std::string& guest, CgiRequest request, std::string_view body) {
    request.body = as_bytes(body);
    CallJob job;
    job.artefact = TRY(cache_->get(wasm::read_guest(guest)));
    job.call = wasm::call_of({guest}, 1'000'000'000);
    job.call.env = TRY(cgi_variables(request));
    job.input = to_bytes(body);
    std::optional<wasm::ProgramOutcome> outcome;
    pool_->call(std::move(job), [&](wasm::ProgramOutcome o) { outcome = std::move(o); });
    io_.restart();
    while (!outcome && io_.run_one_for(std::chrono::seconds(60)) > 0) {
    }
    if (!outcome) return fail(Fault::kUnreachable, "no outcome");
    if (outcome->kind != wasm::CallEnd::kExited) return fail(Fault::kRejected, outcome->detail);
    return parse_cgi_response(outcome->out);
  }

  test::TempFolder folder_;
  boost::asio::io_context io_;
  std::unique_ptr<wasm::ModuleCache> cache_;
  std::unique_ptr<WorkerPool> pool_;
};

TEST_F(Programs, CProgramAnswersOverCgi) {
  CgiRequest request;
  request.method = "POST";
  request.path = "/a%20b";
  const auto reply = serve("echo", request, "ping");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_TRUE(as_text(reply->body).starts_with("echo POST /a b\n"));
  EXPECT_TRUE(as_text(reply->body).ends_with("\nping"));
}

TEST_F(Programs, OrdinaryGoHandlerAnswersOverCgi) {
  CgiRequest request;
  request.method = "PUT";
  request.path = "/items";
  request.query = "name=bob";
  const auto reply = serve("web", request, "12345");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 202);
  EXPECT_EQ(reply->headers, (HeaderFields{{"Content-Type", "text/html"}}));
  EXPECT_EQ(as_text(reply->body), "PUT /items 5 bytes, slept 2s\n<p>&lt;script&gt;bob</p>\n");
}

}  // namespace
}  // namespace micro

int main(int argc, char** argv) {
  if (micro::is_worker(argc, argv)) return micro::worker_main(argc, argv);
  if (micro::wasm::is_compile_child(argc, argv)) return micro::wasm::compile_child_main(argc, argv);
  return micro::test::run_all_tests(argc, argv);
}
