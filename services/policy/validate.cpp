#include "services/policy/validate.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "services/wasm/wasm_reader.hpp"

namespace micro {
namespace {

using wasm::ModuleInfo;
using wasm::WasmReader;

constexpr std::uint8_t kGlobalSection = 6;
constexpr std::uint8_t kCodeSection = 10;
constexpr std::uint64_t kFrameBytes = 256;  // return address, saved registers and the like
constexpr std::uint64_t kSlotBytes = 8;

/// How an instruction goes on after its first byte.
enum class Shape : std::uint8_t {
  kRefused,
  kPlain,
  kBlock,
  kIndex,
  kCall,
  kTable,
  kMemory,
  kByte,
  kConst32,
  kConst64,
  kPrefix
};

/// One entry an opcode: the first version of wasm without its floats, and sign extension.
/// Source: the core specification's index of instructions.
constexpr std::array<Shape, 256> make_shapes() {
  std::array<Shape, 256> out{};  // refused
  const auto range = [&](std::size_t from, std::size_t to, Shape shape) {
    for (std::size_t op = from; op <= to; ++op) out[op] = shape;
  };
  range(0x00, 0x01, Shape::kPlain);       // unreachable nop
  range(0x02, 0x04, Shape::kBlock);       // block loop if
  out[0x05] = out[0x0b] = Shape::kPlain;  // else end
  range(0x0c, 0x0d, Shape::kIndex);       // br br_if
  out[0x0e] = Shape::kTable;              // br_table
  out[0x0f] = Shape::kPlain;              // return
  out[0x10] = Shape::kCall;
  range(0x1a, 0x1b, Shape::kPlain);   // drop select
  range(0x20, 0x24, Shape::kIndex);   // locals and globals
  range(0x28, 0x29, Shape::kMemory);  // i32.load i64.load
  range(0x2c, 0x37, Shape::kMemory);  // narrow loads, i32.store i64.store
  range(0x3a, 0x3e, Shape::kMemory);  // narrow stores
  range(0x3f, 0x40, Shape::kByte);    // memory.size memory.grow
  out[0x41] = Shape::kConst32;
  out[0x42] = Shape::kConst64;
  range(0x45, 0x5a, Shape::kPlain);  // integer comparisons
  range(0x67, 0x8a, Shape::kPlain);  // integer arithmetic
  out[0xa7] = Shape::kPlain;         // i32.wrap_i64
  range(0xac, 0xad, Shape::kPlain);  // i64.extend_i32
  range(0xc0, 0xc4, Shape::kPlain);  // sign extension
  out[0xfc] = Shape::kPrefix;        // bulk memory, below
  return out;
}
constexpr auto kShapes = make_shapes();

constexpr bool is_integer(std::uint8_t type) {
  return type == 0x7f || type == 0x7e;
}

struct Function {
  std::uint64_t frame_bytes = 0;  // from above: each local and each byte of code may need a slot
  std::vector<std::uint32_t> calls;
};

class BodyReader {
 public:
  BodyReader(WasmReader body, Function& out, std::uint32_t functions) : r_(body), out_(out), functions_(functions) {}

  Status run(std::size_t params) {
    const std::size_t bytes = r_.left();
    std::uint64_t locals = params;
    const std::uint32_t groups = TRY(r_.u32());
    for (std::uint32_t i = 0; i < groups; ++i) {
      locals += TRY(r_.u32());
      if (!is_integer(TRY(r_.byte()))) return fail(Fault::kRefused, "the policy has a local that is not an integer");
    }
    out_.frame_bytes = kFrameBytes + kSlotBytes * (locals + bytes);
    while (!r_.done()) TRY(instruction());
    return {};
  }

 private:
  Status instruction() {
    const std::uint8_t op = TRY(r_.byte());
    switch (kShapes[op]) {
      case Shape::kPlain:
        return {};
      case Shape::kBlock:
        return block();
      case Shape::kIndex:
        return r_.skip_leb(32);
      case Shape::kCall:
        return call();
      case Shape::kTable:
        return branch_table();
      case Shape::kMemory:
        TRY(r_.skip_leb(32));
        return r_.skip_leb(32);
      case Shape::kByte:
        return r_.skip(1);
      case Shape::kConst32:
        return r_.skip_leb(32);
      case Shape::kConst64:
        return r_.skip_leb(64);
      case Shape::kPrefix:
        return bulk();
      case Shape::kRefused:
        break;
    }
    return fail(Fault::kRefused, "the policy has the instruction 0x" + to_hex({&op, 1}) +
                                     ": floats, SIMD, indirect calls and later proposals are refused");
  }

  Status block() {
    const std::uint8_t type = TRY(r_.byte());
    if (type == 0x40 || is_integer(type)) return {};
    return fail(Fault::kRefused, "the policy has a block whose type is not an integer");
  }

  Status call() {
    const std::uint32_t callee = TRY(r_.u32());
    if (callee >= functions_) return fail(Fault::kInvalid, "the policy calls a function that is not there");
    if (std::ranges::find(out_.calls, callee) == out_.calls.end()) out_.calls.push_back(callee);
    return {};
  }

  Status branch_table() {
    const std::uint32_t n = TRY(r_.u32());
    for (std::uint64_t i = 0; i <= n; ++i) TRY(r_.skip_leb(32));
    return {};
  }

  Status bulk() {
    switch (const std::uint32_t op = TRY(r_.u32())) {
      case 8:
        TRY(r_.skip_leb(32));
        return r_.skip(1);  // memory.init
      case 9:
        return r_.skip_leb(32);  // data.drop
      case 10:
        return r_.skip(2);  // memory.copy
      case 11:
        return r_.skip(1);  // memory.fill
      default:
        return fail(Fault::kRefused,
                    "the policy has the instruction 0xfc " + std::to_string(op) + ", which is refused");
    }
  }

