// The exports: `memory`, `input_buffer(size) -> address` (0: it does not fit) and `decide(address, size) -> i64`
// (address of the answer in the upper half, its length in the lower; 0 for an input that is no Call).
#include "consensus/light/wasm/signatures.hpp"

namespace {

constexpr std::uint32_t kMaxInputBytes = 64u << 20;
micro::Bytes* input = nullptr;
micro::Bytes* output = nullptr;
bool is_ready = false;

}  // namespace

extern "C" {

/// The linker's. Named here, it is not called around each export, with destructors that bring the console with them.
void __wasm_call_ctors();  // NOLINT

[[clang::export_name("input_buffer")]] std::uint32_t input_buffer(std::uint32_t size) {
  if (!is_ready) __wasm_call_ctors();
  is_ready = true;
  if (size > kMaxInputBytes) return 0;
  delete input;
  input = new micro::Bytes(size);
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(input->data()));
}

[[clang::export_name("decide")]] std::uint64_t decide(std::uint32_t address, std::uint32_t size) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(static_cast<std::uintptr_t>(address));
  const auto call = micro::decode<micro::light::Call>(micro::ByteView(data, size));
  if (!call) return 0;
  micro::light::SignatureTable table(call->known);
  micro::light::Outcome outcome = micro::light::run(call->script);
  micro::light::Answer answer = std::move(outcome);
  if (table.needs_more()) answer = table.take_needed();
  delete output;
  output = new micro::Bytes(micro::encode(answer));
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(output->data())) << 32 | output->size();
}

}  // extern "C"
