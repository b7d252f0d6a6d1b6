// The accounts that a block's transactions touched, decoded: a transaction finds them by one probe, and each is encoded
// and written once, when the block's transactions are through. An open table, because the block's ordered diff costs a
// transfer more than everything else together when it is asked at every step.
#pragma once

#include <vector>

#include "chain/records/records.hpp"
#include "chain/state/overlay.hpp"

namespace micro {

class AccountTable {
 public:
  struct Row {
    StatePath path;
    Account account;
    bool exists = false;  ///< in the state, or made by a transaction of this block
    bool dirty = false;
  };

  /// The account's row, read from `view` at its first use; kCorrupt when its record does not decode. Good until
  /// clear(): rows are named by index, since their memory moves.
  Result<std::size_t> find(const Address& address, const StateView& view);
  [[nodiscard]] Row& row(std::size_t index) { return rows_[index]; }
  /// Makes place for so many rows at once.
  void reserve(std::size_t rows);
  /// find() of many, whose hashes and memory accesses overlap.
  Status load(std::span<const Address> addresses, const StateView& view);
  /// Writes changed accounts, in path order.
  void flush(Overlay& to);

 private:
  Result<std::size_t> insert(const Address& address, const StatePath& path, const StateView& view);
  void resize_slots(std::size_t slots);
  [[nodiscard]] std::size_t probe(const Address& address) const;

  std::vector<Row> rows_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(64);  // index + 1 into rows_; 0 is free
};

}  // namespace micro
