// This binary is also the compiler that its tests start.
#include "services/wasm/module_cache/module_cache.hpp"

#include <fstream>

#include "tests/gen/guest.hpp"
#include "tests/gen/run_tests.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::wasm {
namespace {

namespace fs = std::filesystem;

class ModuleCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<ModuleCache> open(const fs::path& program = "/proc/self/exe", CompileLimits limits = {}) {
    ModuleCacheOptions options;
    options.folder = folder_ / "modules";
    options.program = program;
    options.limits = limits;
    return ModuleCache::open(options).value();
  }
  fs::path artefact(const Hash& name) const { return folder_ / "modules" / (name.hex() + ".cwasm"); }
  test::TempFolder folder_;
};

const fs::path kNoCompiler = "/bin/false";

TEST_F(ModuleCacheTest, CompilesInAChildOnceAndTheArtefactRuns) {
  const Bytes wasm = read_guest("echo");
  const auto name = open()->get(wasm);
  ASSERT_TRUE(name) << name.error().message;
  const Module module = test_engine().load_file(artefact(*name)).value();
  EXPECT_EQ(test_engine().run(module, call_of({"x"})).kind, CallEnd::kExited);
  const auto later = open(kNoCompiler);  // a new process that could not compile
  EXPECT_EQ(later->get(wasm).value(), *name);
  EXPECT_EQ(later->find(sha256(wasm)).value().value(), *name);
  EXPECT_FALSE(later->find(Hash{}).has_value());
}

TEST_F(ModuleCacheTest, RefusalsAreRememberedWithTheirText) {
  const Bytes no_program = wat_to_wasm("(module (memory (export \"memory\") 1))").value();
  const Bytes invalid =
      wat_to_wasm("(module (memory (export \"memory\") 1) (func (export \"_start\") i32.const 1))").value();
  for (const auto& [wasm, fault] : {std::pair(no_program, Fault::kRefused), std::pair(invalid, Fault::kInvalid)}) {
    const auto first = open()->get(wasm);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().fault, fault) << first.error().message;
    const auto again = open(kNoCompiler)->get(wasm);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error(), first.error());
  }
}

TEST_F(ModuleCacheTest, FaultOfThisMachineIsNotRemembered) {
  const Bytes wasm = read_guest("echo");
  const auto broken = open(kNoCompiler)->get(wasm);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().fault, Fault::kIo);
  EXPECT_TRUE(open()->get(wasm));
}

TEST_F(ModuleCacheTest, DamagedArtefactIsNeverLoadedButCompiledAgain) {
  const Bytes wasm = read_guest("echo");
  const Hash name = open()->get(wasm).value();
  {
    std::fstream file(artefact(name), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(5'000);
    file.put('!');
  }
  EXPECT_FALSE(open(kNoCompiler)->find(sha256(wasm)).has_value());
  EXPECT_EQ(open()->get(wasm).value(), name);
  EXPECT_TRUE(open(kNoCompiler)->find(sha256(wasm)).has_value());
  fs::resize_file(folder_ / "modules" / (name.hex() + ".entry"), 7);
  EXPECT_FALSE(open(kNoCompiler)->find(sha256(wasm)).has_value());
  EXPECT_EQ(open()->get(wasm).value(), name);
}

TEST_F(ModuleCacheTest, CompilerThatTakesTooLongIsKilledAndMayBeTriedAgain) {
  const Bytes wasm = read_guest("words");
  CompileLimits fast;
  fast.wall_ms = 20;
  const auto slow = open("/proc/self/exe", fast)->get(wasm);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().fault, Fault::kBusy) << slow.error().message;
  EXPECT_TRUE(open()->get(wasm));
}

#if !__has_feature(address_sanitizer)  // whose own memory no limit could hold
TEST_F(ModuleCacheTest, CompilerThatNeedsTooMuchMemoryIsKilled) {
  CompileLimits small;
  small.memory_bytes = 24ULL << 20;
  const auto hungry = open("/proc/self/exe", small)->get(read_guest("words"));
  ASSERT_FALSE(hungry);
  EXPECT_EQ(hungry.error().fault, Fault::kLimit) << hungry.error().message;
}
#endif

TEST_F(ModuleCacheTest, PruneRemovesWhatNobodyKeeps) {
  const auto cache = open();
  const Hash echo = cache->get(read_guest("echo")).value();
  const Hash hostile = cache->get(read_guest("hostile")).value();
  ASSERT_TRUE(cache->prune({hostile}, 1));
  EXPECT_FALSE(fs::exists(artefact(echo)));
  EXPECT_TRUE(fs::exists(artefact(hostile)));
  EXPECT_FALSE(cache->find(sha256(read_guest("echo"))).has_value());
  ASSERT_TRUE(cache->prune({}, 1ULL << 30));
  EXPECT_TRUE(fs::exists(artefact(hostile)));
}

}  // namespace
}  // namespace micro::wasm

int main(int argc, char** argv) {
  if (micro::wasm::is_compile_child(argc, argv)) return micro::wasm::compile_child_main(argc, argv);
  return micro::test::run_all_tests(argc, argv);
}
