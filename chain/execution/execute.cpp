#include "chain/execution/execute.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "chain/execution/block_state.hpp"
#include "chain/execution/epoch.hpp"
#include "chain/execution/handlers.hpp"
#include "chain/execution/permissions.hpp"

namespace micro {
namespace {

constexpr std::size_t kReadAheadTxs = 32;

template <class T>
Result<T> required(const StateView& view, const StatePath& path, const char* what) {
  auto record = TRY(read_record<T>(view, path));
  if (!record) return fail(Fault::kCorrupt, std::string("the state holds no ") + what);
  return std::move(*record);
}

Result<TxStatus> dispatch(TxScope& scope, const Payload& payload) {
  return std::visit([&](const auto& kind) { return apply(scope, kind); }, payload);
}

std::unexpected<Error> refuse(const SignedTx& tx, TxStatus status) {
  if (status == TxStatus::kOk) return fail(Fault::kInvalid, "the block is larger than this network allows");
  return fail(Fault::kInvalid, "the block holds a transaction of " + tx.body.sender.brief() +
                                   " that may not be included: " + std::string(tx_status_text(status)));
}

struct Attempt {
  TxStatus refused = TxStatus::kOk;  ///< why it may not be included; kOk: the block has no room for it
  std::optional<TxReceipt> receipt;  ///< otherwise
};

Result<Attempt> run_tx(TxScope& scope, const SignedTx& tx, const TxFacts& facts, std::uint64_t room) {
  const TxStatus admitted = TRY(scope.admit(tx, facts));
  if (admitted != TxStatus::kOk || scope.size() > room) {
    scope.abandon();
    return Attempt{admitted, {}};
  }
  scope.begin();
  auto receipt = TRY(scope.finish(TRY(dispatch(scope, tx.body.payload))));
  if (!receipt) return Attempt{TxStatus::kCannotPayFee, {}};
  return Attempt{TxStatus::kOk, std::move(receipt)};
}

/// Senders and recipients: what nearly every transaction reads.
Status read_ahead(TxScope& scope, std::span<const SignedTx> txs) {
  std::vector<Address> accounts;
  for (const SignedTx& tx : txs) {
    accounts.push_back(tx.body.sender);
    if (const auto* transfer = std::get_if<Transfer>(&tx.body.payload)) accounts.push_back(transfer->to);
  }
  return scope.expect(accounts);
}

Status run_txs(BlockState& state, std::span<const SignedTx> txs, std::span<const TxFacts> facts, ExecutionMode mode,
               BlockOutcome& out, std::vector<bool>* kept) {
  TxScope scope(state.overlay, state.book, state.ctx);
  std::uint64_t room = state.ctx.params.max_block_bytes;
  out.receipts.reserve(txs.size());
  scope.reserve_accounts(2 * txs.size());
  for (std::size_t i = 0; i < txs.size(); ++i) {
    if (i % kReadAheadTxs == 0) TRY(read_ahead(scope, txs.subspan(i, std::min(kReadAheadTxs, txs.size() - i))));
    Attempt attempt = TRY(run_tx(scope, txs[i], facts[i], room));
    if (kept != nullptr) kept->push_back(attempt.receipt.has_value());
    if (!attempt.receipt) {
      if (mode == ExecutionMode::kValidate) return refuse(txs[i], attempt.refused);
      continue;
    }
    room -= scope.size();
    out.receipts.push_back(std::move(*attempt.receipt));
  }
  scope.flush();
  return {};
}

struct Trial {
  TxStatus status = TxStatus::kMalformed;
  Amount charge;
  Amount funds;
};

// Where the fee is not simply the sender's, only a trial shows who pays it, and whether a block could include it.
Result<Trial> try_tx(TxScope& scope, const SignedTx& tx, const TxFacts& facts, Nonce expected) {
  Trial out{TRY(scope.admit(tx, facts, expected)), {}, {}};
  if (out.status != TxStatus::kOk) return out;
  out.charge = scope.fee();
  out.funds = scope.fee_funds();
  if (!fee_is_settled_by_handler(tx.body.payload.index())) return out;
  const bool sender_can_pay = scope.sender_can_pay();
  scope.begin();
  if (TRY(dispatch(scope, tx.body.payload)) == TxStatus::kOk) {
    out.charge = Amount(0);
  } else if (!sender_can_pay) {
    out.status = TxStatus::kCannotPayFee;
  }
  return out;
}

// The first block of an epoch knows what ended the one before: what the epoch's statements are bound to.
Status anchor_epoch(BlockState& state) {
  const StatePath path = path::epoch_anchor(state.ctx.epoch);
  if (state.overlay.get(path)) return {};
  const auto set = TRY(required<ValidatorSet>(state.overlay, path::validators(state.ctx.epoch), "validators"));
  const BlockInput& block = state.ctx.block;
  const Hash id = epoch_id(block.chain, state.ctx.epoch, block.parent, validator_set_hash(set));
  state.overlay.put_record(path, EpochAnchor{state.ctx.epoch, block.parent, id});
  return {};
}

}  // namespace

Result<std::unique_ptr<BlockState>> BlockState::open(const StateView& parent, const BlockInput& input) {
  auto state = std::make_unique<BlockState>(parent);
  state->ctx.params = TRY(required<ChainParams>(parent, path::params(), "parameters"));
  state->ctx.block = input;
  state->clock = TRY(required<EpochClock>(parent, path::epoch_clock(), "epoch clock"));
  state->ctx.epoch = state->clock.epoch;
  const Supply supply = TRY(required<Supply>(parent, path::supply(), "supply"));
  state->book = TRY(SupplyBook::from(supply, state->ctx.lot_time()));
  TRY(anchor_epoch(*state));
  return state;
}

Result<BlockOutcome> execute_block(const StateView& parent, const BlockInput& input, std::span<const SignedTx> txs,
                                   PolicyPort& policy, ExecutionMode mode, std::vector<bool>* kept,
                                   std::span<const TxFacts> facts) {
  if (kept != nullptr) kept->clear();
  if (txs.size() > kMaxTxsPerBlock) return fail(Fault::kInvalid, "the block holds too many transactions");
  const auto state = TRY(BlockState::open(parent, input));
  BlockOutcome out;
  out.epoch = state->ctx.epoch;
  if (input.time <= state->clock.started) return fail(Fault::kInvalid, "the block is older than its epoch");
  std::vector<TxFacts> own;
  if (facts.empty()) {
    for (const SignedTx& tx : txs) own.push_back(tx_facts(tx));
    facts = own;
  }
  CHECK(facts.size() == txs.size(), "each transaction has its facts");
  TRY(run_txs(*state, txs, facts, mode, out, kept));
  out.boundary = input.time.value - state->clock.started.value >= state->ctx.params.epoch_ms;
  if (out.boundary) TRY(end_epoch(*state, policy, out));
  if (out.boundary || !out.receipts.empty()) state->store_supply();
  out.diff = state->overlay.take();
  return out;
}

struct TxChecker::Impl {
  explicit Impl(std::unique_ptr<BlockState> opened)
      : state(std::move(opened)), scope(state->overlay, state->book, state->ctx) {}
  std::unique_ptr<BlockState> state;
  TxScope scope;
  Trial last;
};

TxChecker::TxChecker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TxChecker::TxChecker(TxChecker&&) noexcept = default;
TxChecker::~TxChecker() = default;

Result<TxChecker> TxChecker::open(const StateView& view, const BlockInput& next) {
  return TxChecker(std::make_unique<Impl>(TRY(BlockState::open(view, next))));
}

TxStatus TxChecker::check(const SignedTx& tx, const TxFacts& facts, Nonce expected) {
  impl_->last = try_tx(impl_->scope, tx, facts, expected).value_or(Trial{});
  impl_->scope.abandon();
  return impl_->last.status;
}

Amount TxChecker::charge() const {
  return impl_->last.charge;
}

Amount TxChecker::funds() const {
  return impl_->last.funds;
}

void TxChecker::expect(std::span<const Address> senders) {
  static_cast<void>(impl_->scope.expect(senders));  // a damaged record shows when it is read
}

Nonce TxChecker::sender_nonce() const {
  return impl_->scope.sender_nonce();
}

TxStatus check_tx(const StateView& view, const BlockInput& next, const SignedTx& tx, Nonce expected) {
  auto checker = TxChecker::open(view, next);
  return checker ? checker->check(tx, tx_facts(tx), expected) : TxStatus::kMalformed;
}

Nonce next_nonce(const StateView& view, const Address& sender) {
  const auto account = read_record<Account>(view, path::account(sender));
  if (account && *account) return (*account)->nonce;
  const auto session = read_record<SessionRecord>(view, path::session(sender));
  return session && *session ? (*session)->nonce : Nonce(0);
}

}  // namespace micro
