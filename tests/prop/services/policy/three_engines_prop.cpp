// Compiled code, our second engine and an interpreter that other people wrote (wabt's wasm-interp) must agree about
// programs of the kind that a policy may be, and about the policy of this build.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>

#include "any_program.hpp"
#include "any_view.hpp"
#include "services/governance/embedded_policy.hpp"
#include "services/host/process/process.hpp"
#include "services/policy/wasm_policy.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kFuel = 500'000'000;

WasmPolicy& both_of_ours() {
  static const auto policy = WasmPolicy::create().value();
  return *policy;
}

/// What a tool prints; fails the test when it does not end by itself.
std::string output_of(std::vector<std::string> argv) {
  ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.environment = {"LC_ALL=C"};
  spec.wall_ms = 60'000;
  spec.max_stdout_bytes = 32 << 20;
  const auto done = run_process(spec);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return done ? std::string(as_text(done->stdout_bytes)) : "";
}

/// What wasm-interp says of the module's only export, a function () → i64: "123", or its name for a trap.
std::string interpreted(ByteView wasm) {
  const test::TempFolder folder;
  const std::string file = folder / "program.wasm";
  std::ofstream(file, std::ios::binary) << as_text(wasm);
  const std::string said = output_of({WASM_INTERP, "--run-all-exports", file});
  for (const std::string& start : {std::string("digest() => i64:"), std::string("digest() => error: ")}) {
    if (said.starts_with(start)) return said.substr(start.size(), said.find('\n') - start.size());
  }
  return "unreadable: " + said;
}

/// The same trap in the words of the other engine.
std::string wabts_word(const std::string& trap) {
  if (trap == "division by zero") return "integer divide by zero";
  if (trap == "integer overflow") return "integer overflow";
  if (trap == "memory access out of bounds") return "out of bounds memory access";
  return "not expected: " + trap;
}

TEST(ThreeEngines, AgreeAboutManyPrograms) {
  int ended = 0, trapped = 0;
  for (std::uint64_t seed = 1; seed <= PROGRAMS; ++seed) {
    const std::string functions = test::AnyProgram(seed).functions();
    const auto ours =
        wasm::wat_to_wasm("(module (memory (export \"memory\") 1 1)" + functions +
                          "(func (export \"input_buffer\") (param i32) (result i32) i32.const 4096)"
                          "(func (export \"decide\") (param i32 i32) (result i64)"
                          "  (i64.store (i32.const 8192) (call $digest)) (i64.const 0x0000200000000008)))");
    ASSERT_TRUE(ours.has_value()) << seed << ": " << ours.error().message;
    const auto outcome = both_of_ours().run(*ours, {}, kFuel);  // an error: our two disagree
    ASSERT_TRUE(outcome.has_value()) << seed << ": " << outcome.error().message;
    const auto theirs = wasm::wat_to_wasm("(module (memory 1 1)" + functions + "(export \"digest\" (func $digest)))");
    const std::string other = interpreted(theirs.value());
    if (outcome->ok) {
      EXPECT_EQ(std::to_string(decode<std::uint64_t>(outcome->output).value()), other) << seed;
    } else {
      EXPECT_TRUE(other.starts_with(wabts_word(outcome->trap)))
          << seed << ": " << outcome->trap << " against " << other;
    }
    ++(outcome->ok ? ended : trapped);
  }
  EXPECT_GT(ended, PROGRAMS / 4);
  EXPECT_GT(trapped, PROGRAMS / 20);
}

/// The policy of this build around one input: `digest` decides on it and mixes the output's bytes.
Bytes policy_with(const PolicyInput& view) {
  static const test::TempFolder folder;
  static const std::string text = [] {
    const std::string file = folder / "policy.wasm";
    std::ofstream(file, std::ios::binary) << as_text(embedded_policy());
    return output_of({WASM2WAT, file});
  }();
  const Bytes input = encode(view);
  const std::string size = "(i32.const " + std::to_string(input.size()) + ")";
  std::string data;
  for (const std::uint8_t byte : input) data += "\\" + to_hex({&byte, 1});
  // Where the input belongs is the constant that input_buffer gives back; the data section puts it there.
  const auto exported = [](const std::string& name) {
    const std::string start = "(export \"" + name + "\" (func ";
    const std::size_t at = text.find(start) + start.size();
    return text.substr(at, text.find(')', at) - at);
  };
  std::string module = text.substr(0, text.rfind(')'));
  for (const char* name : {"memory", "input_buffer", "decide"}) {
    const std::size_t at = module.find("(export \"" + std::string(name) + "\"");
    module.erase(at, module.find("))", at) + 2 - at);
  }
  module +=
      "(func (export \"digest\") (result i64) (local $to i32) (local $at i32) (local $end i32) (local $r i64) (local "
      "$sum i64)"
      "(local.set $to (call " +
      exported("input_buffer") + " " + size +
      "))"
      "(memory.init $view (local.get $to) (i32.const 0) " +
      size +
      ")"
      "(local.set $r (call " +
      exported("decide") + " (local.get $to) " + size +
      "))"
      "(local.set $at (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 32))))"
      "(local.set $end (i32.add (local.get $at) (i32.wrap_i64 (local.get $r))))"
      "(loop"
      "  (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 0x100000001b3)) (i64.load8_u (local.get $at))))"
      "  (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))"
      "(local.get $sum))"
      "(data $view \"" +
      data + "\"))";
  const auto wasm = wasm::wat_to_wasm(module);
  EXPECT_TRUE(wasm.has_value()) << wasm.error().message;
  return wasm.value_or(Bytes{});
}

RC_GTEST_PROP(ThreeEngines, AgreeAboutThePolicyOfThisBuild, ()) {
  const PolicyInput view = test::any_view();
  const auto outcome = both_of_ours().run(embedded_policy(), encode(view), kernel::kPolicyFuel);
  RC_ASSERT(outcome.has_value());
  RC_ASSERT(outcome->ok);
  std::uint64_t sum = 0;
  for (const std::uint8_t byte : outcome->output) sum = sum * 0x100000001b3 + byte;
  RC_ASSERT(interpreted(policy_with(view)) == std::to_string(sum));
}

}  // namespace
}  // namespace micro
