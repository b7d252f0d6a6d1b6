// Programs that mean harm. Each must end in the way that is written here, in bounded time, and leave the engine as it
// was.
#include <algorithm>
#include <chrono>

#include "chain/base/random.hpp"
#include "services/wasm/wasi.hpp"
#include "tests/gen/guest.hpp"

namespace micro::wasm {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t ms_since(Clock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
}

class Hostile : public ::testing::Test {
 protected:
  static ProgramOutcome run(std::vector<std::string> args, std::uint64_t gas = 2'000'000'000) {
    args.insert(args.begin(), "hostile");
    return test_engine().run(compile_guest("hostile"), call_of(std::move(args), gas));
  }
  static Module load(const std::string& text) {
    const auto wasm = wat_to_wasm(text);
    EXPECT_TRUE(wasm) << wasm.error().message;
    EXPECT_TRUE(inspect(*wasm)) << inspect(*wasm).error().message;
    const auto artefact = test_engine().compile(*wasm);
    EXPECT_TRUE(artefact) << artefact.error().message;
    return test_engine().load(*artefact).value();
  }
  static ProgramOutcome run_text(const std::string& body, ProgramCall call = call_of({}, 1'000'000)) {
    return test_engine().run(load("(module (memory (export \"memory\") 1) " + body + ")"), std::move(call));
  }
  void TearDown() override {  // the engine still serves honest programs
    ProgramCall call = call_of({"after"});
    EXPECT_EQ(test_engine().run(compile_guest("echo"), call).kind, CallEnd::kExited);
  }
};

TEST_F(Hostile, EndlessLoopIsStoppedSoonAfterItsDeadline) {
  ProgramCall call = call_of({"h", "loop"}, 1'000'000'000'000);
  call.deadline_ms = 200;
  const Module module = compile_guest("hostile");
  const auto start = Clock::now();
  const ProgramOutcome out = test_engine().run(module, call);
  EXPECT_EQ(out.kind, CallEnd::kDeadline);
  EXPECT_EQ(out.gas, call.gas_limit);
  EXPECT_GE(ms_since(start), 200U);
  EXPECT_LE(ms_since(start), 200U + 100U);
}

TEST_F(Hostile, OperationsThatCannotBeInterruptedAreShort) {
  // Each fills all the memory that a call gets by default, again and again: no tick comes in between.
  const std::string all = std::to_string(kDefaultMemoryBytes);
  const Module fill = load(
      "(module (memory (export \"memory\") 1024) (func (export \"_start\") (loop (memory.fill "
      "(i32.const 0) (i32.const 1) (i32.const " +
      all + ")) (br 0))))");
  const Module draw = load(
      "(module (import \"wasi_snapshot_preview1\" \"random_get\" (func $r (param i32 i32) (result i32)))"
      "(memory (export \"memory\") 1024) (func (export \"_start\") (loop (drop (call $r (i32.const 0) (i32.const " +
      all + "))) (drop (call $r (i32.const 0) (i32.const " + std::to_string(kMaxRandomBytes) + "))) (br 0))))");
  for (const Module& module : {fill, draw}) {
    ProgramCall call = call_of({}, 1'000'000'000'000'000);
    call.deadline_ms = 100;
    const auto start = Clock::now();
    EXPECT_EQ(test_engine().run(module, call).kind, CallEnd::kDeadline);
    EXPECT_LE(ms_since(start), 100U + 100U);
  }
}

TEST_F(Hostile, EndlessLoopRunsOutOfGas) {
  const ProgramOutcome out = run({"loop"}, 10'000'000);
  EXPECT_EQ(out.kind, CallEnd::kOutOfGas);
  EXPECT_EQ(out.gas.value, 10'000'000U);
}

TEST_F(Hostile, RecursionExhaustsTheStackOnly) {
  const ProgramOutcome out = run({"recurse"});
  EXPECT_EQ(out.kind, CallEnd::kTrapped);
  EXPECT_EQ(out.gas.value, 2'000'000'000U);
  EXPECT_EQ(run_text("(func $a (call $b)) (func $b (call $a)) (func (export \"_start\") (call $a))",
                     call_of({}, 1'000'000'000))
                .kind,
            CallEnd::kTrapped);
}

TEST_F(Hostile, TrapAfterWorkCostsTheWholeLimit) {
  const ProgramOutcome out = run({"burn-then-trap"}, 50'000'000);
  EXPECT_EQ(out.kind, CallEnd::kTrapped);
  EXPECT_EQ(out.gas.value, 50'000'000U);
  EXPECT_FALSE(out.detail.empty());
}

TEST_F(Hostile, OutputBeforeATrapIsKept) {
  const ProgramOutcome out = run({"null"});
  EXPECT_EQ(out.kind, CallEnd::kTrapped);
  EXPECT_EQ(text_of(out.out), "before\n");
}

TEST_F(Hostile, MemoryGrowsToItsLimitAndNoFurther) {
  for (const std::uint64_t mib : {4ULL, 64ULL}) {
    ProgramCall call = call_of({"h", "grow"}, 100'000'000'000);
    call.memory_bytes = mib << 20;
    const ProgramOutcome out = test_engine().run(compile_guest("hostile"), call);
    ASSERT_EQ(out.kind, CallEnd::kExited) << out.detail;
    const std::uint64_t got = std::stoull(text_of(out.out));
    EXPECT_LT(got, mib << 20);
    EXPECT_GE(got, (mib - 3) << 20);
  }
}

std::string start(const std::string& body) {
  return "(func (export \"_start\") " + body + ")";
}

TEST_F(Hostile, MemoryOperationsBeyondTheEndTrap) {
  EXPECT_EQ(run_text(start("(memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))")).kind, CallEnd::kTrapped);
  EXPECT_EQ(run_text(start("(memory.copy (i32.const 0) (i32.const 65535) (i32.const 2))")).kind, CallEnd::kTrapped);
}

TEST_F(Hostile, MemoryOperationsArePaidByTheirLength) {
  const auto fill = [](int bytes) {
    return run_text(start("(memory.fill (i32.const 0) (i32.const 1) (i32.const " + std::to_string(bytes) + "))"))
        .gas.value;
  };
  EXPECT_GE(fill(64'000), fill(0) + 4'000);
  const auto copy = [](int bytes) {
    return run_text(start("(memory.copy (i32.const 0) (i32.const 8) (i32.const " + std::to_string(bytes) + "))"))
        .gas.value;
  };
  EXPECT_GE(copy(64'000), copy(0) + 4'000);
  EXPECT_EQ(run_text(start("(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))")).kind, CallEnd::kOutOfGas);
  EXPECT_EQ(run_text(start("(loop (drop (memory.grow (i32.const 1))) (br 0))")).kind, CallEnd::kOutOfGas);
  EXPECT_EQ(run_text(start("(loop (drop (memory.grow (i32.const -1))) (br 0))")).kind, CallEnd::kOutOfGas);
}

TEST_F(Hostile, TableBombsEnd) {
  EXPECT_EQ(run_text("(table 1 funcref) (func (export \"_start\") (loop (drop (table.grow (ref.null func) (i32.const "
                     "1000))) (br 0)))")
                .kind,
            CallEnd::kOutOfGas);
  EXPECT_EQ(run_text("(table 1 funcref) (func (export \"_start\") (call_indirect (i32.const 9)))").kind,
            CallEnd::kTrapped);
}

TEST_F(Hostile, StartFunctionIsMeteredLikeTheRest) {
  const std::string run_nothing = " (func (export \"_start\"))";
  EXPECT_EQ(run_text("(func $s (loop (br 0))) (start $s)" + run_nothing).kind, CallEnd::kOutOfGas);
  EXPECT_EQ(run_text("(func $s unreachable) (start $s)" + run_nothing).kind, CallEnd::kTrapped);
  EXPECT_EQ(run_text("(func $s (call $s)) (start $s)" + run_nothing, call_of({}, 1'000'000'000)).kind,
            CallEnd::kTrapped);
  ProgramCall call = call_of({}, 1'000'000'000'000);
  call.deadline_ms = 50;
  const auto start = Clock::now();
  EXPECT_EQ(run_text("(func $s (loop (br 0))) (start $s)" + run_nothing, call).kind, CallEnd::kDeadline);
  EXPECT_LE(ms_since(start), 300U);
}

TEST_F(Hostile, DataOutsideTheMemoryTraps) {
  EXPECT_EQ(run_text("(data (i32.const 65530) \"0123456789\") (func (export \"_start\"))").kind, CallEnd::kTrapped);
}

TEST_F(Hostile, StdoutFloodIsCutByTheReplyLimit) {
  ProgramCall call = call_of({"h", "stdout-flood"}, 100'000'000'000);
  const ProgramOutcome out = test_engine().run(compile_guest("hostile"), call);
  EXPECT_EQ(out.kind, CallEnd::kTrapped);
  EXPECT_EQ(out.gas, call.gas_limit);
  EXPECT_NE(out.detail.find("stdout"), std::string::npos);
  EXPECT_LE(out.out.size(), call.out_bytes);
}

TEST_F(Hostile, LogIsCutAndTheProgramGoesOn) {
  ProgramCall call = call_of({"h", "some-log"});
  const ProgramOutcome out = test_engine().run(compile_guest("hostile"), call);
  EXPECT_EQ(out.kind, CallEnd::kExited) << out.detail;
  EXPECT_GE(out.log.size(), call.log_bytes);
  EXPECT_LE(out.log.size(), call.log_bytes + 100);
  EXPECT_TRUE(text_of(out.log).ends_with("[the rest of the log is dropped]\n"));
  EXPECT_EQ(run({"stderr-flood"}, 100'000'000).kind, CallEnd::kOutOfGas);
}

TEST_F(Hostile, UnreadInputIsNoHarm) {
  ProgramCall call = call_of({"h", "exit", "0"});
  const Bytes input(1'000'000, 'x');
  call.input = input;
  EXPECT_EQ(test_engine().run(compile_guest("hostile"), call).kind, CallEnd::kExited);
}

TEST_F(Hostile, SleepTakesVirtualTimeAndWaitingEnds) {
  const auto start = Clock::now();
  const ProgramOutcome slept = run({"sleep", "3"});
  EXPECT_EQ(slept.kind, CallEnd::kExited) << slept.detail;
  EXPECT_EQ(text_of(slept.out), "3");
  EXPECT_LT(ms_since(start), 2'500U);
  EXPECT_EQ(run({"sleep", "3600"}).kind, CallEnd::kDeadline);
  EXPECT_EQ(run({"wait-for-clock"}, 10'000'000'000).kind, CallEnd::kExited);
}

TEST_F(Hostile, ThereAreNoFiles) {
  const ProgramOutcome out = run({"open"});
  EXPECT_EQ(out.kind, CallEnd::kExited);
  EXPECT_NE(text_of(out.out), "0");
}

TEST_F(Hostile, NothingOfOneCallIsSeenByTheNext) {
  const Module module = load(R"((module (memory (export "memory") 20) (global $g (mut i32) (i32.const 0))
    (func (export "_start") (local $at i32)
      (loop
        (if (i32.load (local.get $at)) (then unreachable))
        (i32.store (local.get $at) (i32.const -1))
        (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 1310720))))
      (if (global.get $g) (then unreachable))
      (global.set $g (i32.const 1)))))");
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(test_engine().run(module, call_of({}, 100'000'000)).kind, CallEnd::kExited) << i;
  }
}

TEST_F(Hostile, WithoutGasOrMemoryNothingRuns) {
  EXPECT_EQ(run({"exit", "0"}, 0).kind, CallEnd::kOutOfGas);
  ProgramCall call = call_of({"h", "exit", "0"});
  call.memory_bytes = 4'096;
  const ProgramOutcome out = test_engine().run(compile_guest("hostile"), call);
  EXPECT_EQ(out.kind, CallEnd::kHostFailure);
  EXPECT_EQ(out.gas.value, 0U);
}

TEST_F(Hostile, ProgramsInTurnsDoNotDelayEachOtherAndSlotsAreGivenBack) {
  const Module module = compile_guest("hostile");
  ProgramCall endless = call_of({"h", "loop"}, 1'000'000'000'000);
  endless.deadline_ms = 300;
  std::vector<RunningProgram> loops;
  for (int i = 0; i < 4; ++i) loops.push_back(test_engine().start(module, endless));
  for (auto& loop : loops) EXPECT_FALSE(loop.resume());
  const ProgramOutcome quick = test_engine().run(module, call_of({"h", "exit", "7"}));
  EXPECT_EQ(quick.exit_code, 7U);
  loops.pop_back();  // dropped in the middle
  for (auto& loop : loops) {
    while (!loop.resume()) {
    }
    EXPECT_EQ(loop.take().kind, CallEnd::kDeadline);
  }
  std::vector<RunningProgram> all;
  for (int i = 0; i < 8; ++i) all.push_back(test_engine().start(module, call_of({"h", "exit", "0"})));
  for (auto& program : all) {
    while (!program.resume()) {
    }
    EXPECT_EQ(program.take().kind, CallEnd::kExited);
  }
}

// --- modules that are no modules ---

const char* const kSmall =
    R"((module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (table 2 funcref) (elem (i32.const 0) 1) (global (mut i32) (i32.const 5))
  (data (i32.const 8) "\10\00\00\00\03\00\00\00hey")
  (func $f (param i32) (result i32) (local i64)
    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func (export "_start") (drop (call $f (i32.const 1)))
    (drop (call 0 (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 4))))))";

/// All that a node does with a module from outside.
bool use(ByteView wasm) {
  const auto info = inspect(wasm);
  if (!info || !check_program(*info)) return false;
  const auto artefact = test_engine().compile(wasm);
  if (!artefact) return false;
  const auto module = test_engine().load(*artefact);
  if (!module) return false;
  ProgramCall call = call_of({}, 100'000);
  call.deadline_ms = 1'000;
  EXPECT_NE(test_engine().run(*module, call).gas.value, 0U);
  return true;
}

TEST_F(Hostile, EveryTruncationIsRefused) {
  const Bytes whole = wat_to_wasm(kSmall).value();
  ASSERT_TRUE(use(whole));
  const ModuleInfo info = inspect(whole).value();
  const std::uint32_t code_end = std::prev(info.sections.end(), 2)->end;  // without its data it is a module still
  for (std::size_t n = 0; n < info.sections.back().end; ++n) {
    if (n != code_end) EXPECT_FALSE(use(ByteView(whole).first(n))) << n;
  }
}

TEST_F(Hostile, MutationsNeverHarm) {
  const Bytes whole = wat_to_wasm(kSmall).value();
  SeededRandom random(7);
  int used = 0;
  constexpr int kRounds = 2'000;
  for (int i = 0; i < kRounds; ++i) {
    Bytes bad = whole;
    for (std::uint64_t k = 1 + random.draw_u64() % 3; k > 0; --k) {
      bad[random.draw_u64() % bad.size()] = static_cast<std::uint8_t>(random.draw_u64());
    }
    used += use(bad) ? 1 : 0;
  }
  EXPECT_GT(used, 0);
  EXPECT_LT(used, kRounds);
}

TEST_F(Hostile, CompilerSurvivesDeepNestingAndHugeTables) {
  std::string deep = "(func (export \"_start\")";
  for (int i = 0; i < 10'000; ++i) deep += "block ";
  for (int i = 0; i < 10'000; ++i) deep += "end ";
  deep += ")";
  EXPECT_EQ(run_text(deep).kind, CallEnd::kExited);
  std::string wide = "(func (export \"_start\") (block (br_table";
  for (int i = 0; i < 50'000; ++i) wide += " 0";
  EXPECT_EQ(run_text(wide + " (i32.const 3))))").kind, CallEnd::kExited);
}

}  // namespace
}  // namespace micro::wasm
