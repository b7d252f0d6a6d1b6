// The ports of p2p/sync over a real ledger: what it holds goes out with the proofs that its headers and roots allow,
// what comes in is checked against a header that is trusted, executed and made final.
#pragma once

#include "chain/codec/fields.hpp"
#include "p2p/sync/ports.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::p2p::sync::test {

/// An entry of the state and a range of them as they travel.
struct RangeEntry {
  StatePath path;
  Blob<kMaxStateBytes> value;
  static constexpr auto kFields = fields<&RangeEntry::path, &RangeEntry::value>;
};
struct RangeWithProof {
  List<RangeEntry, 65'536> entries;
  RangeProof proof;
  static constexpr auto kFields = fields<&RangeWithProof::entries, &RangeWithProof::proof>;
};

inline StatePath path_of(const Key& key) {
  return StatePath{key.data};
}
inline Key key_of_path(const StatePath& path) {
  return Key{path.data};
}
inline std::vector<StateEntry> entries_of(const RangeWithProof& range) {
  std::vector<StateEntry> out;
  for (const RangeEntry& entry : range.entries) out.push_back({entry.path, to_bytes(ByteView(entry.value))});
  return out;
}

/// Reads that were made are counted: a server must not read more than it may.
class LedgerSource : public Source {
 public:
  explicit LedgerSource(LedgerImpl& ledger) : ledger_(ledger) {}

  Result<StatusAnswer> status() override {
    ++reads;
    const ChainHead head = TRY(ledger_.head());
    StatusAnswer out{.lowest = 1, .highest = head.header.height.value, .head = head.id.as<Hash>(), .snapshots = {}};
    out.snapshots.push_back({out.highest, out.head, head.header.state_root.as<Hash>()});
    return out;
  }
  Result<HeadersAnswer> headers(const Id& anchor, std::uint64_t first, std::size_t max_count,
                                std::size_t max_bytes) override {
    const Height top = TRY(ledger_.blocks().height_of(anchor.as<BlockId>()));
    if (first >= top.value) return fail(Fault::kNotFound, "not below the anchor");
    HeadersAnswer out;
    std::size_t bytes = 0;
    std::uint64_t height = first;
    for (; height < top.value && out.headers.size() < max_count && (bytes < max_bytes || bytes == 0); ++height) {
      ++reads;
      out.headers.emplace_back(encode(TRY(ledger_.blocks().header(Height(height)))));
      bytes += out.headers.back().size();
    }
    out.proof = Blob<kMaxHeaderProofBytes>(encode(TRY(ledger_.blocks().prove_block(Height(height - 1), top))));
    return out;
  }
  Result<Bytes> header(const Id& id) override {
    ++reads;
    return encode(TRY(ledger_.blocks().header(TRY(ledger_.blocks().height_of(id.as<BlockId>())))));
  }
  Result<Bytes> block(std::uint64_t height) override {
    ++reads;
    if (height == 0) return fail(Fault::kNotFound, "the genesis has no block");
    return encode(TRY(ledger_.blocks().block(Height(height))));
  }
  Result<Bytes> block(const Id& id) override {
    ++reads;
    return encode(TRY(ledger_.final_block(id.as<BlockId>())));
  }
  Result<StateAnswer> state(const Id& root, const Key& first, const Key& last, std::size_t max_bytes) override {
    ++reads;
    const auto proven = ledger_.prove_range(path_of(first), path_of(last), {.max_bytes = max_bytes});
    if (proven.header.state_root.as<Hash>() != root) return fail(Fault::kNotFound, "not the newest state");
    RangeWithProof range;
    for (const StateEntry& entry : proven.range.entries) {
      range.entries.push_back({entry.path, Blob<kMaxStateBytes>(entry.value)});
    }
    range.proof = proven.range.proof;
    return StateAnswer{.covered = key_of_path(proven.range.covered), .range = Blob<kMaxStateBytes>(encode(range))};
  }
  std::size_t reads = 0;

 private:
  LedgerImpl& ledger_;
};

