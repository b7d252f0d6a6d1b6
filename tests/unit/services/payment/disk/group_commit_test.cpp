#include "services/payment/disk/group_commit.hpp"

#include <gtest/gtest.h>

#include <future>

namespace micro::payment {
namespace {

Persist persist_of(std::uint64_t token) {
  Persist p;
  p.token = token;
  p.writes.push_back({encode(token), encode(token)});
  return p;
}

/// A disk that stands still until it is told to go on.
class GatedStore final : public PaymentStore {
 public:
  Status write(std::span<const Write> batch) override {
    ++writes;
    started.set_value();
    const bool works = gate.get_future().get();
    gate = {};
    if (!works) return fail(Fault::kIo, "no space");
    return inner.write(batch);
  }
  Result<std::optional<Bytes>> get(ByteView key) const override { return inner.get(key); }
  Status scan(const std::function<Status(ByteView, ByteView)>& visit) const override { return inner.scan(visit); }

  MemoryStore inner;
  int writes = 0;
  std::promise<void> started;
  std::promise<bool> gate;
};

TEST(GroupCommit, WhatComesWhileTheDiskIsBusyGoesDownTogether) {
  GatedStore store;
  std::vector<std::uint64_t> reported;
  {
    GroupCommit commit(store, [&](Result<std::uint64_t> through) { reported.push_back(*through); });
    commit.submit(persist_of(1));
    store.started.get_future().wait();
    for (std::uint64_t token = 2; token <= 100; ++token) commit.submit(persist_of(token));
    store.started = {};
    auto second = store.started.get_future();
    store.gate.set_value(true);
    second.wait();
    store.gate.set_value(true);
  }
  EXPECT_EQ(store.writes, 2);
  EXPECT_EQ(reported, (std::vector<std::uint64_t>{1, 100}));
  EXPECT_EQ(store.inner.entries().size(), 100U);
}

TEST(GroupCommit, AfterAFailureNothingMoreIsWritten) {
  GatedStore store;
  std::vector<bool> reported;
  {
    GroupCommit commit(store, [&](Result<std::uint64_t> through) { reported.push_back(through.has_value()); });
    commit.submit(persist_of(1));
    store.started.get_future().wait();
    commit.submit(persist_of(2));
    store.gate.set_value(false);
  }
  EXPECT_EQ(store.writes, 1);
  EXPECT_EQ(reported, std::vector<bool>{false});
}

TEST(GroupCommit, EndsOnlyWhenEverythingIsWritten) {
  MemoryStore store;
  std::uint64_t last = 0;
  {
    GroupCommit commit(store, [&](Result<std::uint64_t> through) { last = *through; });
    for (std::uint64_t token = 1; token <= 1'000; ++token) commit.submit(persist_of(token));
  }
  EXPECT_EQ(last, 1'000U);
  EXPECT_EQ(store.entries().size(), 1'000U);
}

}  // namespace
}  // namespace micro::payment
