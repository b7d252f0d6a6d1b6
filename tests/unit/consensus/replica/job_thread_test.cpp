#include "consensus/replica/job_thread.hpp"

#include <gtest/gtest.h>

#include <future>

namespace micro {
namespace {

TEST(JobThread, DoesTheUrgentFirstAndEqualOnesInOrder) {
  JobThread thread(3);
  std::promise<void> gate;
  std::promise<void> begun;
  std::string done;
  std::promise<void> last;
  thread.add(0, [&] { begun.set_value(), gate.get_future().wait(); });
  begun.get_future().wait();
  thread.add(2, [&] { done += 'e', last.set_value(); });
  thread.add(1, [&] { done += 'c'; });
  thread.add(0, [&] { done += 'a'; });
  thread.add(1, [&] { done += 'd'; });
  thread.add(0, [&] { done += 'b'; });
  gate.set_value();
  last.get_future().wait();
  EXPECT_EQ(done, "abcde");
}

TEST(JobThread, IsIdleWhenNothingWaitsAndNothingIsUnderWay) {
  JobThread thread(2);
  std::promise<void> gate;
  std::promise<void> begun;
  EXPECT_TRUE(thread.is_idle());
  thread.add(1, [&] { begun.set_value(), gate.get_future().wait(); });
  begun.get_future().wait();
  EXPECT_FALSE(thread.is_idle()) << "at work";
  thread.add(0, [] {});
  EXPECT_FALSE(thread.is_idle()) << "at work, and more waits";
  gate.set_value();
  while (!thread.is_idle()) std::this_thread::yield();
}

TEST(JobThread, RefusesWhatIsTooMuchAndDropsTheRestWhenItStops) {
  int done = 0;
  std::promise<void> gate;
  {
    JobThread thread(1);
    std::promise<void> begun;
    thread.add(0, [&] { begun.set_value(), gate.get_future().wait(), ++done; });
    begun.get_future().wait();
    EXPECT_TRUE(thread.add(0, [&] { ++done; }, 2));
    EXPECT_TRUE(thread.add(0, [&] { ++done; }, 2));
    EXPECT_FALSE(thread.add(0, [&] { ++done; }, 2));
    std::thread opener([&] { gate.set_value(); });
    thread.stop();
    opener.join();
    EXPECT_FALSE(thread.add(0, [&] { ++done; }));
  }
  EXPECT_GE(done, 1);
  EXPECT_LE(done, 3);
}

}  // namespace
}  // namespace micro