/// What survives the end of a process.
struct SyncedDisk {
  std::map<std::uint64_t, Header> headers;
  micro::test::Disks ledger;
  std::map<StatePath, Bytes> state;
  Progress progress;
};

class LedgerSink final : public Sink {
 public:
  /// The anchor is what a certificate vouches for. Both outlive it.
  LedgerSink(const Header& anchor, SyncedDisk& disk, LedgerImpl& ledger)
      : anchor_(anchor), disk_(disk), ledger_(ledger) {}

  Status check_headers(const Id& anchor, std::uint64_t first, const std::vector<HeaderBytes>& headers,
                       ByteView proof) override {
    if (anchor != block_id(anchor_).as<Hash>()) return fail(Fault::kMismatch, "another anchor");
    const auto mmr = TRY(decode<MmrProof>(proof));
    std::optional<BlockId> id;
    for (std::size_t n = 0; n < headers.size(); ++n) {
      const auto header = TRY(decode<Header>(headers[n]));
      if (header.height.value != first + n) return fail(Fault::kMismatch, "a header of another height");
      if (id && header.parent != *id) return fail(Fault::kMismatch, "headers that do not follow each other");
      id = block_id(header);
    }
    const bool is_last = mmr.index == first + headers.size() - 1 && mmr.count == anchor_.height.value;
    if (!is_last || !mmr_verify(anchor_.headers_root, *id, mmr)) {
      return fail(Fault::kMismatch, "headers of another chain");
    }
    return {};
  }
  Status check_header(const Id& id, ByteView header) override {
    if (block_id(TRY(decode<Header>(header))).as<Hash>() != id) return fail(Fault::kMismatch, "another header");
    return {};
  }
  Status check_block(std::uint64_t height, ByteView block) override {
    return check_body(height == anchor_.height.value ? anchor_ : disk_.headers.at(height), block);
  }
  Status check_block(const Id& id, ByteView block) override {
    const auto decoded = TRY(decode<Block>(block));
    if (block_id(decoded.header).as<Hash>() != id) return fail(Fault::kMismatch, "another block");
    return check_body(decoded.header, block);
  }
  Status check_state(const Id& root, const Key& first, const Key& covered, ByteView range) override {
    const auto given = TRY(decode<RangeWithProof>(range));
    if (!verify_range(root.as<StateRoot>(), path_of(first), path_of(covered), entries_of(given), given.proof)) {
      return fail(Fault::kMismatch, "a range of the state that its root does not prove");
    }
    return {};
  }

  Status take_header(std::uint64_t height, ByteView header) override {
    if (!disk_.headers.emplace(height, TRY(decode<Header>(header))).second) {
      return fail(Fault::kInternal, "a header was handed over twice");
    }
    return {};
  }
  Status take_block(std::uint64_t /*height*/, ByteView block) override {
    const auto decoded = TRY(decode<Block>(block));
    TRY(ledger_.execute(decoded));
    return ledger_.finalize(block_id(decoded.header), std::nullopt);
  }
  Status take_state(const Id& /*root*/, const Key& /*first*/, const Key& /*covered*/, ByteView range) override {
    for (StateEntry& entry : entries_of(TRY(decode<RangeWithProof>(range)))) {
      disk_.state[entry.path] = std::move(entry.value);
    }
    return {};
  }
  Status take_header(const Id& id, ByteView /*header*/) override {
    headers_by_id.push_back(id);
    return {};
  }
  Status take_block(const Id& id, ByteView /*block*/) override {
    blocks_by_id.push_back(id);
    return {};
  }
  std::vector<Id> headers_by_id;
  std::vector<Id> blocks_by_id;

 private:
  static Status check_body(const Header& header, ByteView block) {
    const auto decoded = TRY(decode<Block>(block));
    if (decoded.header != header) return fail(Fault::kMismatch, "a block of another header");
    if (txs_root(decoded.txs) != header.txs_root) return fail(Fault::kMismatch, "a body that its header does not name");
    return {};
  }
  Header anchor_;
  SyncedDisk& disk_;
  LedgerImpl& ledger_;
};

}  // namespace micro::p2p::sync::test
