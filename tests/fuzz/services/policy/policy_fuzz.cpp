// The section parser and the policy's validation: what they say of a module lies inside the module.
#include "services/governance/embedded_policy.hpp"
#include "services/policy/validate.hpp"
#include "services/wasm/engine.hpp"
#include "services/wasm/module_info.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto info = wasm::inspect(input);
  const bool is_policy = validate_policy(input).has_value();
  if (!info) {
    CHECK(!is_policy, "a policy is a module");
    return false;
  }
  const wasm::ModuleCaps caps;
  std::uint32_t last = 8;
  for (const wasm::Section& section : info->sections) {
    CHECK(section.begin >= last && section.end >= section.begin && section.end <= input.size(),
          "sections do not overlap");
    last = section.end;
  }
  CHECK(info->functions <= caps.functions && info->largest_body_bytes <= caps.body_bytes, "caps hold");
  CHECK(info->most_locals <= caps.locals && info->table_elements <= caps.table_elements, "caps hold");
  CHECK(info->memory_min_pages <= caps.memory_pages, "caps hold");
  for (const std::uint32_t type : info->function_types) CHECK(type < info->types.size(), "each function has a type");
  for (const wasm::Export& item : info->exports) {
    const bool found = info->find_export(item.name) != nullptr;
    CHECK(found, "an export has its name");
    const wasm::FunctionType* type = info->exported_function(item.name);
    CHECK(type == nullptr || (type >= info->types.data() && type < info->types.data() + info->types.size()),
          "a known type");
  }
  [[maybe_unused]] const bool is_program = wasm::check_program(*info).has_value();
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  const auto wat = [](std::string_view text) { return wasm::wat_to_wasm(text).value(); };
  return {
      to_bytes(embedded_policy()), wat("(module)"),
      wat(R"((module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1 2) (table 2 funcref) (elem (i32.const 0) 1) (global (mut i64) (i64.const 5))
            (data (i32.const 8) "hey") (start 2) (func $f (param i32) (local i64 f32)) (func)
            (func (export "_start") (call $f (i32.const 1)))))"),
      wat(R"((module (memory (export "memory") 1 1) (func (export "input_buffer") (param i32) (result i32) i32.const 8)
            (func (export "decide") (param i32 i32) (result i64) (block (br_table 0 0 (local.get 0))) i64.const 0)))")};
}

}  // namespace micro::test
