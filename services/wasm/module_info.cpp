#include "services/wasm/module_info.hpp"

#include <algorithm>
#include <array>

#include "services/wasm/wasi.hpp"
#include "services/wasm/wasm_reader.hpp"

namespace micro::wasm {
namespace {

constexpr std::size_t kMaxNameBytes = 1'024;
constexpr std::array<std::uint8_t, 8> kPreamble = {0, 'a', 's', 'm', 1, 0, 0, 0};
constexpr std::uint8_t kFuncref = 0x70;
constexpr std::uint8_t kFunctionForm = 0x60;

enum SectionId : std::uint8_t {
  kCustom,
  kType,
  kImport,
  kFunction,
  kTable,
  kMemory,
  kGlobal,
  kExport,
  kStart,
  kElement,
  kCode,
  kData,
  kDataCount
};
/// Where a section may stand: the data count comes between elements and code.
constexpr std::array<std::uint8_t, 13> kOrder = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10};

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

Status within(std::uint64_t actual, std::uint64_t limit, const char* what) {
  if (actual <= limit) return {};
  return fail(Fault::kLimit, grouped(actual) + " " + what + ", the limit is " + grouped(limit));
}

struct Limits {
  std::uint32_t min = 0;
  std::optional<std::uint32_t> max;
};

class Inspector {
 public:
  Inspector(ByteView wasm, const ModuleCaps& caps) : wasm_(wasm), caps_(caps) {}

  Result<ModuleInfo> run() {
    TRY(within(wasm_.size(), caps_.module_bytes, "bytes of module"));
    if (wasm_.size() < kPreamble.size() || !std::ranges::equal(wasm_.first(4), ByteView(kPreamble).first(4))) {
      return fail(Fault::kInvalid, "not a wasm module: it does not begin with \\0asm");
    }
    if (!std::ranges::equal(wasm_.first(8), kPreamble)) {
      return fail(Fault::kInvalid, "a wasm component or an unknown version; a core module of version 1 is needed");
    }
    WasmReader reader(wasm_);
    TRY(reader.skip(kPreamble.size()));
    std::uint8_t last = 0;
    while (!reader.done()) {
      const std::uint8_t id = TRY(reader.byte());
      const std::uint32_t size = TRY(reader.u32());
      const std::size_t begin = reader.at();
      TRY(reader.skip(size));
      if (id == kCustom) continue;
      if (id >= kOrder.size()) return fail(Fault::kInvalid, "unknown section " + std::to_string(id));
      if (kOrder[id] <= last) return fail(Fault::kInvalid, "section " + std::to_string(id) + " is out of order");
      last = kOrder[id];
      info_.sections.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + size)});
      TRY(section(id, WasmReader(wasm_, begin, begin + size)));
    }
    if (declared_ != info_.functions)
      return fail(Fault::kInvalid, "functions declared and functions with a body differ");
    return std::move(info_);
  }

 private:
  Status section(std::uint8_t id, WasmReader r) {
    switch (id) {
      case kType:
        return types(r);
      case kImport:
        return imports(r);
      case kFunction:
        return functions(r);
      case kTable:
        return tables(r);
      case kMemory:
        return memories(r);
      case kGlobal:
        return within(TRY(r.u32()), caps_.globals, "globals");
      case kExport:
        return exports(r);
      case kStart:
        info_.has_start = true;
        return {};
      case kElement:
        return within(TRY(r.u32()), caps_.element_segments, "element segments");
      case kCode:
        return code(r);
      case kData:
        return within(TRY(r.u32()), caps_.data_segments, "data segments");
      default:
        return {};
    }
  }

  Result<std::string> values(WasmReader& r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.params, "parameters or results in one type"));
    std::string out;
    for (std::uint32_t i = 0; i < n; ++i) {
      switch (TRY(r.byte())) {
        case 0x7f:
          out += 'i';
          break;
        case 0x7e:
          out += 'I';
          break;
        case 0x7d:
          out += 'f';
          break;
        case 0x7c:
          out += 'F';
          break;
        case kFuncref:
          out += 'r';
          break;
        default:
          return fail(Fault::kRefused, "a function type uses a kind of value that is not offered");
      }
    }
    return out;
  }

  Status types(WasmReader r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.types, "types"));
    for (std::uint32_t i = 0; i < n; ++i) {
      if (TRY(r.byte()) != kFunctionForm) return fail(Fault::kRefused, "a type that is not a function is not offered");
      std::string params = TRY(values(r));
      info_.types.push_back({.params = std::move(params), .results = TRY(values(r))});
    }
    return {};
  }

  Status functions(WasmReader r) {
    declared_ = TRY(r.u32());
    TRY(within(declared_, caps_.functions, "functions"));
    for (std::uint32_t i = 0; i < declared_; ++i) {
      info_.function_types.push_back(TRY(r.u32()));
      if (info_.function_types.back() >= info_.types.size())
        return fail(Fault::kInvalid, "a function has an unknown type");
    }
    return {};
  }

  Status imports(WasmReader r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.imports, "imports"));
    for (std::uint32_t i = 0; i < n; ++i) {
      Import item;
      item.module = TRY(r.name(kMaxNameBytes));
      item.name = TRY(r.name(kMaxNameBytes));
      const std::uint8_t kind = TRY(r.byte());
      if (kind != 0) {
        return fail(Fault::kRefused, "imports " + item.module + "." + item.name + ", which is not a function",
                    "A service may import functions only.");
      }
      item.type = TRY(r.u32());
      if (item.type >= info_.types.size()) return fail(Fault::kInvalid, "an import has an unknown type");
      info_.function_types.push_back(item.type);
      info_.imports.push_back(std::move(item));
    }
    return {};
  }

  Result<Limits> limits(WasmReader& r, const char* what) {
    const std::uint8_t flags = TRY(r.byte());
    if (flags > 1) return fail(Fault::kRefused, std::string("a shared or 64-bit ") + what + " is not offered");
    Limits out{.min = TRY(r.u32()), .max = {}};
    if (flags == 1) out.max = TRY(r.u32());
    return out;
  }

  Status tables(WasmReader r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.tables, "tables"));
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (TRY(r.byte()) != kFuncref) return fail(Fault::kRefused, "a table of anything but functions is not offered");
      total += TRY(limits(r, "table")).min;
      TRY(within(total, caps_.table_elements, "table elements"));
    }
    info_.table_elements = static_cast<std::uint32_t>(total);
    return {};
  }

  Status memories(WasmReader r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.memories, "memories"));
    for (std::uint32_t i = 0; i < n; ++i) {
      const Limits found = TRY(limits(r, "memory"));
      TRY(within(found.min, caps_.memory_pages, "pages of memory (64 KiB each) at the start"));
      info_.has_memory = true;
      info_.memory_min_pages = found.min;
      info_.memory_max_pages = found.max;
    }
    return {};
  }

  Status exports(WasmReader r) {
    const std::uint32_t n = TRY(r.u32());
    TRY(within(n, caps_.exports, "exports"));
    for (std::uint32_t i = 0; i < n; ++i) {
      Export item;
      item.name = TRY(r.name(kMaxNameBytes));
      const std::uint8_t kind = TRY(r.byte());
      if (kind > 3) return fail(Fault::kInvalid, "export " + item.name + " has an unknown kind");
      item.kind = static_cast<ExternKind>(kind);
      item.index = TRY(r.u32());
      info_.exports.push_back(std::move(item));
    }
    return {};
  }

  Status code(WasmReader r) {
    info_.functions = TRY(r.u32());
    TRY(within(info_.functions, caps_.functions, "functions"));
    for (std::uint32_t i = 0; i < info_.functions; ++i) {
      const std::uint32_t size = TRY(r.u32());
      TRY(within(size, caps_.body_bytes, "bytes in one function"));
      const std::size_t begin = r.at();
      TRY(r.skip(size));
      info_.largest_body_bytes = std::max(info_.largest_body_bytes, size);
      WasmReader body(wasm_, begin, begin + size);
      std::uint64_t locals = 0;
      const std::uint32_t groups = TRY(body.u32());
      for (std::uint32_t g = 0; g < groups; ++g) {
        locals += TRY(body.u32());
        TRY(within(locals, caps_.locals, "locals in one function"));
        TRY(body.skip(1));
      }
      info_.most_locals = std::max(info_.most_locals, static_cast<std::uint32_t>(locals));
    }
    if (!r.done()) return fail(Fault::kInvalid, "bytes after the last function");
    return {};
  }

  ByteView wasm_;
  ModuleCaps caps_;
  ModuleInfo info_;
  std::uint32_t declared_ = 0;
};

}  // namespace

