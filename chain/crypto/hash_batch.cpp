#include "chain/crypto/hash_batch.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace micro {

using blake2b::kBlockBytes;
using blake2b::kBlockWords;

static_assert(domain::kTexts.size() <= 256 && std::endian::native == std::endian::little);

HashBatch::HashBatch(std::optional<domain::Tag> tag, blake2b::Lanes lanes) : tag_(tag), lanes_(lanes) {
  if (!tag) return;
  const std::string_view text = domain::text(*tag);
  prefix_[0] = static_cast<std::uint8_t>(text.size());
  std::copy(text.begin(), text.end(), prefix_.begin() + 1);
  prefix_bytes_ = 1 + text.size();
}

Hash HashBatch::alone(std::initializer_list<ByteView> parts) const {
  if (tag_) return tagged_hash(*tag_, parts);
  if (parts.size() == 1) return blake2b_256(*parts.begin());
  Bytes all;
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return blake2b_256(all);
}

void HashBatch::add(std::initializer_list<ByteView> parts, Hash& out) {
  std::size_t size = prefix_bytes_;
  for (const ByteView part : parts) size += part.size();
  const std::size_t blocks = std::max<std::size_t>(1, (size + kBlockBytes - 1) / kBlockBytes);
  if (lanes_.kernel == nullptr || blocks > kMaxBlocks) {
    out = alone(parts);
    return;
  }
  // Whole blocks first and hashes by themselves: copies of a size that the compiler knows are a few instructions each.
  std::array<std::uint8_t, kMaxBlocks * kBlockBytes> message;
  std::memcpy(message.data(), prefix_.data(), kBlockBytes);
  for (std::size_t b = 1; b < blocks; ++b) std::memset(&message[b * kBlockBytes], 0, kBlockBytes);
  std::uint8_t* end = message.data() + prefix_bytes_;
  for (const ByteView part : parts) {
    if (part.size() == Hash::kSize) {
      std::memcpy(end, part.data(), Hash::kSize);
    } else if (!part.empty()) {
      std::memcpy(end, part.data(), part.size());
    }
    end += part.size();
  }

  Queue& queue = queues_[blocks - 1];
  std::uint64_t* to = words_.data() + words_before(blocks) + queue.waiting;
  for (std::size_t i = 0; i < blocks * kBlockWords; ++i) std::memcpy(to + i * lanes_.count, &message[8 * i], 8);
  queue.sizes[queue.waiting] = size;
  queue.out[queue.waiting] = &out;
  if (++queue.waiting == lanes_.count) run(blocks);
}

void HashBatch::run(std::size_t blocks) {
  Queue& queue = queues_[blocks - 1];
  std::array<std::uint64_t, 4 * blake2b::kMaxLanes> states;
  lanes_.kernel(words_.data() + words_before(blocks), blocks, queue.sizes.data(), states.data());
  for (std::size_t lane = 0; lane < queue.waiting; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) {
      std::memcpy(&queue.out[lane]->data[8 * i], &states[i * lanes_.count + lane], 8);
    }
  }
  queue.waiting = 0;
}

void HashBatch::flush() {
  for (std::size_t blocks = 1; blocks <= kMaxBlocks; ++blocks) {
    if (queues_[blocks - 1].waiting != 0) run(blocks);
  }
}

}  // namespace micro
