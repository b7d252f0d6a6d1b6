#include "services/policy/validate.hpp"

#include "policies.hpp"
#include "services/governance/embedded_policy.hpp"

namespace micro {
namespace {

std::string refusal(const Bytes& wasm) {
  const Status status = validate_policy(wasm);
  return status ? "accepted" : status.error().message;
}
Bytes wat(const std::string& text) {
  const auto wasm = wasm::wat_to_wasm(text);
  EXPECT_TRUE(wasm) << wasm.error().message;
  return wasm.value_or(Bytes{});
}

using ::testing::HasSubstr;

TEST(ValidatePolicy, PolicyOfThisBuildIsAccepted) {
  EXPECT_EQ(refusal(to_bytes(embedded_policy())), "accepted");
}

TEST(ValidatePolicy, IntegersBulkMemoryAndSignExtensionAreAccepted) {
  EXPECT_EQ(refusal(policy_of(kEcho)), "accepted");
  EXPECT_EQ(refusal(policy_of("(memory.copy (i32.const 0) (i32.const 8) (i32.const 8)) "
                              "(memory.fill (i32.const 0) (i32.const 1) (i32.const 8)) "
                              "(drop (i32.extend8_s (i32.const 200))) (drop (memory.grow (i32.const 1))) " +
                              kEcho)),
            "accepted");
  EXPECT_EQ(refusal(policy_of("(block (loop (br_table 0 1 (local.get $i)))) " + kEcho)), "accepted");
}

TEST(ValidatePolicy, EveryFloatAndSimdInstructionIsRefused) {
  for (const char* body : {"(drop (f32.const 1))", "(drop (f64.const 1))", "(drop (f32.load (i32.const 0)))",
                           "(f64.store (i32.const 0) (f64.load (i32.const 0)))",
                           "(drop (f64.convert_i32_s (local.get $i)))", "(drop (i32.trunc_sat_f32_s (f32.const 1)))",
                           "(drop (v128.const i64x2 0 0))", "(drop (f32.reinterpret_i32 (local.get $i)))"}) {
    EXPECT_THAT(refusal(policy_of(std::string(body) + kEcho)), HasSubstr("instruction")) << body;
  }
  EXPECT_THAT(refusal(policy_of(kEcho, "(func (local f32))")), HasSubstr("local"));
  EXPECT_THAT(refusal(policy_of(kEcho, "(func (param f64))")), HasSubstr("function type"));
  EXPECT_THAT(refusal(policy_of(kEcho, "(global f32 (f32.const 1))")), HasSubstr("global"));
}

TEST(ValidatePolicy, WhatCouldOverflowTheStackDifferentlyIsRefused) {
  EXPECT_THAT(refusal(policy_of(kEcho, "(func $a (call $b)) (func $b (call $a))")), HasSubstr("calls itself"));
  EXPECT_THAT(refusal(policy_of(kEcho, "(func $a (call $a))")), HasSubstr("calls itself"));
  EXPECT_THAT(refusal(policy_of("(call_indirect (local.get $i)) " + kEcho, "(table 1 1 funcref)")), HasSubstr("0x11"));
  std::string locals = "(local";
  for (int i = 0; i < 200; ++i) locals += " i64";
  std::string chain = "(func $f0)";
  for (int i = 1; i < 400; ++i) {
    chain += " (func $f" + std::to_string(i) + " " + locals + ") (call $f" + std::to_string(i - 1) + "))";
  }
  EXPECT_THAT(refusal(policy_of(kEcho, chain)), HasSubstr("bytes of stack"));
}

TEST(ValidatePolicy, InterfaceIsChecked) {
  const std::string good = R"((func (export "input_buffer") (param i32) (result i32) i32.const 1024)
                              (func (export "decide") (param i32 i32) (result i64) i64.const 0))";
  EXPECT_EQ(refusal(wat("(module (memory (export \"memory\") 2 2)" + good + ")")), "accepted");
  EXPECT_THAT(refusal(wat("(module (memory (export \"memory\") 2 3)" + good + ")")), HasSubstr("maximum"));
  EXPECT_THAT(refusal(wat("(module (memory (export \"memory\") 2)" + good + ")")), HasSubstr("maximum"));
  EXPECT_THAT(refusal(wat("(module " + good + ")")), HasSubstr("memory"));
  EXPECT_THAT(refusal(wat("(module (memory 2 2)" + good + ")")), HasSubstr("exports no memory"));
  EXPECT_THAT(refusal(wat("(module (import \"a\" \"b\" (func)) (memory (export \"memory\") 2 2)" + good + ")")),
              HasSubstr("imports"));
  EXPECT_THAT(refusal(wat("(module (memory (export \"memory\") 2 2) (start 2)" + good + "(func))")),
              HasSubstr("start"));
  EXPECT_THAT(refusal(wat("(module (memory (export \"memory\") 2 2) (func (export \"decide\") (param i32 i32) (result "
                          "i64) i64.const 0))")),
              HasSubstr("input_buffer"));
  EXPECT_THAT(refusal(wat("(module (memory (export \"memory\") 2000 2000)" + good + ")")), HasSubstr("limit"));
}

TEST(ValidatePolicy, EveryPrefixIsRefusedWithoutHarm) {
  const Bytes whole = policy_of(kEcho);
  const std::uint32_t end_of_code = wasm::inspect(whole)->sections.back().end;  // only names follow
  for (std::size_t n = 0; n < end_of_code; ++n) {
    EXPECT_FALSE(validate_policy(ByteView(whole).first(n))) << n;
  }
}

}  // namespace
}  // namespace micro
