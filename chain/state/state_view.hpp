// Reading the state, whatever holds it: the finalized tree, an overlay of an unfinalized block, a test's map.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>

#include "chain/base/bytes.hpp"
#include "chain/codec/codec.hpp"
#include "chain/state/state_key.hpp"

namespace micro {

class StateView {
 public:
  virtual ~StateView() = default;
  /// The bytes stay valid until the view's owner changes it.
  [[nodiscard]] virtual std::optional<ByteView> get(const StatePath& path) const = 0;
  /// Every entry of a module in path order, until the visitor returns false. The visitor must not change the view.
  using Visitor = std::function<bool(const StatePath&, ByteView)>;
  virtual void scan(Module module, const Visitor& visit) const = 0;
  /// That these paths are read soon: whoever keeps them in memory lets the misses overlap. Changes nothing.
  virtual void prefetch(std::span<const StatePath>) const {}
};

/// Changes by path; no value means removed. Ordered, so that every node walks it alike.
using StateDiff = std::map<StatePath, std::optional<Bytes>>;

/// A record of our own state. Damaged bytes here are a broken invariant of the node, reported as kCorrupt.
template <class T>
Result<std::optional<T>> read_record(const StateView& view, const StatePath& path) {
  const auto bytes = view.get(path);
  if (!bytes) return std::optional<T>{};
  auto value = decode<T>(*bytes);
  if (!value) return fail(Fault::kCorrupt, "state record: " + value.error().message);
  return std::optional<T>(std::move(*value));
}

}  // namespace micro
