// The small network with its sequencer; the log of statements lives in memory and survives "restarts".
#pragma once

#include "consensus/solo/sequencer.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::test {

struct MemoryLog final : StatementLog {
  std::vector<SignedStatement> all;
  std::optional<SignedStatement> newest;
  bool broken = false;

  Status record(const SignedStatement& s) override {
    if (broken) return fail(Fault::kIo, "the log was told to fail");
    if (newest && newest->statement == s.statement) return {};
    const auto rank = [](const SignedStatement& x) { return std::pair(x.block.header.epoch, x.statement.view); };
    if (newest && rank(s) <= rank(*newest)) return fail(Fault::kDenied, "two statements for one view");
    all.push_back(s);
    newest = s;
    return {};
  }
  [[nodiscard]] const std::optional<SignedStatement>& last() const override { return newest; }
};

inline Result<Sequencer> start_sequencer(SmallNet& net, StatementLog& log, std::uint8_t key = 1) {
  return Sequencer::start(net.ledger(), log, validator_key(key), TRY(net.ledger().head()), {});
}

}  // namespace micro::test
