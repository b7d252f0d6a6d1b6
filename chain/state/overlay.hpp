// Changes on top of a view, in memory: one a block, and one a transaction on top of that. Dropping it undoes
// everything.
#pragma once

#include "chain/state/state_view.hpp"

namespace micro {

/// A view through somebody else's diff onto `base`; both outlive it.
class DiffView final : public StateView {
 public:
  DiffView(const StateView& base, const StateDiff& diff) : base_(base), diff_(diff) {}
  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override;
  void scan(Module module, const Visitor& visit) const override;
  void prefetch(std::span<const StatePath> paths) const override { base_.prefetch(paths); }

 private:
  const StateView& base_;
  const StateDiff& diff_;
};

class Overlay final : public StateView {
 public:
  /// `base` outlives the overlay and does not change meanwhile.
  explicit Overlay(const StateView& base) : base_(base) {}
  // `Overlay upper(lower)` would copy the lower one and no longer see its changes: an overlay on an overlay is made
  // from a StateView&.
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override;
  void scan(Module module, const Visitor& visit) const override;
  void prefetch(std::span<const StatePath> paths) const override { base_.prefetch(paths); }

  void put(const StatePath& path, Bytes value) { diff_.insert_or_assign(path, std::move(value)); }
  void erase(const StatePath& path) { diff_.insert_or_assign(path, std::nullopt); }
  template <class T>
  void put_record(const StatePath& path, const T& record) {
    put(path, encode(record));
  }
  /// Applies another overlay's changes to this one.
  void merge(StateDiff changes);
  [[nodiscard]] const StateDiff& diff() const { return diff_; }
  StateDiff take() { return std::move(diff_); }
  void clear() { diff_.clear(); }

 private:
  const StateView& base_;
  StateDiff diff_;
};

/// A view over a plain ordered map: the naive model that others are compared with, and the state of small tests.
class MapState final : public StateView {
 public:
  [[nodiscard]] std::optional<ByteView> get(const StatePath& path) const override;
  void scan(Module module, const Visitor& visit) const override;
  void apply(const StateDiff& diff);
  [[nodiscard]] const std::map<StatePath, Bytes>& entries() const { return entries_; }

 private:
  std::map<StatePath, Bytes> entries_;
};

}  // namespace micro
