#include "services/wasm/wasi.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace micro::wasm {
namespace {

namespace e = wasi_errno;

/// A guest's memory and its calls, without a guest.
class WasiTest : public ::testing::Test {
 protected:
  WasiErrno call(std::string_view name, std::initializer_list<std::uint64_t> args) {
    const WasiFunction* function = find_wasi_function(name);
    EXPECT_NE(function, nullptr) << name;
    EXPECT_EQ(function->params.size(), args.size()) << name;
    return wasi().call(function->handler, {args.begin(), args.size()}, memory_, gas_);
  }
  Wasi& wasi() {
    if (!wasi_) wasi_.emplace(call_);
    return *wasi_;
  }
  template <class U>
  U get(std::size_t at) const {
    U value;
    std::memcpy(&value, memory_.data() + at, sizeof value);
    return value;
  }
  template <class U>
  void put(std::size_t at, U value) {
    std::memcpy(memory_.data() + at, &value, sizeof value);
  }
  std::string text(std::size_t at) const { return reinterpret_cast<const char*>(memory_.data() + at); }
  void vector(std::size_t at, std::uint32_t base, std::uint32_t size) {
    put(at, base);
    put(at + 4, size);
  }
  void clock_subscription(std::size_t at, std::uint64_t user, std::uint32_t clock, std::uint64_t timeout,
                          std::uint16_t flags) {
    std::memset(memory_.data() + at, 0, 48);
    put(at, user);
    put(at + 16, clock);
    put(at + 24, timeout);
    put(at + 40, flags);
  }

