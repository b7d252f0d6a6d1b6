#include "services/wasm/module_info.hpp"

#include <gmock/gmock.h>

#include "services/wasm/wasi.hpp"
#include "tests/gen/guest.hpp"

namespace micro::wasm {
namespace {

using ::testing::HasSubstr;

Bytes wat(const std::string& text) {
  const auto wasm = wat_to_wasm(text);
  EXPECT_TRUE(wasm) << wasm.error().message;
  return wasm.value_or(Bytes{});
}

Bytes leb(std::uint32_t value) {
  Bytes out;
  do {
    out.push_back(static_cast<std::uint8_t>((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
    value >>= 7;
  } while (value != 0);
  return out;
}
Bytes section(std::uint8_t id, const Bytes& contents) {
  Bytes out = {id};
  const Bytes size = leb(static_cast<std::uint32_t>(contents.size()));
  out.insert(out.end(), size.begin(), size.end());
  out.insert(out.end(), contents.begin(), contents.end());
  return out;
}
Bytes module_of(std::initializer_list<Bytes> sections) {
  Bytes out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const Bytes& s : sections) out.insert(out.end(), s.begin(), s.end());
  return out;
}
Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}
const Bytes kOneType = section(1, {1, 0x60, 0, 0});

Error refusal(const Bytes& wasm) {
  const auto info = inspect(wasm);
  EXPECT_FALSE(info);
  return info ? Error{} : info.error();
}
void expect_limit(const Bytes& wasm, const std::string& text) {
  const Error error = refusal(wasm);
  EXPECT_EQ(error.fault, Fault::kLimit) << error.message;
  EXPECT_THAT(error.message, HasSubstr(text));
}

TEST(ModuleInfo, ReadsAProgramOfEveryLanguageAtHand) {
  for (const char* name : {"echo", "words", "hostile"}) {
    const auto info = inspect(read_guest(name));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_TRUE(check_program(*info));
    EXPECT_GT(info->functions, 10U);
    EXPECT_GT(info->largest_body_bytes, 100U);
    EXPECT_GE(info->memory_min_pages, 2U);
    EXPECT_FALSE(info->has_start);
    EXPECT_FALSE(info->imports.empty());
  }
}

TEST(ModuleInfo, ReadsTypesExportsAndLimits) {
  const auto info = inspect(wat(R"((module (memory (export "m") 2 9) (table 7 funcref) (start 0) (func)
      (func (export "f") (param i32 f64) (result i64) (local i32 i32 i64) i64.const 1)))"));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(*info->exported_function("f"), (FunctionType{"iF", "I"}));
  EXPECT_EQ(info->exported_function("m"), nullptr);
  EXPECT_EQ(info->exported_function("g"), nullptr);
  EXPECT_EQ(info->memory_min_pages, 2U);
  EXPECT_EQ(info->memory_max_pages, 9U);
  EXPECT_EQ(info->table_elements, 7U);
  EXPECT_EQ(info->most_locals, 3U);
  EXPECT_TRUE(info->has_start);
}

TEST(ModuleCaps, RefusalsGiveActualAndLimit) {
  expect_limit(Bytes(32 * 1024 * 1024 + 1), "33,554,433 bytes of module, the limit is 33,554,432");
  expect_limit(module_of({kOneType, section(3, leb(1'000'000))}), "1,000,000 functions, the limit is 20,000");
  expect_limit(wat("(module (memory 65536))"), "65,536 pages of memory (64 KiB each) at the start, the limit is 1,024");
  expect_limit(wat("(module (table 4294967295 funcref))"), "4,294,967,295 table elements, the limit is 65,536");
  expect_limit(wat("(module (table 40000 funcref) (table 40000 funcref))"), "80,000 table elements");
  expect_limit(module_of({kOneType, section(2, leb(100'000))}), "100,000 imports, the limit is 256");
  expect_limit(module_of({section(1, leb(20'000))}), "20,000 types, the limit is 10,000");
  expect_limit(module_of({section(6, leb(20'000))}), "20,000 globals");
  expect_limit(module_of({section(7, leb(20'000))}), "20,000 exports");
  expect_limit(module_of({section(9, leb(20'000))}), "20,000 element segments");
  expect_limit(module_of({section(11, leb(200'000))}), "200,000 data segments");
}

TEST(ModuleCaps, OneHugeFunctionOrManyLocalsAreRefusedBeforeCompiling) {
  const Bytes declared = section(3, {1, 0});
  const Bytes body(7'000'000, 0x01);
  expect_limit(
      module_of({kOneType, declared, section(10, joined({{1}, leb(static_cast<std::uint32_t>(body.size())), body}))}),
      "7,000,000 bytes in one function, the limit is 262,144");
  const Bytes locals = joined({{1}, leb(50'000), {0x7f, 0x0b}});
  expect_limit(
      module_of({kOneType, declared, section(10, joined({{1, static_cast<std::uint8_t>(locals.size())}, locals}))}),
      "50,000 locals in one function, the limit is 10,000");
  const Bytes wrap = joined({{2}, leb(0xffffffff), {0x7f}, leb(0xffffffff), {0x7f, 0x0b}});
  expect_limit(
      module_of({kOneType, declared, section(10, joined({{1, static_cast<std::uint8_t>(wrap.size())}, wrap}))}),
      "4,294,967,295 locals");
}

TEST(ModuleInfo, MalformedModulesAreRefused) {
  const auto invalid = [](const Bytes& wasm) { return refusal(wasm).fault == Fault::kInvalid; };
  EXPECT_TRUE(invalid({}));
  EXPECT_TRUE(invalid(to_bytes("#!/bin/sh")));
  EXPECT_TRUE(invalid({0, 'a', 's', 'm', 0x0d, 0, 1, 0}));                  // a component
  EXPECT_TRUE(invalid(module_of({{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0}})));  // LEB of six bytes
  EXPECT_TRUE(invalid(module_of({{1, 0x80, 0x80, 0x80, 0x80, 0x70}})));     // LEB over 32 bits
  EXPECT_TRUE(invalid(module_of({{1, 5, 0}})));                             // longer than the file
  EXPECT_TRUE(invalid(module_of({section(42, {})})));                       // unknown section
  EXPECT_TRUE(invalid(module_of({section(3, {0}), kOneType})));             // out of order
  EXPECT_TRUE(invalid(module_of({kOneType, kOneType})));                    // twice
  EXPECT_TRUE(invalid(module_of({kOneType, section(3, {1, 0})})));          // no body
  EXPECT_TRUE(invalid(module_of({kOneType, section(3, {1, 9})})));          // unknown type
  EXPECT_TRUE(invalid(module_of({section(7, {1, 2, 0xff, 0xfe, 0, 0})})));  // name is not UTF-8
}

TEST(ModuleInfo, ProposalsThatAreNotOfferedAreRefused) {
  EXPECT_EQ(refusal(wat("(module (memory i64 1))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (memory 1 2 shared))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (table 1 externref))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (type (struct)))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (type (func (param v128))))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (import \"a\" \"b\" (memory 1)))")).fault, Fault::kRefused);
  EXPECT_EQ(refusal(wat("(module (memory 1) (memory 1))")).fault, Fault::kLimit);
}

TEST(CheckProgram, SaysWhatIsMissingOrTooMuch) {
  const auto why = [](const std::string& text) {
    const auto info = inspect(wat(text));
    EXPECT_TRUE(info) << info.error().message;
    const Status status = check_program(*info);
    return status ? "accepted" : status.error().message;
  };
  const std::string good = "(memory (export \"memory\") 1) (func (export \"_start\"))";
  EXPECT_EQ(why("(module " + good + ")"), "accepted");
  EXPECT_THAT(why("(module (memory (export \"memory\") 1))"), HasSubstr("_start"));
  EXPECT_THAT(why("(module (memory (export \"memory\") 1) (func (export \"_start\") (param i32)))"),
              HasSubstr("_start"));
  EXPECT_THAT(why("(module (func (export \"_start\")))"), HasSubstr("memory"));
  EXPECT_THAT(why("(module (import \"env\" \"x\" (func)) " + good + ")"), HasSubstr("env.x"));
  EXPECT_THAT(why("(module (import \"wasi_snapshot_preview1\" \"fd_dance\" (func)) " + good + ")"),
              HasSubstr("fd_dance"));
  EXPECT_THAT(why("(module (import \"wasi_snapshot_preview1\" \"fd_close\" (func)) " + good + ")"),
              HasSubstr("another type"));
}

TEST(CheckMemory, WhatTheModuleBeginsWithMustFit) {
  const ModuleInfo info = inspect(wat("(module (memory 33))")).value();
  EXPECT_TRUE(check_memory(info, 33 * kPageBytes));
  const Status refused = check_memory(info, 2 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::kLimit);
  EXPECT_THAT(refused.error().message, HasSubstr("begins with 3 MiB of memory, and the version has 2"));
}

TEST(WasiFunctions, AreSortedAndComplete) {
  EXPECT_EQ(wasi_functions().size(), 46U);
  EXPECT_TRUE(std::ranges::is_sorted(wasi_functions(), {}, &WasiFunction::name));
  for (const WasiFunction& function : wasi_functions()) {
    EXPECT_EQ(find_wasi_function(function.name), &function);
    EXPECT_LE(function.params.size(), kMaxWasiParams);
  }
  EXPECT_EQ(find_wasi_function("fd_dance"), nullptr);
}

}  // namespace
}  // namespace micro::wasm
