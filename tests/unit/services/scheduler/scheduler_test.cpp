#include "services/scheduler/scheduler.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

using namespace scheduler;

VersionId version_of(std::uint8_t n) {
  VersionId id;
  id.data[0] = n;
  return id;
}
CodeHash module_of(std::uint8_t n) {
  CodeHash hash;
  hash.data[0] = n;
  return hash;
}
WantedVersion wanted(std::uint8_t n, bool attest, bool serve, std::optional<CodeHash> module = std::nullopt) {
  WantedVersion out;
  out.version = version_of(n);
  out.commit.data[0] = n;
  out.attest = attest;
  out.serve = serve;
  out.module = module;
  return out;
}

struct SchedulerTest : ::testing::Test {
  template <class T>
  std::vector<T> send(const Event& event) {
    std::vector<T> out;
    for (Effect& effect : scheduler_.on(event, now_)) {
      if (auto* match = std::get_if<T>(&effect)) out.push_back(std::move(*match));
    }
    return out;
  }
  const LocalVersion& local(std::uint8_t n) { return scheduler_.versions().at(version_of(n)); }

  Scheduler scheduler_;
  Instant now_{1'000'000'000};
};

TEST_F(SchedulerTest, BuildsAttestsCompilesAndServes) {
  EXPECT_EQ(send<Build>(Wanted{{wanted(1, true, false)}}).size(), 1U);
  EXPECT_EQ(local(1).state, LocalState::kBuilding);
  EXPECT_EQ(send<Attest>(BuildEnded{version_of(1), module_of(9), ""}).size(), 1U);
  EXPECT_TRUE(send<Build>(AttestEnded{version_of(1), true, ""}).empty());
  EXPECT_TRUE(send<Attest>(Tick{}).empty()) << "it attests once";
  const auto compile = send<Compile>(Wanted{{wanted(1, false, true, module_of(9))}});
  ASSERT_EQ(compile.size(), 1U);
  EXPECT_EQ(compile[0].module, module_of(9));
  EXPECT_FALSE(scheduler_.accepts(version_of(1), now_));
  EXPECT_EQ(send<Serve>(CompileEnded{version_of(1), true, ""}).size(), 1U);
  EXPECT_TRUE(scheduler_.accepts(version_of(1), now_));
  EXPECT_EQ(local(1).state, LocalState::kRunning);
}

TEST_F(SchedulerTest, StopsWhatIsNoLongerPlacedHere) {
  send<Build>(Wanted{{wanted(1, false, true, module_of(9))}});
  send<Compile>(BuildEnded{version_of(1), module_of(9), ""});
  send<Serve>(CompileEnded{version_of(1), true, ""});
  EXPECT_EQ(send<Stop>(Wanted{{}}).size(), 1U);
  EXPECT_FALSE(scheduler_.accepts(version_of(1), now_));
  EXPECT_TRUE(scheduler_.versions().empty());
}

TEST_F(SchedulerTest, AFailureOfTheSourceIsFinal) {
  send<Build>(Wanted{{wanted(1, true, false)}});
  EXPECT_TRUE(send<Build>(BuildEnded{version_of(1), std::nullopt, "main.c:3: error", Fault::kInvalid}).empty());
  now_ = now_.plus_ms(10 * kRetryMostMs);
  EXPECT_TRUE(send<Build>(Tick{}).empty());
  EXPECT_EQ(local(1).state, LocalState::kError);
  EXPECT_EQ(local(1).error, "main.c:3: error");
}

TEST_F(SchedulerTest, AFailureOfTheMachineIsTriedAgainLaterAndLater) {
  send<Build>(Wanted{{wanted(1, true, false)}});
  std::uint64_t wait = kRetryFirstMs;
  for (int attempt = 0; attempt < 12; ++attempt) {
    EXPECT_TRUE(send<Build>(BuildEnded{version_of(1), std::nullopt, "no network"}).empty());
    now_ = now_.plus_ms(wait - 1);
    EXPECT_TRUE(send<Build>(Tick{}).empty()) << attempt;
    now_ = now_.plus_ms(1);
    EXPECT_EQ(send<Build>(Tick{}).size(), 1U) << attempt;
    wait = std::min(wait * 2, kRetryMostMs);
  }
}

TEST_F(SchedulerTest, ABuildThatRanOutOfTimeIsTriedAgainAfterAtLeastThatTime) {
  constexpr std::uint64_t kTookMs = 300'000;
  send<Build>(Wanted{{wanted(1, true, false)}});
  std::uint64_t wait = kTookMs;
  for (int attempt = 0; attempt < 8; ++attempt) {
    now_ = now_.plus_ms(kTookMs);
    EXPECT_TRUE(
        send<Build>(BuildEnded{version_of(1), std::nullopt, "stopped after 300 s, the time limit", Fault::kBusy})
            .empty());
    EXPECT_EQ(local(1).state, LocalState::kError);
    now_ = now_.plus_ms(wait - 1);
    EXPECT_TRUE(send<Build>(Tick{}).empty()) << attempt;
    now_ = now_.plus_ms(1);
    EXPECT_EQ(send<Build>(Tick{}).size(), 1U) << attempt;
    wait = std::min(wait * 2, std::min(kTookMs * kRetryMostTimes, kRetryLongestMs));
  }
  EXPECT_EQ(send<Attest>(BuildEnded{version_of(1), module_of(9), ""}).size(), 1U) << "in the end it works";
}

TEST_F(SchedulerTest, OnlyWhatTheSourceItselfCausesIsFinal) {
  for (const Fault fault : {Fault::kInvalid, Fault::kLimit, Fault::kRefused}) EXPECT_TRUE(is_of_source(fault));
  for (const Fault fault : {Fault::kBusy, Fault::kIo, Fault::kUnreachable, Fault::kNotFound, Fault::kDenied,
                            Fault::kCorrupt, Fault::kInternal, Fault::kInterrupted}) {
    EXPECT_FALSE(is_of_source(fault)) << static_cast<int>(fault);
  }
}

TEST_F(SchedulerTest, WhoAsksAgainGetsANewAttemptAtOnce) {
  send<Build>(Wanted{{wanted(1, true, false)}});
  EXPECT_TRUE(send<Build>(Retry{version_of(1)}).empty()) << "it is being built";
  send<Build>(BuildEnded{version_of(1), std::nullopt, "main.c:3: error", Fault::kInvalid});
  EXPECT_TRUE(send<Build>(Retry{version_of(2)}).empty()) << "nobody knows this one";
  EXPECT_EQ(send<Build>(Retry{version_of(1)}).size(), 1U);
  EXPECT_EQ(local(1).state, LocalState::kBuilding);
  EXPECT_EQ(local(1).error, "");
  send<Build>(BuildEnded{version_of(1), std::nullopt, "no network", Fault::kUnreachable});
  EXPECT_EQ(send<Build>(Retry{version_of(1)}).size(), 1U) << "it does not wait for its pause either";
}

TEST_F(SchedulerTest, ASourceThatBuildsUnderAnotherNameIsTriedAgain) {
  WantedVersion twin = wanted(2, true, false);
  twin.commit = wanted(1, true, false).commit;
  WantedVersion other = twin;
  other.version = version_of(3);
  other.subdir = "another/folder";
  send<Build>(Wanted{{wanted(1, true, false), other}});
  send<Build>(BuildEnded{version_of(1), std::nullopt, "killed", Fault::kInvalid});
  send<Build>(BuildEnded{version_of(3), std::nullopt, "killed", Fault::kInvalid});
  send<Build>(Wanted{{wanted(1, true, false), twin, other}});
  const auto again = send<Build>(BuildEnded{version_of(2), module_of(9), ""});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].version.version, version_of(1));
}

