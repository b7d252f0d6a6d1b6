#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/store/memory_kv.hpp"
#include "chain/store/state_store.hpp"
#include "tests/gen/chain/crash_kv.hpp"

namespace micro {
namespace {

using test::CrashKv;
using test::Fuse;

constexpr std::uint8_t kPaths = 12;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

StatePath nth(std::uint8_t n) {
  const std::array<std::uint8_t, 1> key{n};
  return state_path(Module::kAccounts, key);
}

StateDiff some_diff(std::uint8_t most) {
  StateDiff out;
  for (std::uint8_t n = below(most); n-- > 0;) {
    const StatePath path = nth(below(kPaths));
    out[path] = below(4) == 0 ? std::nullopt : std::optional(Bytes(below<std::size_t>(20), below<std::uint8_t>(255)));
  }
  return out;
}

/// What a state is after a block.
using Values = std::map<StatePath, Bytes>;

Values after(Values values, const StateDiff& diff) {
  for (const auto& [path, value] : diff) {
    if (value) {
      values[path] = *value;
    } else {
      values.erase(path);
    }
  }
  return values;
}

StateMeta meta_of(std::uint64_t height) {
  StateMeta meta;
  meta.height = Height(height);
  return meta;
}

/// A state database whose process dies at some write, again and again.
struct Machine {
  StateLimits limits{.min_deferred = 1 + below<std::size_t>(6),
                     .max_bytes = 1 + below<std::size_t>(600),
                     .max_blocks = 1 + below<std::size_t>(5)};
  std::shared_ptr<MemoryKv> disk = std::make_shared<MemoryKv>();
  Fuse fuse;
  std::optional<StateStore> store;
  int lives = 0;

  /// A process that starts on what another left. From some life on nothing disturbs it.
  void start() {
    fuse = {};
    if (++lives < 20) fuse = Fuse{1 + below<std::size_t>(12), below(2) == 0 ? Fuse::Cut::kBefore : Fuse::Cut::kAfter};
    store.emplace(std::make_unique<CrashKv>(disk, fuse), limits);
  }
};

// Whether a block's values go to their places with it or wait in records, and wherever the process dies: what a start
// finds is the state after exactly the block that its meta names, which is the last one written or the one before.
RC_GTEST_PROP(StateStoreProp, ValuesAndHeightNeverDisagree, ()) {
  Machine machine;
  std::vector<Values> states{after({}, some_diff(kPaths))};
  {
    Fuse none;
    StateStore first(std::make_unique<CrashKv>(machine.disk, none), machine.limits);
    StateDiff genesis;
    for (const auto& [path, value] : states[0]) genesis.emplace(path, value);
    RC_ASSERT(first.write_genesis(genesis, meta_of(0)).has_value());
  }
  const auto blocks = 1 + below<std::size_t>(30);
  std::vector<StateDiff> diffs;
  for (std::size_t i = 0; i < blocks; ++i) {
    diffs.push_back(some_diff(8));
    states.push_back(after(states.back(), diffs.back()));
  }
  std::size_t written = 0;  // blocks that write() called durable
  while (written < blocks) {
    machine.start();
    const auto loaded = machine.store->load().value();
    RC_ASSERT(loaded.has_value());
    const std::size_t at = loaded->meta.height.value;
    const bool none_lost = at == written || at == written + 1;
    RC_ASSERT(none_lost);
    Values found;
    for (const StateEntry& entry : loaded->entries) {
      const bool in_order = found.empty() || found.rbegin()->first < entry.path;
      RC_ASSERT(in_order);
      found.emplace(entry.path, entry.value);
    }
    RC_ASSERT(found == states[at]);
    written = at;
    while (written < blocks && machine.store->write(diffs[written], meta_of(written + 1))) ++written;
    if (machine.fuse.dead) continue;
    RC_ASSERT(written == blocks);
  }
  StateStore last(std::make_unique<MemoryKv>(machine.disk->image()));
  RC_ASSERT(last.load().value()->entries.size() == states.back().size());
}

// What opening has to read beside the values stays bounded.
RC_GTEST_PROP(StateStoreProp, RecordsDoNotWaitForEver, ()) {
  auto kv = std::make_unique<MemoryKv>();
  MemoryKv* const disk = kv.get();
  const auto max_blocks = 1 + below<std::size_t>(5);
  StateStore store(std::move(kv), {.min_deferred = 1, .max_blocks = max_blocks});
  RC_ASSERT(store.write_genesis(some_diff(4), meta_of(0)).has_value());
  for (std::uint64_t height = 1; height <= 20; ++height) {
    RC_ASSERT(store.write({{nth(below(kPaths)), Bytes{1}}}, meta_of(height)).has_value());
    std::size_t records = 0;
    for (const auto& [key, value] : disk->image()) records += key.front() == 'd' ? 1 : 0;
    RC_ASSERT(records <= max_blocks);
  }
}

}  // namespace
}  // namespace micro
