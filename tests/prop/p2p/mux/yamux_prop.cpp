// Two ends against the naive model: each direction of each stream is a queue of bytes with an end, whatever the frames,
// the windows and the pieces in which bytes travel.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "p2p/mux/yamux.hpp"

namespace micro::p2p {
namespace {

struct Direction {
  Bytes sent;  // what the writer got rid of
  std::size_t read = 0;
  bool finished = false;
  bool end_seen = false;
};
struct ModelStream {
  StreamId id = 0;
  bool over = false;        // reset by one of them
  Direction directions[2];  // by the side that writes
};

class World {
 public:
  void step() {
    switch (*rc::gen::weightedElement<int>({{1, 0}, {6, 1}, {6, 2}, {1, 3}, {1, 4}, {1, 6}, {10, 5}})) {
      case 0:
        return open();
      case 1:
        return write();
      case 2:
        return read();
      case 3:
        return finish();
      case 4:
        return reset();
      case 6:
        if (ModelStream* stream = any()) sides_[*rc::gen::inRange(0, 2)].set_class(stream->id, StreamClass::kBulk);
        return;
      default:
        return travel(*rc::gen::inRange(0, 2), *rc::gen::element<std::size_t>(1, 11, 13, 1'000, 400'000));
    }
  }

  // Everything arrives, everything is read: nothing may be missing.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (int side = 0; side < 2; ++side) {
        moved = sides_[side].output_bytes() > 0 || moved;
        travel(side, SIZE_MAX);
      }
      for (ModelStream& stream : streams_) {
        for (int side = 0; side < 2; ++side) moved = read_from(stream, side, SIZE_MAX) || moved;
      }
    }
    for (const ModelStream& stream : streams_) {
      if (stream.over) {
        RC_ASSERT(!sides_[0].exists(stream.id) && !sides_[1].exists(stream.id));
        continue;
      }
      for (int side = 0; side < 2; ++side) {
        const Direction& direction = stream.directions[side];
        RC_ASSERT(direction.read == direction.sent.size());
        RC_ASSERT(sides_[1 - side].at_end(stream.id) == direction.finished);
      }
    }
  }

 private:
  ModelStream* any() {
    if (streams_.empty()) return nullptr;
    return &streams_[*rc::gen::inRange<std::size_t>(0, streams_.size())];
  }

  void open() {
    const int side = *rc::gen::inRange(0, 2);
    if (streams_.size() >= 20) return;
    const auto of = *rc::gen::element(StreamClass::kInteractive, StreamClass::kBulk);
    streams_.push_back({.id = sides_[side].open(of).value(), .directions = {}});
  }

  void write() {
    ModelStream* stream = any();
    const int side = *rc::gen::inRange(0, 2);
    if (stream == nullptr || stream->over || !sides_[side].exists(stream->id)) return;
    Direction& direction = stream->directions[side];
    if (direction.finished) return;
    const auto size = *rc::gen::element<std::size_t>(1, 100, 70'000, 300'000);
    Bytes bytes(size);
    for (std::size_t n = 0; n < size; ++n) bytes[n] = static_cast<std::uint8_t>((direction.sent.size() + n) * 131 >> 3);
    const std::size_t taken = sides_[side].write(stream->id, bytes);
    RC_ASSERT(taken <= size);
    direction.sent.insert(direction.sent.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  bool read_from(ModelStream& stream, int side, std::size_t most) {
    if (stream.over) return false;
    Direction& direction = stream.directions[1 - side];
    const ByteView there = sides_[side].readable(stream.id);
    const std::size_t size = std::min(there.size(), most);
    RC_ASSERT(direction.read + there.size() <= direction.sent.size());
    RC_ASSERT(std::equal(there.begin(), there.begin() + static_cast<std::ptrdiff_t>(size),
                         direction.sent.begin() + static_cast<std::ptrdiff_t>(direction.read)));
    now_.ns += 1'000;
    sides_[side].consume(stream.id, size, now_);
    direction.read += size;
    if (sides_[side].at_end(stream.id)) RC_ASSERT(direction.finished && direction.read == direction.sent.size());
    return size > 0;
  }

  void read() {
    if (ModelStream* stream = any()) {
      read_from(*stream, *rc::gen::inRange(0, 2), *rc::gen::element<std::size_t>(1, 5'000, 1'000'000));
    }
  }

  void finish() {
    ModelStream* stream = any();
    const int side = *rc::gen::inRange(0, 2);
    if (stream == nullptr || stream->over || !sides_[side].exists(stream->id)) return;
    sides_[side].finish(stream->id);
    stream->directions[side].finished = true;
  }

  void reset() {
    ModelStream* stream = any();
    const int side = *rc::gen::inRange(0, 2);
    if (stream == nullptr || !sides_[side].exists(stream->id)) return;
    sides_[side].reset(stream->id);
    stream->over = true;
  }

  void travel(int from, std::size_t most) {
    Yamux& sender = sides_[from];
    while (most > 0) {
      const ByteView next = sender.next_output(std::min<std::size_t>(most, 70'000));
      if (next.empty()) break;
      RC_ASSERT(sides_[1 - from].receive(next, now_).has_value());
      most -= next.size();
      sender.sent(next.size());
    }
    sender.events().clear();
    sides_[1 - from].events().clear();
  }

  Yamux sides_[2]{Yamux(true), Yamux(false)};
  std::vector<ModelStream> streams_;
  Instant now_;
};

RC_GTEST_PROP(Yamux, EachDirectionIsAQueueOfBytesWithAnEnd, ()) {
  World world;
  const int steps = *rc::gen::inRange(1, 120);
  for (int n = 0; n < steps; ++n) world.step();
  world.settle();
}

}  // namespace
}  // namespace micro::p2p
