// The simplest application that can be synchronized: headers, blocks and entries are made of numbers, so that whoever
// checks knows the truth, and what was handed over is compared with it.
#pragma once

#include <functional>
#include <map>

#include "chain/codec/fields.hpp"
#include "p2p/sync/ports.hpp"

namespace micro::p2p::sync::test {

struct ModelState {
  struct Entry {
    Key key;
    Blob<kMaxStateBytes> value;
    static constexpr auto kFields = fields<&Entry::key, &Entry::value>;
    bool operator==(const Entry&) const = default;
  };
  List<Entry, 65'536> entries;
  static constexpr auto kFields = fields<&ModelState::entries>;
  bool operator==(const ModelState&) const = default;
};

/// What is true.
struct Truth {
  std::uint64_t height = 0;  ///< of the head
  std::vector<std::size_t> block_bytes;
  std::map<Key, Bytes> state;

  [[nodiscard]] static Id id_of(std::uint64_t height) { return sha256(encode(height)); }
  [[nodiscard]] static Id root() { return sha256(Bytes{1}); }
  [[nodiscard]] std::optional<std::uint64_t> height_of(const Id& id) const {
    for (std::uint64_t n = 1; n <= height; ++n) {
      if (id_of(n) == id) return n;
    }
    return std::nullopt;
  }
  [[nodiscard]] Bytes header(std::uint64_t at) const { return encode(id_of(at)); }
  [[nodiscard]] Bytes block(std::uint64_t at) const {
    return Bytes(block_bytes[at % block_bytes.size()], static_cast<std::uint8_t>(at));
  }
  [[nodiscard]] ModelState range(const Key& first, const Key& last) const {
    ModelState out;
    for (auto it = state.lower_bound(first); it != state.end() && it->first <= last; ++it) {
      out.entries.push_back({it->first, Blob<kMaxStateBytes>(it->second)});
    }
    return out;
  }
  [[nodiscard]] Progress everything() const {
    Key last;
    last.data.fill(0xff);
    Progress out;
    out.anchor = id_of(height);
    out.headers = {1, height};
    out.blocks = {1, height + 1};
    out.state = StateProgress{.root = root(), .missing = {KeyRange{Key{}, last}}};
    return out;
  }
};

class TruthSource : public Source {
 public:
  explicit TruthSource(const Truth& truth) : truth_(truth) {}
  Result<StatusAnswer> status() override {
    StatusAnswer out{.lowest = 1, .highest = truth_.height, .head = Truth::id_of(truth_.height), .snapshots = {}};
    out.snapshots.push_back({truth_.height, out.head, Truth::root()});
    return out;
  }
  Result<HeadersAnswer> headers(const Id& anchor, std::uint64_t first, std::size_t max_count,
                                std::size_t max_bytes) override {
    if (anchor != Truth::id_of(truth_.height)) return fail(Fault::kNotFound, "no such anchor");
    HeadersAnswer out;
    std::size_t bytes = 0;
    for (std::uint64_t n = first; n < truth_.height && out.headers.size() < max_count && bytes < max_bytes; ++n) {
      out.headers.emplace_back(truth_.header(n));
      bytes += out.headers.back().size();
    }
    if (out.headers.empty()) return fail(Fault::kNotFound, "no such header");
    return out;
  }
  Result<Bytes> header(const Id& id) override {
    const auto height = truth_.height_of(id);
    if (!height) return fail(Fault::kNotFound, "no such header");
    return truth_.header(*height);
  }
  Result<Bytes> block(std::uint64_t height) override {
    if (height == 0 || height > truth_.height) return fail(Fault::kNotFound, "no such block");
    return truth_.block(height);
  }
  Result<Bytes> block(const Id& id) override {
    const auto height = truth_.height_of(id);
    if (!height) return fail(Fault::kNotFound, "no such block");
    return truth_.block(*height);
  }
  Result<StateAnswer> state(const Id& root, const Key& first, const Key& last, std::size_t max_bytes) override {
    if (root != Truth::root()) return fail(Fault::kNotFound, "no such state");
    ModelState all = truth_.range(first, last);
    Key covered = last;
    std::size_t bytes = 0;
    for (std::size_t n = 0; n < all.entries.size(); ++n) {
      bytes += Key::kSize + all.entries[n].value.size();
      if (n == 0 || bytes <= max_bytes) continue;
      all.entries.resize(n);
      covered = all.entries.back().key;
      break;
    }
    return StateAnswer{.covered = covered, .range = Blob<kMaxStateBytes>(encode(all))};
  }

