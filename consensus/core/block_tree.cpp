#include "consensus/core/block_tree.hpp"

#include <algorithm>

namespace micro::simplex {
namespace {

std::size_t rough_bytes(const Block& block) {
  std::size_t out = sizeof(Header);
  for (const SignedTx& tx : block.txs) out += encode(tx).size();
  return out;
}

}  // namespace

void BlockTree::reset(const BlockId& tip, const Header& header) {
  *this = BlockTree();
  tip_ = tip;
  tip_header_ = header;
}

bool BlockTree::add(const BlockId& id, BlockPtr block, View view) {
  if (id == tip_ || block->header.height <= tip_header_.height) return false;
  if (Node* known = find(id)) {
    known->last_view = std::max(known->last_view, view);
    return true;
  }
  const std::size_t bytes = rough_bytes(*block);
  if (nodes_.size() >= kMaxTreeBlocks || bytes_ + bytes > kMaxTreeBytes) return false;
  Node& node = nodes_[id];
  node = {std::move(block), BlockState::kUnknown, false, bytes, view};
  if (is_rejected(id)) node.state = BlockState::kInvalid;
  bytes_ += bytes;
  return true;
}

BlockTree::Node* BlockTree::find(const BlockId& id) {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}

const BlockTree::Node* BlockTree::find(const BlockId& id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}

const Header* BlockTree::header(const BlockId& id) const {
  if (id == tip_) return &tip_header_;
  const Node* node = find(id);
  return node == nullptr ? nullptr : &node->block->header;
}

BlockTree::Walk BlockTree::walk(const BlockId& id) const {
  Walk out;
  if (id == tip_) {
    out.valid = true;
    return out;
  }
  BlockId at = id;
  const Node* lowest_open = nullptr;
  BlockId lowest_open_id;
  while (at != tip_) {
    if (is_rejected(at)) {
      out.dead = true;
      return out;
    }
    const Node* node = find(at);
    if (node == nullptr) {
      out.missing = at;
      return out;
    }
    ++out.depth;
    if (node->state == BlockState::kInvalid || node->block->header.height <= tip_header_.height) {
      out.dead = true;
      return out;
    }
    if (node->state != BlockState::kValid) {
      lowest_open = node;
      lowest_open_id = at;
    }
    if (node->block->header.height.value == tip_header_.height.value + 1 && node->block->header.parent != tip_) {
      out.dead = true;
      return out;
    }
    at = node->block->header.parent;
  }
  if (lowest_open == nullptr) {
    out.valid = true;
  } else if (lowest_open->state == BlockState::kUnknown) {
    out.next = lowest_open_id;
  }
  return out;
}

void BlockTree::set_state(const BlockId& id, BlockState state) {
  if (Node* node = find(id)) node->state = state;
}

void BlockTree::reject(const BlockId& id) {
  set_state(id, BlockState::kInvalid);
  if (rejected_.size() >= kMaxRejected) {
    rejected_.erase(std::ranges::min_element(rejected_, {}, [](const auto& entry) { return entry.second; }));
  }
  rejected_.try_emplace(id, rejections_++);
}

void BlockTree::list_chain(BlockId id, std::set<BlockId>& out) const {
  for (const Node* node = find(id); node != nullptr && out.insert(id).second;) {
    id = node->block->header.parent;
    node = find(id);
  }
}

void BlockTree::reconsider(const BlockId& id) {
  rejected_.erase(id);
  set_state(id, BlockState::kUnknown);
}

void BlockTree::commit(const BlockId& id) {
  const Node* node = find(id);
  if (node == nullptr) return;
  tip_ = id;
  tip_header_ = node->block->header;
  std::vector<BlockId> gone;
  for (const auto& [other, entry] : nodes_) {
    if (entry.block->header.height <= tip_header_.height) gone.push_back(other);
  }
  for (const BlockId& other : gone) drop(other);
}

void BlockTree::drop(const BlockId& id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  bytes_ -= it->second.bytes;
  nodes_.erase(it);
}

}  // namespace micro::simplex
