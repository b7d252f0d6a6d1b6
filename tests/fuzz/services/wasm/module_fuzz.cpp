// The reader that decides, before any compiler sees a module, whether it may be compiled.
#include "services/wasm/module_info.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

void put_section(Bytes& module, std::uint8_t id, const Bytes& contents) {
  module.push_back(id);
  module.push_back(static_cast<std::uint8_t>(contents.size()));  // below 128 each
  module.insert(module.end(), contents.begin(), contents.end());
}

// A module with every kind of section: (func (export "_start")), memory, table, global, elements, data, one import.
Bytes whole_module() {
  Bytes module{0, 'a', 's', 'm', 1, 0, 0, 0};
  put_section(module, 1, {2, 0x60, 0, 0, 0x60, 1, 0x7f, 0});
  Bytes import{1, 22};
  for (const char c : std::string_view("wasi_snapshot_preview1")) import.push_back(static_cast<std::uint8_t>(c));
  import.push_back(9);
  for (const char c : std::string_view("proc_exit")) import.push_back(static_cast<std::uint8_t>(c));
  import.insert(import.end(), {0, 1});
  put_section(module, 2, import);
  put_section(module, 3, {1, 0});
  put_section(module, 4, {1, 0x70, 0, 1});
  put_section(module, 5, {1, 1, 1, 16});
  put_section(module, 6, {1, 0x7f, 1, 0x41, 42, 0x0b});
  put_section(module, 7, {2, 6, '_', 's', 't', 'a', 'r', 't', 0, 1, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0});
  put_section(module, 9, {1, 0, 0x41, 0, 0x0b, 1, 1});
  put_section(module, 10, {1, 8, 1, 2, 0x7f, 0x41, 0, 0x10, 0, 0x0b});
  put_section(module, 11, {1, 0, 0x41, 0, 0x0b, 2, 'h', 'i'});
  return module;
}

}  // namespace

bool fuzz(ByteView input) {
  const wasm::ModuleCaps caps;
  const auto info = wasm::inspect(input, caps);
  if (!info) return false;
  CHECK(info->functions <= caps.functions && info->largest_body_bytes <= caps.body_bytes, "within the caps");
  CHECK(info->imports.size() <= caps.imports && info->exports.size() <= caps.exports, "within the caps");
  CHECK(info->table_elements <= caps.table_elements && info->memory_min_pages <= caps.memory_pages, "within the caps");
  for (const auto& section : info->sections) {
    CHECK(section.begin <= section.end && section.end <= input.size(), "a section lies in the module");
  }
  return wasm::check_program(*info).has_value();
}

std::vector<Bytes> fuzz_seeds() {
  return {whole_module()};
}

}  // namespace micro::test
