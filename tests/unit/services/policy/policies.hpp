// Small policies in the text format.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/wasm/engine.hpp"

namespace micro {

/// A policy whose `decide` has the body given; the input is at 1024 and `extra` may add functions and globals.
inline Bytes policy_of(const std::string& body, const std::string& extra = "") {
  const std::string text = R"((module (memory (export "memory") 2 2) )" + extra +
                           R"((func (export "input_buffer") (param i32) (result i32) i32.const 1024)
       (func (export "decide") (param $at i32) (param $size i32) (result i64) (local $i i32) (local $n i64) )" +
                           body + "))";
  const auto wasm = wasm::wat_to_wasm(text);
  EXPECT_TRUE(wasm) << wasm.error().message;
  return wasm.value_or(Bytes{});
}

/// Gives the input back.
inline const std::string kEcho =
    "(i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $size)))";

}  // namespace micro