TEST_F(SchedulerTest, NeverServesAnotherModuleThanTheAgreedOne) {
  send<Build>(Wanted{{wanted(1, false, true, module_of(7))}});
  EXPECT_TRUE(send<Compile>(BuildEnded{version_of(1), module_of(9), ""}).empty());
  EXPECT_EQ(local(1).state, LocalState::kError);
}

TEST_F(SchedulerTest, RunsAFewJobsAtOnceAndTheRestAfterwards) {
  Wanted many;
  for (std::uint8_t n = 1; n <= 10; ++n) many.versions.push_back(wanted(n, false, true, module_of(n)));
  EXPECT_EQ(send<Build>(many).size(), kMaxJobsAtOnce);
  EXPECT_EQ(send<Build>(BuildEnded{version_of(1), std::nullopt, "bad", Fault::kInvalid}).size(), 1U);
}

TEST_F(SchedulerTest, WhatIsPlacedHereDoesNotWaitForVersionsThatAreOnlyAttested) {
  Wanted many;
  for (std::uint8_t n = 1; n <= 10; ++n) many.versions.push_back(wanted(n, true, false));
  const auto foreign = send<Build>(many);
  ASSERT_EQ(foreign.size(), kMaxForeignBuildsAtOnce);
  EXPECT_TRUE(foreign[0].foreign);
  many.versions.push_back(wanted(99, false, true, module_of(9)));
  const auto own = send<Build>(many);
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].version.version, version_of(99));
  EXPECT_FALSE(own[0].foreign);
  EXPECT_EQ(send<Build>(BuildEnded{version_of(1), std::nullopt, "bad", Fault::kInvalid}).size(), 1U)
      << "the next to attest";
  EXPECT_TRUE(send<Build>(BuildEnded{version_of(99), module_of(9), ""}).empty());
}

