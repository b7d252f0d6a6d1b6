#include "rpc/client/node_client.hpp"

#include <gtest/gtest.h>

#include "tests/gen/fake_node.hpp"

namespace micro {
namespace {

TEST(NodeClient, CallsMethodsOverOneConnection) {
  test::FakeNode node;
  int calls = 0;
  node.methods.add("add", [&](RpcParams& params) -> Result<Json> {
    ++calls;
    return Json{{"sum", std::to_string(TRY(params.u64("a")) + TRY(params.u64("b")))}};
  });
  node.start();
  NodeClient client(node.socket());
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto answer = client.call("add", {{"a", i}, {"b", "40"}});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ((*answer)["sum"], std::to_string(40 + i));
  }
  EXPECT_EQ(calls, 3);
}

TEST(NodeClient, HandsOnTheNodesErrors) {
  test::FakeNode node;
  node.methods.add("find",
                   [](RpcParams&) -> Result<Json> { return fail(Fault::kNotFound, "no such tree", "plant one"); });
  node.start();
  NodeClient client(node.socket());
  const auto answer = client.call("find");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error(), (Error{Fault::kNotFound, "no such tree", "plant one"}));
  EXPECT_FALSE(client.call("unknown").has_value());
}

TEST(NodeClient, SaysHowToStartANodeThatDoesNotRun) {
  const test::TempFolder folder;
  NodeClient client(folder / "rpc.sock");
  const auto answer = client.call("node.info");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().fault, Fault::kUnreachable);
  EXPECT_NE(answer.error().message.find("the node is not running"), std::string::npos);
  EXPECT_NE(answer.error().hint.find("micro server"), std::string::npos);
}

TEST(NodeClient, AChangeWithoutAnAnswerIsUnknownAndAReadIsNot) {
  test::FakeNode node;
  node.ignore("never");
  node.start();
  NodeClient client(node.socket());
  EXPECT_EQ(client.call("never", Json::object(), CallEffect::kRead, 50).error().fault, Fault::kUnreachable);
  EXPECT_EQ(client.call("never", Json::object(), CallEffect::kChange, 50).error().fault, Fault::kUnknownOutcome);
}

TEST(NodeClient, FollowsAStreamUntilItEndsOrTheReaderHasEnough) {
  test::FakeNode node;
  node.http = [](HttpRequest&&, HttpResponder responder) {
    const auto stream = std::move(responder).stream({200, "application/x-ndjson", {}, {}});
    stream->write("{\"n\":1}\n{\"n\"");
    stream->write(":2}\n");
    stream->write("{\"n\":3}\n");
    stream->end();
  };
  node.start();
  NodeClient client(node.socket());
  std::string all;
  const auto whole = client.follow(
      "/svc/logs",
      [&](std::string_view line) {
        all += std::string(line) + ";";
        return true;
      },
      5'000);
  EXPECT_TRUE(whole.has_value());
  EXPECT_EQ(all, "{\"n\":1};{\"n\":2};{\"n\":3};");
  int lines = 0;
  EXPECT_TRUE(client.follow("/svc/logs", [&](std::string_view) { return ++lines < 2; }, 5'000).has_value());
  EXPECT_EQ(lines, 2);
}

TEST(NodeClient, AStreamThatIsRefusedIsAnError) {
  test::FakeNode node;
  node.start();
  NodeClient client(node.socket());
  const auto refused = client.follow("/svc/logs", [](std::string_view) { return true; }, 5'000);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("404: nothing here"), std::string::npos) << refused.error().message;
}

TEST(NodeClient, PlainRequestsKeepStatusHeadersAndBody) {
  test::FakeNode node;
  node.http = [](HttpRequest&& request, HttpResponder responder) {
    std::move(responder).send(
        {418, "text/plain", {{"Micro-Charged", "0.1"}}, request.method + request.target + request.body});
  };
  node.start();
  NodeClient client(node.socket());
  ClientRequest request;
  request.method = "PUT";
  request.target = "/api/x/y?z=1";
  request.body = "hi";
  const auto reply = client.request(request);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 418u);
  EXPECT_EQ(find_header(reply->headers, "micro-charged"), "0.1");
  EXPECT_EQ(reply->body, "PUT/api/x/y?z=1hi");
}

}  // namespace
}  // namespace micro
