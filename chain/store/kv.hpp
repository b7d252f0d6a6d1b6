// An ordered map of bytes on a disk, with atomic and durable writes: what the stores need from a database.
#pragma once

#include <functional>
#include <optional>

#include "chain/base/bytes.hpp"

namespace micro {

/// Writes that happen all or not at all. A later one of the same key wins. One buffer holds all bytes.
class KvBatch {
 public:
  void put(ByteView key, ByteView value);
  void erase(ByteView key);
  /// Makes place for about so much at once: megabytes are then neither copied nor touched twice while they come in.
  void reserve(std::size_t items, std::size_t bytes) {
    items_.reserve(items);
    data_.reserve(bytes);
  }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return data_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

  struct Op {
    ByteView key;
    std::optional<ByteView> value;  ///< none: removed
  };
  /// Visits in order; the views live as long as the batch is not written to.
  template <class Visit>
  void each(Visit visit) const {
    std::size_t at = 0;
    for (const Item& item : items_) {
      const ByteView key = ByteView(data_).subspan(at, item.key_size);
      at += item.key_size;
      if (item.is_erase) {
        visit(Op{key, std::nullopt});
        continue;
      }
      visit(Op{key, ByteView(data_).subspan(at, item.value_size)});
      at += item.value_size;
    }
  }

 private:
  struct Item {
    std::uint32_t key_size;
    std::uint32_t value_size;
    bool is_erase;
  };
  Bytes data_;
  std::vector<Item> items_;
};

/// Errors: kIo when the disk fails (the process should stop: what a failed sync left behind is unknown), kCorrupt when
/// stored bytes are damaged. Safe to use from many threads.
class Kv {
 public:
  virtual ~Kv() = default;
  [[nodiscard]] virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
  /// Atomic, and on disk when it returns.
  virtual Status write(const KvBatch& batch) = 0;
  /// Puts and removes many entries, ascending by key and none twice, as a file of their own: past the log, quicker than
  /// write() by far from some thousands on. On disk when it returns. Entries with one first byte arrive all or not at
  /// all.
  virtual Status ingest(std::span<const KvBatch::Op> entries) = 0;
  /// Every entry with from <= key < until, in ascending or descending order, until the visitor returns false; one
  /// consistent view. An empty `until` is the end of everything.
  using Visitor = std::function<bool(ByteView key, ByteView value)>;
  enum class Order : std::uint8_t { kAscending, kDescending };
  virtual Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const = 0;
};

/// The first eight bytes as a big-endian number, missing ones zero: orders keys as far as they decide.
std::uint64_t first_bytes(ByteView key);
/// The smallest key that is greater than every key with this prefix; empty when there is none.
Bytes after_prefix(ByteView prefix);

}  // namespace micro
