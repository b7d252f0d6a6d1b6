// One engine among three strangers who say what the input says. An input is a list of steps: a byte for what happens,
// and for a message its length and bytes. Messages are signed again by whoever they name, so that mutated ones get
// behind the signatures. Whatever happens, the node signs no two votes that contradict each other, keeps its bounds,
// and stops only for contradicting certificates.
#include "tests/fuzz/fuzz.hpp"
#include "tests/sim/consensus/instant_node.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT

constexpr std::size_t kMaxSteps = 64;
enum class Step : std::uint8_t { kAsIs, kSignedAgain, kTime, kLongTime, kRestart, kTxs, kSteps };

class Fuzzed {
 public:
  Fuzzed() : committees_(small_committee()), node_(committees_, 0) {
    for (std::size_t m = 0; m < 4; ++m) signers_.emplace_back(kInstantSeed, m, false);
    std::ranges::sort(signers_, {}, [](const SimSigner& s) { return s.key(); });
    node_.start();
    check();
  }
  bool hear(ByteView bytes, bool again) {
    auto message = decode_message(bytes);
    if (!message) return false;
    if (again) sign_again(*message);
    node_.feed(Received{signers_[1].key(), std::move(*message)});
    return true;
  }
  InstantNode& node() { return node_; }
  void check() {
    for (const auto& [to, message] : node_.take_out()) {
      if (const auto* votes = std::get_if<Votes>(&message->body)) {
        for (const Vote& v : votes->votes) remember(v.statement);
      } else if (const auto* p = std::get_if<Proposal>(&message->body)) {
        remember(p->vote.statement);
      }
    }
    const Footprint f = node_.engine().footprint();
    CHECK(f.blocks <= kMaxTreeBlocks && f.fetches <= kMaxFetches && f.pending_checks <= kMaxPendingChecks &&
              f.pending_bodies <= kMaxPendingBodies,
          "the engine keeps its bounds");
    CHECK(!node_.halted || node_.halted->fault == Fault::kMismatch, "it stops only for what it can prove");
  }

 private:
  void sign(Vote& vote) {
    vote.statement.epoch_id = node_.engine().epoch_id();
    vote.signer = static_cast<std::uint16_t>(vote.signer % 4);
    if (signers_[vote.signer].key() == node_.signer().key())
      vote.signer = static_cast<std::uint16_t>((vote.signer + 1) % 4);
    vote.signature = signers_[vote.signer].sign(statement_hash(vote.statement));
  }
  void sign(Certificate& c) {
    c.statement.epoch_id = node_.engine().epoch_id();
    c.signers.assign(1, 0);
    c.signatures.clear();
    // Never with this node's own key: nobody else has it.
    for (std::uint16_t i = 0; i < 4; ++i) {
      if (signers_[i].key() == node_.signer().key()) continue;
      c.signers[0] = static_cast<std::uint8_t>(c.signers[0] | 1U << i);
      c.signatures.push_back(signers_[i].sign(statement_hash(c.statement)));
    }
  }
  void sign_again(Message& message) {
    message.epoch = node_.engine().epoch();
    if (auto* p = std::get_if<Proposal>(&message.body)) {
      sign(p->vote);
      for (Certificate& c : p->certificates) sign(c);
    } else if (auto* votes = std::get_if<Votes>(&message.body)) {
      for (Vote& v : votes->votes) sign(v);
    } else if (auto* held = std::get_if<Certificates>(&message.body)) {
      for (Certificate& c : held->certificates) sign(c);
    }
  }
  void remember(const Statement& s) {
    auto& known = said_[{s.epoch_id, s.view}];
    for (const Statement& other : known) {
      CHECK(!contradict(other, s), "two statements that convict it");
    }
    known.push_back(s);
  }

  Committees committees_;
  InstantNode node_;
  std::vector<SimSigner> signers_;
  std::map<std::pair<Hash, View>, std::vector<Statement>> said_;
};

void put_message(Bytes& out, Step step, const Message& message) {
  const Bytes bytes = encode(message);
  out.push_back(static_cast<std::uint8_t>(step));
  out.push_back(static_cast<std::uint8_t>(bytes.size()));
  out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

bool fuzz(ByteView input) {
  Fuzzed fuzzed;
  bool any = false;
  std::uint64_t txs = 0;
  for (std::size_t n = 0; n < kMaxSteps && !input.empty(); ++n) {
    const auto step = static_cast<Step>(input[0] % static_cast<std::uint8_t>(Step::kSteps));
    input = input.subspan(1);
    if (step == Step::kAsIs || step == Step::kSignedAgain) {
      if (input.size() < 2) break;
      const std::size_t size =
          std::min<std::size_t>(input[0] | static_cast<std::size_t>(input[1]) << 8, input.size() - 2);
      any = fuzzed.hear(input.subspan(2, size), step == Step::kSignedAgain) || any;
      input = input.subspan(2 + size);
    } else if (step == Step::kTime) {
      fuzzed.node().advance_ms(200);
    } else if (step == Step::kLongTime) {
      fuzzed.node().advance_ms(60'000);
    } else if (step == Step::kRestart && !fuzzed.node().halted) {
      fuzzed.node().restart();
    } else if (step == Step::kTxs) {
      fuzzed.node().ledger().submit(++txs);
      fuzzed.node().feed(TxsWait{true});
    }
    fuzzed.check();
    if (fuzzed.node().halted) break;
  }
  return any;
}

/// What a small network really says in its first views, cut into inputs.
std::vector<Bytes> fuzz_seeds() {
  const Committees committees = small_committee();
  std::vector<std::unique_ptr<InstantNode>> nodes;
  for (std::size_t m = 0; m < 4; ++m) {
    nodes.push_back(std::make_unique<InstantNode>(committees, m));
    nodes.back()->start();
    nodes.back()->ledger().submit(7);
    nodes.back()->feed(TxsWait{true});
  }
  std::vector<Bytes> seeds;
  Bytes seed;
  for (int round = 0; round < 120; ++round) {
    for (auto& from : nodes) {
      for (const auto& [to, message] : from->take_out()) {
        for (auto& node : nodes) {
          if (node.get() != from.get() && (!to || *to == node->signer().key())) {
            node->feed(Received{from->signer().key(), *message});
          }
        }
        put_message(seed, round % 2 == 0 ? Step::kAsIs : Step::kSignedAgain, *message);
        if (seed.size() > 6'000) seeds.push_back(std::exchange(seed, {}));
      }
    }
    for (auto& node : nodes) node->advance_ms(50);
    seed.push_back(static_cast<std::uint8_t>(2 + round % 4));
  }
  return seeds;
}

}  // namespace micro::test