 protected:
  const Truth& truth_;
};

/// Keeps what it is given, and knows whether it is true. Lives longer than the processes that fill it.
class TruthSink final : public Sink {
 public:
  explicit TruthSink(const Truth& truth) : truth_(truth) {}

  Status check_headers(const Id& anchor, std::uint64_t first, const std::vector<HeaderBytes>& given,
                       ByteView /*proof*/) override {
    bool is_true = anchor == Truth::id_of(truth_.height) && first + given.size() <= truth_.height;
    for (std::size_t n = 0; n < given.size(); ++n) is_true = is_true && equal(given[n], truth_.header(first + n));
    return judge(is_true);
  }
  Status check_header(const Id& id, ByteView header) override {
    const auto height = truth_.height_of(id);
    return judge(height && equal(header, truth_.header(*height)));
  }
  Status check_block(std::uint64_t height, ByteView block) override {
    if (height != truth_.height && !headers.contains(height)) return fail(Fault::kInternal, "its header comes first");
    return judge(equal(block, truth_.block(height)));
  }
  Status check_block(const Id& id, ByteView block) override {
    const auto height = truth_.height_of(id);
    return judge(height && equal(block, truth_.block(*height)));
  }
  Status check_state(const Id& root, const Key& first, const Key& covered, ByteView range) override {
    const auto given = decode<ModelState>(range);
    return judge(root == Truth::root() && given && *given == truth_.range(first, covered));
  }
  Status take_header(std::uint64_t height, ByteView /*header*/) override {
    if (!headers.empty() && headers.rbegin()->first + 1 != height) return fail(Fault::kInternal, "out of order");
    if (on_taken) on_taken();
    return once(++headers[height]);
  }
  Status take_block(std::uint64_t height, ByteView /*block*/) override {
    if (blocks.size() == fails_after) return fail(Fault::kIo, "the disk is full");
    if (!blocks.empty() && blocks.rbegin()->first + 1 != height) return fail(Fault::kInternal, "out of order");
    if (on_taken) on_taken();
    return once(++blocks[height]);
  }
  Status take_state(const Id& /*root*/, const Key& /*first*/, const Key& /*covered*/, ByteView range) override {
    const ModelState taken = decode<ModelState>(range).value();
    for (const auto& entry : taken.entries) state[entry.key] = to_bytes(ByteView(entry.value));
    if (on_taken) on_taken();
    return {};
  }
  Status take_header(const Id& id, ByteView /*header*/) override { return once(++headers_by_id[id]); }
  Status take_block(const Id& id, ByteView /*block*/) override { return once(++blocks_by_id[id]); }

  [[nodiscard]] bool has_everything() const {
    return headers.size() == truth_.height - 1 && blocks.size() == truth_.height && state == truth_.state;
  }

  std::map<std::uint64_t, int> headers;
  std::map<std::uint64_t, int> blocks;
  std::map<Key, Bytes> state;
  std::map<Id, int> headers_by_id;
  std::map<Id, int> blocks_by_id;
  std::size_t fails_after = SIZE_MAX;
  std::function<void()> on_taken;  // of what comes in an order, after each piece

 private:
  static bool equal(ByteView a, const Bytes& b) { return std::ranges::equal(a, b); }
  static Status judge(bool is_true) {
    if (!is_true) return fail(Fault::kMismatch, "that is not true");
    return {};
  }
  static Status once(int count) {
    if (count != 1) return fail(Fault::kInternal, "handed over twice");
    return {};
  }
  const Truth& truth_;
};

}  // namespace micro::p2p::sync::test
