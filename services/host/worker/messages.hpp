// What passes between the node and a worker process: length-prefixed Borsh frames over one socket pair. Both ends are
// the same binary. The worker is not trusted: the node checks the size and form of everything that it sends.
#pragma once

#include <variant>

#include "chain/codec/codec.hpp"
#include "services/wasm/program.hpp"

namespace micro {

inline constexpr std::size_t kMaxJobTexts = 256;             ///< variables, and arguments
inline constexpr std::size_t kMaxJobTextBytes = 256 * 1024;  ///< of all variables together, and of all arguments
inline constexpr std::size_t kMaxJobInputBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxReplyOutBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxReplyLogBytes = 1024 * 1024;
inline constexpr std::size_t kMaxFrameBytes = kMaxReplyOutBytes + kMaxReplyLogBytes + 64 * 1024;
inline constexpr std::size_t kFrameReadBytes = 256 * 1024;  ///< asked of the socket at a time

/// Node → worker: run this program. `artefact` names a file in the worker's folder.
struct WorkerJob {
  std::uint64_t id = 0;
  Hash artefact;
  Blob<kMaxJobTextBytes> env;   ///< wasm::Texts
  Blob<kMaxJobTextBytes> args;  ///< the same
  Blob<kMaxJobInputBytes> input;
  Gas gas_limit;
  std::uint32_t deadline_ms = 0;
  TimeMs time;
  Hash seed;
  std::uint64_t memory_bytes = 0;
  std::uint32_t out_bytes = 0;
  std::uint32_t log_bytes = 0;
  static constexpr auto kFields =
      fields<&WorkerJob::id, &WorkerJob::artefact, &WorkerJob::env, &WorkerJob::args, &WorkerJob::input,
             &WorkerJob::gas_limit, &WorkerJob::deadline_ms, &WorkerJob::time, &WorkerJob::seed,
             &WorkerJob::memory_bytes, &WorkerJob::out_bytes, &WorkerJob::log_bytes>;
};

/// Node → worker: nobody waits for this call any more. It is answered like any other.
struct WorkerCancel {
  std::uint64_t id = 0;
  static constexpr auto kFields = fields<&WorkerCancel::id>;
};
using NodeMessage = std::variant<WorkerJob, WorkerCancel>;

/// Worker → node, once: it is ready, and how it is confined, for people.
struct WorkerHello {
  Text<4096> confinement;
  static constexpr auto kFields = fields<&WorkerHello::confinement>;
};

struct WorkerReply {
  std::uint64_t id = 0;
  wasm::CallEnd kind = wasm::CallEnd::kHostFailure;
  std::uint32_t exit_code = 0;
  Blob<kMaxReplyOutBytes> out;
  Blob<kMaxReplyLogBytes> log;
  Gas gas;
  Blob<4096> detail;  ///< text, but from a process that may be hostile
  static constexpr auto kFields = fields<&WorkerReply::id, &WorkerReply::kind, &WorkerReply::exit_code,
                                         &WorkerReply::out, &WorkerReply::log, &WorkerReply::gas, &WorkerReply::detail>;
};

using WorkerMessage = std::variant<WorkerHello, WorkerReply>;
/// Makes frames: u32 length, then the message. It keeps the memory that messages are encoded in.
class FrameWriter {
 public:
  template <class T>
  void put(Bytes& to, const T& message) {
    const Bytes& body = scratch_.clear().put(message).bytes();
    for (std::size_t i = 0; i < 4; ++i) to.push_back(static_cast<std::uint8_t>(body.size() >> (8 * i)));
    to.insert(to.end(), body.begin(), body.end());
    if (body.size() > kFrameReadBytes) scratch_ = Encoder();
  }

 private:
  Encoder scratch_;
};

/// Cuts a stream of bytes into frames.
class FrameReader {
 public:
  /// Room to read into; commit() what was read.
  std::span<std::uint8_t> room(std::size_t bytes) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ < bytes) compact(bytes);
    return std::span(buffer_).subspan(end_);
  }
  void commit(std::size_t bytes) { end_ += bytes; }

  /// The next whole frame, valid until the next room(); nothing if there is none yet; kLimit if it is too long.
  Result<std::optional<ByteView>> next() {
    const ByteView rest = ByteView(buffer_).subspan(begin_, end_ - begin_);
    if (rest.size() < 4) return std::nullopt;
    const std::uint32_t size = TRY(decode<std::uint32_t>(rest.first(4)));
    if (size > kMaxFrameBytes) return fail(Fault::kLimit, "a frame of " + std::to_string(size) + " bytes");
    if (rest.size() - 4 < size) return std::nullopt;
    begin_ += 4 + size;
    return rest.subspan(4, size);
  }

 private:
  void compact(std::size_t bytes) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < bytes) buffer_.resize(end_ + bytes);
  }

  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace micro
