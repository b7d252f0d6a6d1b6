// The validation of policies: what it accepts has the interface and the limits of one.
#include "services/governance/embedded_policy.hpp"
#include "services/policy/validate.hpp"
#include "services/wasm/engine.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  if (!validate_policy(input)) return false;
  const auto info = wasm::inspect(input, kPolicyCaps);
  CHECK(info.has_value(), "a policy is a module");
  CHECK(info->imports.empty() && !info->has_start, "it runs nothing and calls nobody");
  CHECK(info->has_memory && info->memory_max_pages == info->memory_min_pages, "its memory is fixed");
  const wasm::FunctionType* decide = info->exported_function("decide");
  CHECK(decide != nullptr && decide->params == "ii" && decide->results == "I", "it decides");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  const auto wat = [](std::string_view text) { return wasm::wat_to_wasm(text).value(); };
  return {to_bytes(embedded_policy()), wat(R"((module (memory (export "memory") 1 1) (global (mut i64) (i64.const 5))
            (func (export "input_buffer") (param i32) (result i32) i32.const 8)
            (func $f (param i32) (result i32) (i32.extend8_s (local.get 0)))
            (func (export "decide") (param i32 i32) (result i64) (local i64)
              (memory.fill (i32.const 0) (i32.const 1) (call $f (i32.const 8)))
              (block (br_table 0 0 (local.get 0))) i64.const 0)))")};
}

}  // namespace micro::test
