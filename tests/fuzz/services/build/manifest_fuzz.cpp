// micro.json as a stranger's repository holds it.
#include "chain/registry/service_rules.hpp"
#include "services/build/detect/manifest.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto manifest = parse_manifest(as_text(input));
  if (!manifest) {
    CHECK(manifest.error().message.starts_with("micro.json: "), "an error says which file it is about");
    return false;
  }
  if (manifest->name) CHECK(is_service_name(*manifest->name), "a name is a DNS label");
  if (manifest->memory_mib) {
    CHECK(*manifest->memory_mib >= kMinMemoryMib && *manifest->memory_mib <= kMaxVersionMemoryMib,
          "memory in its range");
  }
  if (manifest->stack_kib) {
    CHECK(*manifest->stack_kib >= kMinStackKib && *manifest->stack_kib <= kMaxStackKib, "a stack in its range");
  }
  CHECK(manifest->endpoints.size() <= kMaxEndpoints, "within the limits");
  for (const Endpoint& endpoint : manifest->endpoints) CHECK(endpoint.path.starts_with('/'), "a path starts with /");
  for (const std::string& source : manifest->sources) CHECK(!source.starts_with('/'), "sources are inside");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const char* text :
       {"{}", R"({"name": "hello", "description": "Greets people", "language": "c", "sources": ["main.c", "lib/a.c"]})",
        R"({"memory_mib": 8, "price": "0.001", "language": "go"})", R"({"stack_kib": 32})",
        R"({"endpoints": [{"method": "POST", "path": "/hello", "description": "x",
             "request": {"type": "object", "properties": {"a": {"type": "string"}}}, "response": {}}]})"}) {
    seeds.push_back(to_bytes(std::string_view(text)));
  }
  return seeds;
}

}  // namespace micro::test
