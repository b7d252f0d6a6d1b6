#include "chain/ledger/work_pool.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace micro {
namespace {

TEST(WorkPool, DoesEveryPieceOnce) {
  for (const std::size_t threads : {1U, 2U, 4U}) {
    WorkPool pool(threads);
    for (const std::size_t items : {0U, 1U, 49U, 50U, 51U, 1000U}) {
      std::vector<std::atomic<int>> done(items);
      pool.each(items, 50, [&](std::size_t begin, std::size_t end) {
        EXPECT_LE(end - begin, 50U);
        for (std::size_t i = begin; i < end; ++i) ++done[i];
      });
      for (const auto& n : done) EXPECT_EQ(n, 1);
    }
  }
}

TEST(WorkPool, CallersAtOnceAllFinish) {
  WorkPool pool(3);
  std::atomic<std::size_t> sum = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.each(200, 7, [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) sum += i;
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4U * 50U * (199U * 200U / 2));
}

}  // namespace
}  // namespace micro
