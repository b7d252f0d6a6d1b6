// What a worker process sends, as the node reads it: frames of a stream, in whatever pieces they come.
#include <algorithm>

#include "services/host/worker/messages.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

/// The frames of a stream that is read in pieces of `piece` bytes; nothing if it has a bad one.
std::optional<std::vector<Bytes>> frames_of(ByteView stream, std::size_t piece) {
  FrameReader reader;
  std::vector<Bytes> out;
  while (!stream.empty()) {
    const std::size_t n = std::min(piece, stream.size());
    std::ranges::copy(stream.first(n), reader.room(n).begin());
    reader.commit(n);
    stream = stream.subspan(n);
    while (true) {
      const auto frame = reader.next();
      if (!frame) return std::nullopt;
      if (!*frame) break;
      out.push_back(to_bytes(**frame));
    }
  }
  return out;
}

}  // namespace

bool fuzz(ByteView input) {
  const auto frames = frames_of(input, 1 << 20);
  CHECK(frames == frames_of(input, 3), "pieces do not matter");
  if (!frames || frames->empty()) return false;
  return std::ranges::all_of(*frames, [](const Bytes& frame) {
    const auto message = decode<WorkerMessage>(frame);
    CHECK(!message || encode(*message) == frame, "a message has one encoding");
    return message.has_value();
  });
}

std::vector<Bytes> fuzz_seeds() {
  WorkerReply reply;
  reply.id = 7;
  reply.kind = wasm::CallEnd::kTrapped;
  reply.out.assign(40, 0x41);
  reply.detail.assign(5, 0x42);
  Bytes stream;
  FrameWriter().put(stream, WorkerMessage(WorkerHello{Text<4096>(std::string("landlock"))}));
  Bytes two = stream;
  FrameWriter().put(two, WorkerMessage(reply));
  return {stream, two};
}

}  // namespace micro::test
