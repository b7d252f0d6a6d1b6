#include "chain/store/kv.hpp"

namespace micro {

void KvBatch::put(ByteView key, ByteView value) {
  data_.insert(data_.end(), key.begin(), key.end());
  data_.insert(data_.end(), value.begin(), value.end());
  items_.push_back({static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), false});
}

void KvBatch::erase(ByteView key) {
  data_.insert(data_.end(), key.begin(), key.end());
  items_.push_back({static_cast<std::uint32_t>(key.size()), 0, true});
}

std::uint64_t first_bytes(ByteView key) {
  constexpr std::size_t kWordBytes = 8;
  std::uint64_t n = 0;
  if (key.size() >= kWordBytes) {
    for (std::size_t i = 0; i < kWordBytes; ++i) n = n << 8 | key[i];
    return n;
  }
  for (std::size_t i = 0; i < kWordBytes; ++i) n = n << 8 | (i < key.size() ? key[i] : 0U);
  return n;
}

Bytes after_prefix(ByteView prefix) {
  Bytes next(prefix.begin(), prefix.end());
  while (!next.empty() && next.back() == 0xff) next.pop_back();
  if (!next.empty()) ++next.back();
  return next;
}

}  // namespace micro
