// What a light client is fed: headers, certificates, next committees, and proofs against the tip. Whoever feeds it has
// none of the validators' keys, so whatever it accepts is the chain that they signed, and nothing else.
#include <set>

#include "chain/codec/fields.hpp"
#include "chain/records/records.hpp"
#include "consensus/light/light_client.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/chain/solo_net.hpp"

namespace micro::test {
namespace {

struct Boundary {
  Header header;
  Certificate certificate;
  ValidatorSet next;
  static constexpr auto kFields = fields<&Boundary::header, &Boundary::certificate, &Boundary::next>;
};
struct Tip {
  Header header;
  Certificate certificate;
  static constexpr auto kFields = fields<&Tip::header, &Tip::certificate>;
};
struct Value {
  StatePath path;
  std::optional<Blob<4'096>> value;
  StateProof proof;
  static constexpr auto kFields = fields<&Value::path, &Value::value, &Value::proof>;
};
struct Below {
  Header header;
  MmrProof proof;
  static constexpr auto kFields = fields<&Below::header, &Below::proof>;
};
struct Transaction {
  Header header;
  SignedTx tx;
  MerkleProof proof;
  static constexpr auto kFields = fields<&Transaction::header, &Transaction::tx, &Transaction::proof>;
};
struct Receipt {
  Header header;
  TxReceipt receipt;
  MerkleProof proof;
  static constexpr auto kFields = fields<&Receipt::header, &Receipt::receipt, &Receipt::proof>;
};
struct BoundaryEvent {
  Header header;
  Event event;
  MerkleProof proof;
  static constexpr auto kFields = fields<&BoundaryEvent::header, &BoundaryEvent::event, &BoundaryEvent::proof>;
};
struct Far {
  Skip step;
  TimeMs now;
  static constexpr auto kFields = fields<&Far::step, &Far::now>;
};
using Feed = std::variant<Boundary, Tip, Value, Below, Transaction, Receipt, BoundaryEvent, Far>;
using Feeds = List<Feed, 16>;

constexpr std::uint64_t kTrustMs = 60'000;
constexpr std::uint64_t kDriftMs = 5'000;

/// The chain that the validator signed, and everything in it.
struct Truth {
  SmallNet net;
  MemoryJournal journal;
  Header genesis;
  std::vector<Sealed> sealed;
  std::set<Bytes> headers, txs, receipts, events;
  MemoryKv::Image state;

  Truth() {
    Solo solo(net, journal);
    CHECK(solo.start().has_value(), "the validator starts");
    genesis = net.ledger().head().value().header;
    headers.insert(encode(genesis));
    std::uint64_t now = kGenesisTime.value;
    for (std::uint64_t i = 0; i < 5; ++i) {
      CHECK(net.ledger().submit(net.transfer(1, i, 2, 5)).waits(), "a transfer waits");
      now += i == 4 ? 5 : 500;
      sealed.push_back(*solo.step(TimeMs(now), true).value());
      headers.insert(encode(sealed.back().block.header));
      for (const SignedTx& tx : sealed.back().block.txs) txs.insert(encode(tx));
      const auto done = net.ledger().blocks().receipts(sealed.back().block.header.height).value();
      for (const TxReceipt& receipt : done.receipts) receipts.insert(encode(receipt));
      for (const Event& event : done.boundary_events) events.insert(encode(event));
    }
  }
  [[nodiscard]] bool is_signed(const Header& header) const { return headers.contains(encode(header)); }
};
Truth& truth() {
  static Truth made;
  return made;
}

struct Reader {
  LightClient client = LightClient::from_genesis(truth().net.genesis(), truth().genesis).value();
  bool accepted = false;