const Export* ModuleInfo::find_export(std::string_view name) const {
  const auto at = std::ranges::find(exports, name, &Export::name);
  return at == exports.end() ? nullptr : &*at;
}

Result<ModuleInfo> inspect(ByteView wasm, const ModuleCaps& caps) {
  return Inspector(wasm, caps).run();
}

const FunctionType* ModuleInfo::exported_function(std::string_view name) const {
  const Export* found = find_export(name);
  if (found == nullptr || found->kind != ExternKind::kFunction || found->index >= function_types.size()) return nullptr;
  return &types[function_types[found->index]];
}

Status check_program(const ModuleInfo& info) {
  const FunctionType* start = info.exported_function("_start");
  if (start == nullptr || *start != FunctionType{}) {
    return fail(Fault::kRefused, "the module exports no function _start without parameters",
                "Build a program with main(), not a library or a reactor.");
  }
  const Export* memory = info.find_export("memory");
  if (memory == nullptr || memory->kind != ExternKind::kMemory) {
    return fail(Fault::kRefused, "the module exports no memory under the name memory");
  }
  for (const Import& item : info.imports) {
    if (item.module != kWasiModule) {
      return fail(Fault::kRefused, "the module imports " + item.module + "." + item.name,
                  std::string("A service sees only ") + std::string(kWasiModule) + ".");
    }
    const WasiFunction* function = find_wasi_function(item.name);
    if (function == nullptr) return fail(Fault::kRefused, "WASI preview 1 has no function " + item.name);
    const FunctionType& type = info.types[item.type];
    if (type.params != function->params || type.results != (function->returns ? "i" : "")) {
      return fail(Fault::kInvalid,
                  "the module imports " + item.name + " with another type than WASI preview 1 gives it");
    }
  }
  return {};
}

Status check_memory(const ModuleInfo& info, std::uint64_t memory_bytes) {
  const std::uint64_t needed = std::uint64_t{info.memory_min_pages} * kPageBytes;
  if (needed <= memory_bytes) return {};
  constexpr std::uint64_t kMib = 1024 * 1024;
  return fail(Fault::kLimit,
              "the module begins with " + std::to_string((needed + kMib - 1) / kMib) +
                  " MiB of memory, and the version has " + std::to_string(memory_bytes / kMib),
              "Give it more under \"memory_mib\" in micro.json.");
}

}  // namespace micro::wasm
