#include "chain/execution/execute.hpp"

#include "chain/execution/block_state.hpp"
#include "chain/execution/epoch.hpp"
#include "chain/execution/handlers.hpp"
#include "chain/execution/permissions.hpp"

namespace micro {
namespace {

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

Result<Attempt> run_tx(TxScope& scope, const SignedTx& tx, std::uint64_t room) {
  const TxStatus admitted = TRY(scope.admit(tx));
  if (admitted != TxStatus::kOk || scope.size() > room) {
    scope.abandon();
    return Attempt{admitted, {}};
  }
  scope.begin();
  auto receipt = TRY(scope.finish(TRY(dispatch(scope, tx.body.payload))));
  if (!receipt) return Attempt{TxStatus::kCannotPayFee, {}};
  return Attempt{TxStatus::kOk, std::move(receipt)};
}

Status run_txs(BlockState& state, std::span<const SignedTx> txs, ExecutionMode mode, BlockOutcome& out,
               std::vector<bool>* kept) {
  TxScope scope(state.overlay, state.book, state.ctx);
  std::uint64_t room = state.ctx.params.max_block_bytes;
  out.receipts.reserve(txs.size());
  for (const SignedTx& tx : txs) {
    Attempt attempt = TRY(run_tx(scope, tx, room));
    if (kept != nullptr) kept->push_back(attempt.receipt.has_value());
    if (!attempt.receipt) {
      if (mode == ExecutionMode::kValidate) return refuse(tx, attempt.refused);
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
Result<Trial> try_tx(TxScope& scope, const SignedTx& tx, Nonce expected) {
  Trial out{TRY(scope.admit(tx, expected)), {}, {}};
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

}  // namespace

Result<std::unique_ptr<BlockState>> BlockState::open(const StateView& parent, const BlockInput& input) {
  auto state = std::make_unique<BlockState>(parent);
  state->ctx.params = TRY(required<ChainParams>(parent, path::params(), "parameters"));
  state->ctx.block = input;
  state->clock = TRY(required<EpochClock>(parent, path::epoch_clock(), "epoch clock"));
  state->ctx.epoch = state->clock.epoch;
  const Supply supply = TRY(required<Supply>(parent, path::supply(), "supply"));
  state->book = TRY(SupplyBook::from(supply, state->ctx.lot_time()));
  return state;
}

Result<BlockOutcome> execute_block(const StateView& parent, const BlockInput& input, std::span<const SignedTx> txs,
                                   PolicyPort& policy, ExecutionMode mode, std::vector<bool>* kept) {
  if (kept != nullptr) kept->clear();
  if (txs.size() > kMaxTxsPerBlock) return fail(Fault::kInvalid, "the block holds too many transactions");
  const auto state = TRY(BlockState::open(parent, input));
  BlockOutcome out;
  out.epoch = state->ctx.epoch;
  if (input.time <= state->clock.started) return fail(Fault::kInvalid, "the block is older than its epoch");
  TRY(run_txs(*state, txs, mode, out, kept));
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

TxStatus TxChecker::check(const SignedTx& tx, Nonce expected) {
  impl_->last = try_tx(impl_->scope, tx, expected).value_or(Trial{});
  impl_->scope.abandon();
  return impl_->last.status;
}

Amount TxChecker::charge() const {
  return impl_->last.charge;
}

Amount TxChecker::funds() const {
  return impl_->last.funds;
}

TxStatus check_tx(const StateView& view, const BlockInput& next, const SignedTx& tx, Nonce expected) {
  auto checker = TxChecker::open(view, next);
  return checker ? checker->check(tx, expected) : TxStatus::kMalformed;
}

Nonce next_nonce(const StateView& view, const Address& sender) {
  const auto account = read_record<Account>(view, path::account(sender));
  if (account && *account) return (*account)->nonce;
  const auto session = read_record<SessionRecord>(view, path::session(sender));
  return session && *session ? (*session)->nonce : Nonce(0);
}

}  // namespace micro