  WasmReader r_;
  Function& out_;
  std::uint32_t functions_;
};

/// Stack of the deepest chain of calls from each function; an error on recursion. Without recursion of its own.
class CallDepth {
 public:
  explicit CallDepth(const std::vector<Function>& functions)
      : functions_(functions), below_(functions.size()), state_(functions.size()) {}

  Status run() {
    for (std::uint32_t f = 0; f < functions_.size(); ++f) {
      TRY(visit(f));
      if (below_[f] > kMaxPolicyStackBytes) {
        return fail(Fault::kRefused, "the policy's calls may need " + std::to_string(below_[f]) +
                                         " bytes of stack, the limit is " + std::to_string(kMaxPolicyStackBytes));
      }
    }
    return {};
  }

 private:
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  struct Step {
    std::uint32_t function;
    std::size_t next_call;
  };

  Status visit(std::uint32_t root) {
    if (state_[root] != State::kNew) return {};
    std::vector<Step> path = {{root, 0}};
    state_[root] = State::kOpen;
    while (!path.empty()) {
      Step& step = path.back();
      const Function& function = functions_[step.function];
      if (step.next_call < function.calls.size()) {
        const std::uint32_t callee = function.calls[step.next_call++];
        if (state_[callee] == State::kOpen) return fail(Fault::kRefused, "the policy has a function that calls itself");
        if (state_[callee] == State::kDone) continue;
        state_[callee] = State::kOpen;
        path.push_back({callee, 0});
        continue;
      }
      std::uint64_t deepest = 0;
      for (const std::uint32_t callee : function.calls) deepest = std::max(deepest, below_[callee]);
      below_[step.function] = deepest + function.frame_bytes;
      state_[step.function] = State::kDone;
      path.pop_back();
    }
    return {};
  }

  const std::vector<Function>& functions_;
  std::vector<std::uint64_t> below_;
  std::vector<State> state_;
};

Status check_code(ByteView wasm, const ModuleInfo& info) {
  const auto section = std::ranges::find(info.sections, kCodeSection, &wasm::Section::id);
  if (section == info.sections.end()) return fail(Fault::kInvalid, "the policy has no code");
  WasmReader reader(wasm, section->begin, section->end);
  const std::uint32_t n = TRY(reader.u32());
  std::vector<Function> functions(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t bytes = TRY(reader.u32());
    const std::size_t begin = reader.at();
    TRY(reader.skip(bytes));
    const std::size_t params = info.types[info.function_types[i]].params.size();
    TRY(BodyReader(WasmReader(wasm, begin, begin + bytes), functions[i], n).run(params));
  }
  return CallDepth(functions).run();
}

Status check_types(ByteView wasm, const ModuleInfo& info) {
  const auto integers = [](const std::string& values) {
    return std::ranges::all_of(values, [](char c) { return c == 'i' || c == 'I'; });
  };
  for (const wasm::FunctionType& type : info.types) {
    if (!integers(type.params) || !integers(type.results) || type.results.size() > 1) {
      return fail(Fault::kRefused, "the policy has a function type with more than integers, or with several results");
    }
  }
  const auto section = std::ranges::find(info.sections, kGlobalSection, &wasm::Section::id);
  if (section == info.sections.end()) return {};
  WasmReader reader(wasm, section->begin, section->end);
  const std::uint32_t n = TRY(reader.u32());
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint8_t type = TRY(reader.byte());
    TRY(reader.skip(1));
    const std::uint8_t op = TRY(reader.byte());
    const bool is_const = (op == 0x41 && type == 0x7f) || (op == 0x42 && type == 0x7e);
    if (!is_const) return fail(Fault::kRefused, "the policy has a global that is not an integer constant at the start");
    TRY(reader.skip_leb(op == 0x41 ? 32 : 64));
    if (TRY(reader.byte()) != 0x0b)
      return fail(Fault::kRefused, "the policy has a global with a long initial expression");
  }
  return {};
}

Status check_interface(const ModuleInfo& info) {
  if (!info.imports.empty()) return fail(Fault::kRefused, "the policy imports something");
  if (info.has_start) return fail(Fault::kRefused, "the policy has a start function");
  if (!info.has_memory || info.memory_max_pages != info.memory_min_pages) {
    return fail(Fault::kRefused, "the policy's memory must have a maximum that equals its minimum",
                "Link with --initial-memory and --max-memory of one value.");
  }
  const wasm::Export* memory = info.find_export("memory");
  const wasm::FunctionType* buffer = info.exported_function("input_buffer");
  const wasm::FunctionType* decide = info.exported_function("decide");
  if (memory == nullptr || memory->kind != wasm::ExternKind::kMemory)
    return fail(Fault::kRefused, "the policy exports no memory");
  if (buffer == nullptr || *buffer != wasm::FunctionType{"i", "i"}) {
    return fail(Fault::kRefused, "the policy exports no function input_buffer of type i32 -> i32");
  }
  if (decide == nullptr || *decide != wasm::FunctionType{"ii", "I"}) {
    return fail(Fault::kRefused, "the policy exports no function decide of type i32 i32 -> i64");
  }
  return {};
}

}  // namespace

Status validate_policy(ByteView wasm) {
  const ModuleInfo info = TRY(wasm::inspect(wasm, kPolicyCaps));
  TRY(check_interface(info));
  TRY(check_types(wasm, info));
  return check_code(wasm, info);
}

}  // namespace micro