  ProgramCall call_ = [] {
    ProgramCall c;
    c.gas_limit = Gas(1'000'000);
    c.time = TimeMs(5'000);
    c.args = Texts::of({"prog", "-x"});
    c.env = Texts::of_variables({{"A", "1"}, {"B", ""}});
    c.input = as_bytes("abcdef");
    c.out_bytes = 10;
    c.log_bytes = 10;
    c.deadline_ms = 1'000;
    return c;
  }();
  Bytes memory_ = Bytes(4'096);
  std::uint64_t gas_ = 1'000'000;
  std::optional<Wasi> wasi_;
};

TEST_F(WasiTest, ArgumentsAndEnvironment) {
  EXPECT_EQ(call("args_sizes_get", {0, 4}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(0), 2U);
  EXPECT_EQ(get<std::uint32_t>(4), 8U);
  EXPECT_EQ(call("args_get", {16, 100}), e::kSuccess);
  EXPECT_EQ(text(get<std::uint32_t>(16)), "prog");
  EXPECT_EQ(text(get<std::uint32_t>(20)), "-x");
  EXPECT_EQ(call("environ_sizes_get", {0, 4}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(0), 2U);
  EXPECT_EQ(call("environ_get", {16, 100}), e::kSuccess);
  EXPECT_EQ(text(get<std::uint32_t>(16)), "A=1");
  EXPECT_EQ(text(get<std::uint32_t>(20)), "B=");
}

TEST_F(WasiTest, StdinIsReadInPieces) {
  vector(0, 100, 4);
  vector(8, 200, 1);
  EXPECT_EQ(call("fd_read", {0, 0, 2, 16}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(16), 5U);
  EXPECT_EQ(text(100), "abcd");
  EXPECT_EQ(text(200), "e");
  EXPECT_EQ(call("fd_read", {0, 0, 1, 16}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(16), 1U);
  EXPECT_EQ(call("fd_read", {0, 0, 1, 16}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(16), 0U);
  EXPECT_EQ(call("fd_read", {1, 0, 1, 16}), e::kBadf);
}

TEST_F(WasiTest, WritesAreGatheredAndLimited) {
  std::memcpy(memory_.data() + 100, "0123456789", 10);
  vector(0, 100, 4);
  vector(8, 104, 6);
  EXPECT_EQ(call("fd_write", {1, 0, 2, 16}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(16), 10U);
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kNone);
  call("fd_write", {2, 0, 2, 16});
  call("fd_write", {2, 0, 1, 16});
  EXPECT_EQ(get<std::uint32_t>(16), 4U);  // pretends to be written
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kNone);
  call("fd_write", {1, 0, 1, 16});
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kTrap);
  EXPECT_EQ(as_text(wasi().take_out()), "0123456789");
  EXPECT_EQ(as_text(wasi().take_log()), "0123456789");
  EXPECT_EQ(call("fd_write", {0, 0, 1, 16}), e::kBadf);
}

TEST_F(WasiTest, AddressesOutsideTheMemoryAreFaults) {
  const std::uint64_t end = memory_.size();
  EXPECT_EQ(call("args_sizes_get", {end, 0}), e::kFault);
  EXPECT_EQ(call("args_get", {end - 4, 0}), e::kFault);
  EXPECT_EQ(call("args_get", {0, end - 2}), e::kFault);
  EXPECT_EQ(call("clock_time_get", {0, 0, end - 7}), e::kFault);
  EXPECT_EQ(call("random_get", {end - 1, 2}), e::kFault);
  EXPECT_EQ(call("random_get", {0xffffffff, 0xffffffff}), e::kFault);
  EXPECT_EQ(call("fd_read", {0, end - 7, 1, 0}), e::kFault);
  EXPECT_EQ(call("fd_write", {1, 0xffffffff, 1, 0}), e::kFault);
  vector(0, 0xffffffff, 0xffffffff);
  EXPECT_EQ(call("fd_write", {1, 0, 1, 16}), e::kFault);
  EXPECT_EQ(call("fd_read", {0, 0, 1, 16}), e::kFault);
  EXPECT_EQ(call("fd_fdstat_get", {0, end - 23}), e::kFault);
  EXPECT_EQ(call("fd_filestat_get", {0, end - 63}), e::kFault);
  EXPECT_EQ(call("poll_oneoff", {end - 47, 0, 1, 0}), e::kFault);
  EXPECT_EQ(call("poll_oneoff", {0, end - 31, 1, 0}), e::kFault);
}

TEST_F(WasiTest, CountsAreLimited) {
  EXPECT_EQ(call("fd_write", {1, 0, 1'025, 0}), e::kInval);
  EXPECT_EQ(call("fd_read", {0, 0, 0xffffffff, 0}), e::kInval);
  EXPECT_EQ(call("poll_oneoff", {0, 0, 0, 0}), e::kInval);
  EXPECT_EQ(call("poll_oneoff", {0, 0, 1'025, 0}), e::kInval);
}

TEST_F(WasiTest, ClockMovesWithGas) {
  EXPECT_EQ(call("clock_time_get", {0, 0, 0}), e::kSuccess);
  EXPECT_EQ(get<std::uint64_t>(0), 5'000'000'000U + kHostCallGas);
  gas_ -= 500;
  EXPECT_EQ(call("clock_time_get", {1, 0, 0}), e::kSuccess);
  EXPECT_EQ(get<std::uint64_t>(0), 500U + 2 * kHostCallGas);
  EXPECT_EQ(call("clock_time_get", {9, 0, 0}), e::kInval);
}

TEST_F(WasiTest, SleepMovesTheClockWithoutWaiting) {
  clock_subscription(0, 77, 1, 2'000'000, 0);
  clock_subscription(48, 78, 1, 900'000'000, 0);
  EXPECT_EQ(call("poll_oneoff", {0, 200, 2, 300}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(300), 1U);
  EXPECT_EQ(get<std::uint64_t>(200), 77U);
  EXPECT_EQ(get<std::uint16_t>(208), e::kSuccess);
  call("clock_time_get", {1, 0, 400});
  EXPECT_GE(get<std::uint64_t>(400), 2'000'000U);
  EXPECT_LT(get<std::uint64_t>(400), 2'100'000U);
}

TEST_F(WasiTest, AbsoluteTimesInThePastFireAtOnce) {
  clock_subscription(0, 1, 0, 4'000'000'000, 1);
  EXPECT_EQ(call("poll_oneoff", {0, 200, 1, 300}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(300), 1U);
  clock_subscription(0, 1, 0, 5'500'000'000, 1);
  EXPECT_EQ(call("poll_oneoff", {0, 200, 1, 300}), e::kSuccess);
  call("clock_time_get", {0, 0, 400});
  EXPECT_GE(get<std::uint64_t>(400), 5'500'000'000U);
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kNone);
}

TEST_F(WasiTest, SleepPastTheDeadlineStopsTheProgram) {
  clock_subscription(0, 1, 1, ~0ULL, 0);
  call("poll_oneoff", {0, 200, 1, 300});
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kDeadline);
}

TEST_F(WasiTest, StreamsAreReadyWhenPolled) {
  clock_subscription(0, 1, 1, 1'000'000, 0);
  std::memset(memory_.data() + 48, 0, 96);
  put<std::uint64_t>(48, 2);
  put<std::uint8_t>(56, 1);   // read
  put<std::uint32_t>(64, 0);  // stdin
  put<std::uint64_t>(96, 3);
  put<std::uint8_t>(104, 2);   // write
  put<std::uint32_t>(112, 9);  // no such descriptor
  EXPECT_EQ(call("poll_oneoff", {0, 200, 3, 400}), e::kSuccess);
  EXPECT_EQ(get<std::uint32_t>(400), 2U);
  EXPECT_EQ(get<std::uint64_t>(200), 2U);
  EXPECT_EQ(get<std::uint64_t>(216), 6U);  // bytes to read
  EXPECT_EQ(get<std::uint64_t>(232), 3U);
  EXPECT_EQ(get<std::uint16_t>(240), e::kBadf);
}

TEST_F(WasiTest, RandomBytesFollowTheSeed) {
  EXPECT_EQ(call("random_get", {0, 40}), e::kSuccess);
  EXPECT_EQ(call("random_get", {100, 40}), e::kSuccess);
  EXPECT_NE(std::memcmp(memory_.data(), memory_.data() + 100, 40), 0);
  const Bytes first(memory_.begin(), memory_.begin() + 40);
  wasi_.reset();
  EXPECT_EQ(call("random_get", {200, 40}), e::kSuccess);
  EXPECT_EQ(std::memcmp(memory_.data() + 200, first.data(), 40), 0);
  wasi_.reset();
  call_.seed.data[31] = 1;
  EXPECT_EQ(call("random_get", {200, 40}), e::kSuccess);
  EXPECT_NE(std::memcmp(memory_.data() + 200, first.data(), 40), 0);
}

TEST_F(WasiTest, OneCallGivesAMebibyteOfRandomBytesAtMost) {
  memory_.resize(kMaxRandomBytes + 8);
  gas_ = 1ULL << 40;
  EXPECT_EQ(call("random_get", {0, kMaxRandomBytes}), e::kSuccess);
  gas_ = 1ULL << 40;
  std::ranges::fill(memory_, 7);
  EXPECT_EQ(call("random_get", {0, kMaxRandomBytes + 1}), e::kInval);
  EXPECT_EQ(gas_, (1ULL << 40) - kHostCallGas);
  EXPECT_TRUE(std::ranges::all_of(memory_, [](std::uint8_t b) { return b == 7; }));
}

TEST_F(WasiTest, HostWorkCostsGas) {
  call("random_get", {0, 100});
  EXPECT_EQ(gas_, 1'000'000 - kHostCallGas - 100 * kRandomByteGas);
  gas_ = kHostCallGas + 5;
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kNone);
  call("random_get", {0, 100});
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kOutOfGas);
  EXPECT_EQ(gas_, 0U);
}

TEST_F(WasiTest, ClosedStreamsAreGone) {
  EXPECT_EQ(call("fd_close", {1}), e::kSuccess);
  EXPECT_EQ(call("fd_close", {1}), e::kBadf);
  EXPECT_EQ(call("fd_write", {1, 0, 0, 0}), e::kBadf);
  EXPECT_EQ(call("fd_fdstat_get", {1, 0}), e::kBadf);
}

TEST_F(WasiTest, ExitStops) {
  call("proc_exit", {3});
  EXPECT_EQ(wasi().stop(), Wasi::Stop::kExit);
  EXPECT_EQ(wasi().exit_code(), 3U);
}

TEST_F(WasiTest, ThereAreNoFilesFoldersOrSockets) {
  EXPECT_EQ(call("fd_prestat_get", {3, 0}), e::kBadf);
  EXPECT_EQ(call("path_open", {3, 0, 0, 0, 0, 0, 0, 0, 0}), e::kBadf);
  EXPECT_EQ(call("sock_accept", {0, 0, 0}), e::kNotsock);
  EXPECT_EQ(call("fd_seek", {0, 0, 0, 0}), e::kSpipe);
  EXPECT_EQ(call("fd_renumber", {0, 1}), e::kNosys);
  EXPECT_EQ(call("fd_sync", {1}), e::kSuccess);
  EXPECT_EQ(call("fd_allocate", {1, 0, 0}), e::kInval);
  EXPECT_EQ(call("sched_yield", {}), e::kSuccess);
}

}  // namespace
}  // namespace micro::wasm
