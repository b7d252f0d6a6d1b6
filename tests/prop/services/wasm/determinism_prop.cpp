// Equal calls of equal modules give equal outcomes and gas: whichever allocator, whichever other programs run in
// between.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/guest.hpp"

namespace micro::wasm {
namespace {

const Engine& plain_engine() {
  static const auto engine = Engine::create({}).value();
  return *engine;
}
Module plain(const std::string& guest) {
  static std::map<std::string, Module> loaded;
  if (!loaded.contains(guest))
    loaded[guest] = plain_engine().load(plain_engine().compile(read_guest(guest)).value()).value();
  return loaded[guest];
}

struct Case {
  std::string guest;
  ProgramCall call;
  std::string input;
};

Case any_case() {
  Case c;
  c.guest = *rc::gen::element(std::string("echo"), std::string("words"), std::string("hostile"));
  const auto rounds = std::to_string(*rc::gen::inRange(0, 200'000));
  c.call =
      call_of({c.guest, *rc::gen::element<std::string>("burn", "exit", "sleep", "some-log", "burn-then-trap"), rounds},
              *rc::gen::inRange<std::uint64_t>(0, 3'000'000));
  c.call.time = TimeMs(*rc::gen::inRange<std::uint64_t>(0, 1ULL << 40));
  c.call.seed.data[0] = *rc::gen::arbitrary<std::uint8_t>();
  c.input = *rc::gen::container<std::string>(rc::gen::element('a', 'b', ' ', '\n'));
  c.call.env = Texts::of_variables({{"REQUEST_METHOD", *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'))}});
  return c;
}

RC_GTEST_PROP(ProgramDeterminism, OutcomeAndGasDependOnTheCallOnly, ()) {
  Case c = any_case();
  c.call.input = as_bytes(c.input);
  const ProgramOutcome first = test_engine().run(compile_guest(c.guest), c.call);
  RC_ASSERT(first.kind != CallEnd::kHostFailure);
  RC_ASSERT(first.gas.value <= c.call.gas_limit.value);
  RC_ASSERT(test_engine().run(compile_guest(c.guest), c.call) == first);
  RC_ASSERT(plain_engine().run(plain(c.guest), c.call) == first);
}

RC_GTEST_PROP(ProgramDeterminism, TurnsOfOthersChangeNothing, ()) {
  Case c = any_case();
  c.call.input = as_bytes(c.input);
  const ProgramOutcome alone = test_engine().run(compile_guest(c.guest), c.call);
  ProgramCall busy = call_of({"h", "burn", "100000000"}, 100'000'000'000);
  RunningProgram other = test_engine().start(compile_guest("hostile"), busy);
  other.resume();
  RunningProgram program = test_engine().start(compile_guest(c.guest), c.call);
  while (!program.resume()) other.resume();
  RC_ASSERT(program.take() == alone);
}

RC_GTEST_PROP(ProgramDeterminism, ExactlyTheGasUsedIsEnough, ()) {
  ProgramCall call = call_of({"h", "burn", std::to_string(*rc::gen::inRange(0, 100'000))});
  const ProgramOutcome rich = test_engine().run(compile_guest("hostile"), call);
  RC_ASSERT(rich.kind == CallEnd::kExited);
  call.gas_limit = rich.gas;
  RC_ASSERT(test_engine().run(compile_guest("hostile"), call) == rich);
  // The engine looks at its counter at loops and calls, so the last few operations may pass.
  call.gas_limit = Gas(rich.gas.value - std::min<std::uint64_t>(rich.gas.value, 1'000));
  RC_ASSERT(test_engine().run(compile_guest("hostile"), call).kind == CallEnd::kOutOfGas);
}

RC_GTEST_PROP(ProgramDeterminism, MoreGasNeverChangesSuccess, ()) {
  Case c = any_case();
  c.call.input = as_bytes(c.input);
  const Module module = compile_guest(c.guest);
  const ProgramOutcome first = test_engine().run(module, c.call);
  ProgramCall richer = c.call;
  richer.gas_limit = Gas(c.call.gas_limit.value + *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000));
  ProgramOutcome second = test_engine().run(module, richer);
  if (first.kind == CallEnd::kExited) {
    // At its limit it may have passed with a few operations more than it pays for.
    if (first.gas == c.call.gas_limit && second.gas.value - first.gas.value <= 1'000) second.gas = first.gas;
    RC_ASSERT(second == first);
  }
  if (first.kind == CallEnd::kTrapped) RC_ASSERT(second.kind == CallEnd::kTrapped);
  if (first.kind == CallEnd::kDeadline) RC_ASSERT(second.kind == CallEnd::kDeadline);
}

}  // namespace
}  // namespace micro::wasm
