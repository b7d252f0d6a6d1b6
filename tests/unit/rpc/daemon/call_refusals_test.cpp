// What a caller is told when its call is not made.
#include "rpc/daemon/call_refusals.hpp"

#include <gtest/gtest.h>

#include "genesis/json/strict_json.hpp"

namespace micro {
namespace {

std::string header_of(const HttpReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return {};
}

x402::Offer an_offer() {
  x402::Offer offer;
  offer.resource = "/api/hello/x";
  offer.price = Amount(300);
  offer.least_max_price = Amount(450);
  offer.error = "payment required";
  return offer;
}

TEST(CallRefusals, PaymentIsAskedForOnlyWithAnOfferThatCanBePaid) {
  const Error capped{Fault::kFunds, "the session key pays at most 0.000100 TOK a call", "grant more"};
  const HttpReply reply = problem_of(capped, an_offer());
  EXPECT_EQ(reply.status, 402u);
  const auto offer = x402::parse_required(ChainId(), header_of(reply, x402::kRequired));
  ASSERT_TRUE(offer.has_value()) << offer.error().message;
  EXPECT_EQ(offer->error, capped.message);
  EXPECT_EQ(offer->least_max_price, Amount(450));
  EXPECT_EQ(problem_of(capped).status, 403u) << "without an offer nothing can be paid";
  for (const Fault fault : {Fault::kInternal, Fault::kInvalid, Fault::kNotFound, Fault::kDenied, Fault::kRejected,
                            Fault::kUnknownOutcome, Fault::kMismatch, Fault::kLimit, Fault::kBusy}) {
    const HttpReply other = problem_of({fault, "no"}, an_offer());
    EXPECT_NE(other.status, 402u);
    EXPECT_EQ(header_of(other, x402::kRequired), "") << other.status;
  }
}

TEST(CallRefusals, APausedServiceIsUnavailableWhateverTheCallerPays) {
  ServedVersion version;
  version.state = VersionState::kPaused;
  const auto reply = not_served(version, "poor", 2'500);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 503u);
  EXPECT_EQ(header_of(*reply, "Retry-After"), "3") << "the epoch's time, rounded up";
  const auto body = parse_json(reply->body);
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ((*body)["code"], "paused");
  EXPECT_NE((*body)["detail"].get<std::string>().find("poor is paused"), std::string::npos);
  EXPECT_NE((*body)["hint"].get<std::string>().find("micro service fund poor"), std::string::npos);
  EXPECT_EQ(header_of(*not_served(version, "poor", 0), "Retry-After"), "1");
}

TEST(CallRefusals, WhatWaitsSaysForWhat) {
  ServedVersion version;
  version.state = VersionState::kAnnounced;
  EXPECT_EQ(not_served(version, "new", 1'000)->status, 503u);
  version.state = VersionState::kIrreproducible;
  EXPECT_EQ(not_served(version, "new", 1'000)->status, 502u);
  version.state = VersionState::kActive;
  EXPECT_EQ(not_served(version, "new", 1'000)->status, 503u) << "placed nowhere";
}

}  // namespace
}  // namespace micro