struct ServedVersionTest : SchedulerTest {
  ServedVersionTest() {
    send<Build>(Wanted{{wanted(1, false, true, module_of(9))}});
    send<Compile>(BuildEnded{version_of(1), module_of(9), ""});
    send<Serve>(CompileEnded{version_of(1), true, ""});
  }
  void deaths(std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) send<Stop>(CallEnded{version_of(1), true});
  }
  void success() { send<Stop>(CallEnded{version_of(1), false}); }
  bool accepts() { return scheduler_.accepts(version_of(1), now_); }
};

TEST_F(ServedVersionTest, TheBreakerOpensAfterDeathsInARowAndClosesAgain) {
  deaths(kVersionDeaths - 1);
  success();
  deaths(kVersionDeaths - 1);
  EXPECT_TRUE(accepts()) << "a success in between starts the count anew";
  deaths(1);
  EXPECT_FALSE(accepts());
  EXPECT_FALSE(local(1).error.empty());
  now_ = now_.plus_ms(kRetryFirstMs);
  EXPECT_TRUE(accepts());
}

TEST_F(ServedVersionTest, DeathsThatAreFarApartDoNotOpenTheBreaker) {
  for (std::uint32_t i = 0; i < 3 * kVersionDeaths; ++i) {
    deaths(1);
    now_ = now_.plus_ms(kVersionWindowMs / (kVersionDeaths - 1) + 1);
  }
  EXPECT_TRUE(accepts());
}

TEST_F(ServedVersionTest, EachOpeningLastsLongerUntilACallSucceeds) {
  std::uint64_t wait = kRetryFirstMs;
  for (int round = 0; round < 12; ++round) {
    deaths(kVersionDeaths);
    now_ = now_.plus_ms(wait - 1);
    EXPECT_FALSE(accepts()) << round;
    now_ = now_.plus_ms(1);
    EXPECT_TRUE(accepts()) << round;
    wait = std::min(wait * 2, kRetryMostMs);
  }
  success();
  EXPECT_TRUE(local(1).error.empty()) << "it works again, so nothing is wrong with it";
  deaths(kVersionDeaths);
  now_ = now_.plus_ms(kRetryFirstMs);
  EXPECT_TRUE(accepts());
}

TEST_F(ServedVersionTest, ADrainingVersionAnswersAndSaysSo) {
  WantedVersion leaving = wanted(1, false, true, module_of(9));
  leaving.draining = true;
  EXPECT_TRUE(send<Stop>(Wanted{{leaving}}).empty());
  EXPECT_EQ(local(1).state, LocalState::kDraining);
  EXPECT_TRUE(accepts());
  send<Serve>(Wanted{{wanted(1, false, true, module_of(9))}});
  EXPECT_EQ(local(1).state, LocalState::kRunning);
}

TEST_F(SchedulerTest, AModuleThatIsGoneFromTheCacheIsBuiltAgain) {
  send<Build>(Wanted{{wanted(1, false, true, module_of(9))}});
  EXPECT_EQ(send<Compile>(BuildEnded{version_of(1), module_of(9), ""}).size(), 1U);
  send<Build>(CompileEnded{version_of(1), false, "no such file"});
  now_ = now_.plus_ms(kRetryFirstMs);
  EXPECT_EQ(send<Build>(Tick{}).size(), 1U);
}

}  // namespace
}  // namespace micro
