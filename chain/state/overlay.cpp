#include "chain/state/overlay.hpp"

namespace micro {
namespace {

StatePath module_start(Module module) {
  StatePath path;
  path.data[0] = static_cast<std::uint8_t>(module);
  return path;
}

}  // namespace

std::optional<ByteView> DiffView::get(const StatePath& path) const {
  const auto it = diff_.find(path);
  if (it == diff_.end()) return base_.get(path);
  if (!it->second) return std::nullopt;
  return ByteView(*it->second);
}

void DiffView::scan(Module module, const Visitor& visit) const {
  auto mine = diff_.lower_bound(module_start(module));
  const auto in_module = [&](const auto& it) { return it != diff_.end() && module_of(it->first) == module; };
  bool going = true;
  const auto emit_mine = [&] {
    if (mine->second) going = visit(mine->first, ByteView(*mine->second));
    ++mine;
  };
  base_.scan(module, [&](const StatePath& path, ByteView value) {
    while (going && in_module(mine) && mine->first < path) emit_mine();
    if (!going) return false;
    if (in_module(mine) && mine->first == path) {
      emit_mine();
    } else {
      going = visit(path, value);
    }
    return going;
  });
  while (going && in_module(mine)) emit_mine();
}

std::optional<ByteView> Overlay::get(const StatePath& path) const { return DiffView(base_, diff_).get(path); }

void Overlay::scan(Module module, const Visitor& visit) const { DiffView(base_, diff_).scan(module, visit); }

void Overlay::merge(StateDiff changes) {
  if (changes.size() >= diff_.size()) {
    changes.merge(diff_);  // moves what `changes` does not hold, without a copy
    diff_ = std::move(changes);
    return;
  }
  for (auto& [path, value] : changes) diff_.insert_or_assign(path, std::move(value));
}

std::optional<ByteView> MapState::get(const StatePath& path) const {
  const auto it = entries_.find(path);
  if (it == entries_.end()) return std::nullopt;
  return ByteView(it->second);
}

void MapState::scan(Module module, const Visitor& visit) const {
  for (auto it = entries_.lower_bound(module_start(module)); it != entries_.end(); ++it) {
    if (module_of(it->first) != module || !visit(it->first, ByteView(it->second))) return;
  }
}

void MapState::apply(const StateDiff& diff) {
  for (const auto& [path, value] : diff) {
    if (value) {
      entries_.insert_or_assign(path, *value);
    } else {
      entries_.erase(path);
    }
  }
}

}  // namespace micro
