// What a store answers, and where it stops.
#include "consensus/replica/perform.hpp"

#include <gtest/gtest.h>

#include "chain/codec/codec.hpp"

namespace micro::simplex {
namespace {

/// Blocks on top of each other, by id.
class Blocks100 final : public FinalChain {
 public:
  explicit Blocks100(std::size_t body_bytes) {
    Block block;
    while (encode(block).size() < body_bytes) block.txs.resize(block.txs.size() + 100);
    for (std::uint64_t h = 1; h <= 100; ++h) {
      block.header.height = Height(h);
      block.header.parent = top;
      top = block_id(block.header);
      headers_[top] = block.header;
    }
    body_ = std::move(block);
  }
  [[nodiscard]] Result<ChainHead> head() const override { return fail(Fault::kNotFound, "not asked for here"); }
  [[nodiscard]] Result<Block> final_block(const BlockId& id) const override {
    const auto it = headers_.find(id);
    if (it == headers_.end()) return fail(Fault::kNotFound, "no such block");
    Block out = body_;
    out.header = it->second;
    return out;
  }
  [[nodiscard]] Result<Certificate> boundary_certificate(Epoch) const override {
    return fail(Fault::kNotFound, "no epoch ended");
  }
  BlockId top;

 private:
  std::map<BlockId, Header> headers_;
  Block body_;
};

std::vector<std::uint64_t> heights(const MessagePtr& message) {
  std::vector<std::uint64_t> out;
  if (message == nullptr) return out;
  for (const Block& block : std::get<Blocks>(message->body).blocks) out.push_back(block.header.height.value);
  return out;
}

TEST(Answer, GoesDownFromTheBlockToWhatTheAskerHas) {
  const Blocks100 chain(0);
  EXPECT_EQ(heights(answer(ServeBlocks{{}, chain.top, Height(97)}, chain, Epoch(0))),
            (std::vector<std::uint64_t>{100, 99, 98}));
  EXPECT_EQ(heights(answer(ServeBlocks{{}, chain.top, Height(0)}, chain, Epoch(0))).size(), kMaxBlocksPerAnswer);
  EXPECT_EQ(answer(ServeBlocks{{}, chain.top, Height(100)}, chain, Epoch(0)), nullptr);
  EXPECT_EQ(answer(ServeBlocks{{}, BlockId(), Height(0)}, chain, Epoch(0)), nullptr);
  EXPECT_EQ(answer(ServeBoundary{{}, Epoch(0)}, chain), nullptr);
}

TEST(Answer, IsAsLongAsItMayBeButHoldsOneBlockAtLeast) {
  const Blocks100 large(kMaxAnswerBytes / 5 * 2);
  EXPECT_EQ(heights(answer(ServeBlocks{{}, large.top, Height(0)}, large, Epoch(0))),
            (std::vector<std::uint64_t>{100, 99}));
  const Blocks100 too_large(kMaxAnswerBytes + 1);
  EXPECT_EQ(heights(answer(ServeBlocks{{}, too_large.top, Height(0)}, too_large, Epoch(0))),
            std::vector<std::uint64_t>{100});
}

}  // namespace
}  // namespace micro::simplex
