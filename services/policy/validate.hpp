// Which wasm may be a policy. Every validator must get the same answer from it on every processor, so whatever could
// differ is refused before it runs: floats and SIMD, imports, memory that grows, and a call stack that could overflow
// (how deep it goes until then is up to the compiler). What is left can end in few ways, all of them the same
// everywhere.
#pragma once

#include "services/wasm/module_info.hpp"

namespace micro {

inline constexpr wasm::ModuleCaps kPolicyCaps = {.module_bytes = 1024 * 1024,
                                                 .functions = 1'000,
                                                 .body_bytes = 32 * 1024,
                                                 .locals = 500,
                                                 .types = 100,
                                                 .params = 20,
                                                 .imports = 0,
                                                 .exports = 20,
                                                 .globals = 100,
                                                 .tables = 1,
                                                 .table_elements = 1'000,
                                                 .memories = 1,
                                                 .memory_pages = 1'024,
                                                 .element_segments = 10,
                                                 .data_segments = 100};
/// Of all frames of the deepest chain of calls, estimated from above; half of what the engine gives.
inline constexpr std::uint64_t kMaxPolicyStackBytes = 512 * 1024;

/// Exports `memory`, `input_buffer: i32 -> i32` and `decide: i32 i32 -> i64`; memory min = max; integers only; no
/// imports, start function, indirect call or recursion. Errors name the first rule that is broken.
Status validate_policy(ByteView wasm);

}  // namespace micro