  bool took(bool yes) {
    accepted |= yes;
    return yes;
  }
  void operator()(const Boundary& f) {
    if (took(client.end_epoch(f.header, f.certificate, f.next).has_value())) {
      CHECK(truth().is_signed(f.header) && f.next == truth().net.genesis().validators, "a signed boundary");
    }
  }
  void operator()(const Tip& f) {
    if (took(client.advance(f.header, f.certificate).has_value())) CHECK(truth().is_signed(f.header), "a signed tip");
  }
  void operator()(const Value& f) {
    const auto value = f.value ? std::optional<ByteView>(*f.value) : std::nullopt;
    if (!took(client.check_state(f.path, value, f.proof).has_value())) return;
    if (client.tip() != truth().sealed.back().block.header) return;  // the state of older tips is not kept here
    const auto real = truth().net.ledger().prove(f.path).value;
    CHECK(real.has_value() == value.has_value() && (!real || *real == *f.value), "the value that is in the state");
  }
  void operator()(const Below& f) {
    if (took(client.check_block(f.header, f.proof).has_value())) CHECK(truth().is_signed(f.header), "a signed block");
  }
  void operator()(const Transaction& f) {
    if (!truth().is_signed(f.header)) return;
    if (took(check_tx_in_block(f.header, f.tx, f.proof).has_value())) {
      CHECK(truth().txs.contains(encode(f.tx)), "a transaction of the chain");
    }
  }
  void operator()(const Receipt& f) {
    if (!truth().is_signed(f.header)) return;
    if (took(check_receipt_in_block(f.header, f.receipt, f.proof).has_value())) {
      CHECK(truth().receipts.contains(encode(f.receipt)), "a receipt of the chain");
    }
  }
  void operator()(const BoundaryEvent& f) {
    if (!truth().is_signed(f.header)) return;
    if (took(check_event_in_block(f.header, f.event, f.proof).has_value())) {
      CHECK(truth().events.contains(encode(f.event)), "an event of the chain");
    }
  }
  void operator()(const Far& f) {
    const auto reach = client.skip(f.step, {f.now, kTrustMs, kDriftMs});
    if (!took(reach && *reach == Reach::kTaken)) return;
    CHECK(truth().is_signed(f.step.header) && truth().is_signed(f.step.before), "a signed block of a later epoch");
    CHECK(f.step.set == truth().net.genesis().validators, "the committee of the chain");
  }
};

}  // namespace

bool fuzz(ByteView input) {
  const auto feeds = decode<Feeds>(input);
  if (!feeds) return false;
  Reader reader;
  for (const Feed& feed : *feeds) std::visit(reader, feed);
  return reader.accepted;
}

std::vector<Bytes> fuzz_seeds() {
  Truth& t = truth();
  LedgerImpl& ledger = t.net.ledger();
  Feeds synced;
  std::vector<Bytes> seeds;
  for (const Sealed& s : t.sealed) {
    if (s.block.header.boundary) {
      synced.push_back(Boundary{s.block.header, s.certificate, t.net.genesis().validators});
    } else if (&s == &t.sealed.back() || &s == &t.sealed.front()) {
      synced.push_back(Tip{s.block.header, s.certificate});
    }
    seeds.push_back(encode(synced));
  }
  const auto with = [&](Feed feed) {
    Feeds more = synced;
    more.push_back(std::move(feed));
    seeds.push_back(encode(more));
  };
  for (const StatePath& path : {path::account(address_of_key(2)), path::account(address_of_key(77)), path::supply()}) {
    const auto proven = ledger.prove(path);
    with(Value{path, proven.value ? std::optional(Blob<4'096>(ByteView(*proven.value))) : std::nullopt, proven.proof});
  }
  for (std::uint64_t h = 0; h < 4; ++h) {
    const auto proven = ledger.prove_block(Height(h)).value();
    with(Below{proven.header, proven.proof});
  }
  const auto tx = ledger.prove_tx(tx_id(t.sealed[2].block.txs[0].body)).value();
  with(Transaction{tx.header, tx.stored.tx, tx.tx_proof});
  with(Receipt{tx.header, tx.stored.receipt, tx.receipt_proof});
  const auto before = ledger.prove_block(t.sealed[3].block.header.height).value();
  const Sealed& last = t.sealed.back();
  const ValidatorSet& set = t.net.genesis().validators;
  const Skip step{last.block.header, last.certificate, set, before.header, before.proof, std::nullopt};
  Feeds far;
  far.push_back(Far{step, last.block.header.time});
  seeds.push_back(encode(far));
  const auto event = ledger.prove_event({t.sealed[1].block.header.height, kBoundaryTx, 0}).value();
  with(BoundaryEvent{event.header, event.event, event.proof});
  return seeds;
}

}  // namespace micro::test
