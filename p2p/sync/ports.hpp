// What the protocol needs of its application: something to give to others, and somebody who can tell whether what came
// is true and keeps it. Neither blocks for long: reads are bounded.
#pragma once

#include "p2p/sync/messages.hpp"

namespace micro::p2p::sync {

/// What this node gives. kNotFound where it has no such thing; any other error is told as one of this node.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual Result<StatusAnswer> status() = 0;
  /// From `first` on, at most `max_count`, at least one, otherwise about `max_bytes`, with the proof that the last one
  /// is below the block `anchor`.
  [[nodiscard]] virtual Result<HeadersAnswer> headers(const Id& anchor, std::uint64_t first, std::size_t max_count,
                                                      std::size_t max_bytes) = 0;
  [[nodiscard]] virtual Result<Bytes> header(const Id& id) = 0;
  [[nodiscard]] virtual Result<Bytes> block(std::uint64_t height) = 0;
  [[nodiscard]] virtual Result<Bytes> block(const Id& id) = 0;
  /// The entries of [first, covered] with their edge proofs, about `max_bytes`, at least one entry if there is one.
  [[nodiscard]] virtual Result<StateAnswer> state(const Id& root, const Key& first, const Key& last,
                                                  std::size_t max_bytes) = 0;
};

/// What becomes of what came.
class Sink {
 public:
  virtual ~Sink() = default;

  // --- is it true? Any error is the sender's lie and its message the reason; nothing may be kept. In any order. ---
  /// That these are the headers from `first` on, all below the block `anchor`.
  virtual Status check_headers(const Id& anchor, std::uint64_t first, const std::vector<HeaderBytes>& headers,
                               ByteView proof) = 0;
  virtual Status check_header(const Id& id, ByteView header) = 0;
  /// Against the header of this height, which was taken before.
  virtual Status check_block(std::uint64_t height, ByteView block) = 0;
  virtual Status check_block(const Id& id, ByteView block) = 0;
  /// That under this root the keys [first, covered] hold exactly what `range` says.
  virtual Status check_state(const Id& root, const Key& first, const Key& covered, ByteView range) = 0;

  // --- keep it: durable when it returns, since progress moves on with it. An error ends the synchronization. ---
  /// Each height once and in order.
  virtual Status take_header(std::uint64_t height, ByteView header) = 0;
  virtual Status take_block(std::uint64_t height, ByteView block) = 0;
  /// Ranges come in any order, and keys may come again with what they had.
  virtual Status take_state(const Id& root, const Key& first, const Key& covered, ByteView range) = 0;
  virtual Status take_header(const Id& id, ByteView header) = 0;
  virtual Status take_block(const Id& id, ByteView block) = 0;
};

}  // namespace micro::p2p::sync
