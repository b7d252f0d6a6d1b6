#include "chain/execution/tx_scope.hpp"

#include "chain/base/check.hpp"
#include "chain/execution/amount_range.hpp"
#include "chain/execution/execute.hpp"
#include "chain/execution/holders.hpp"
#include "chain/execution/permissions.hpp"

namespace micro {
namespace {

// Scheme byte, compressed key and signature follow the body.
constexpr std::size_t kSignatureBytes = 1 + PublicKey::kSize + EcdsaSignature::kSize;

Amount window_left(const SessionRecord& session) {
  return Amount(session.window_cap.micro - min(session.window_spent, session.window_cap).micro);
}

}  // namespace

Amount tx_fee(const ChainParams& params, std::size_t encoded_bytes) {
  // Parameters are checked at genesis to keep this far below 2⁶².
  return Amount(params.fee_per_tx.micro + params.fee_per_byte.micro * encoded_bytes);
}

std::size_t tx_size(const SignedTx& tx) {
  return tx_facts(tx).bytes;
}

TxFacts tx_facts(const SignedTx& tx) {
  const Bytes body = encode(tx.body);
  return {tagged_hash(domain::kTxId, body).as<TxId>(), body.size() + kSignatureBytes};
}

// --- accounts ---

Result<TxScope::AccountEntry*> TxScope::entry(const Address& address) {
  for (std::size_t i = 0; i < used_accounts_; ++i) {
    if (accounts_[i].account.address == address) return &accounts_[i];
  }
  if (used_accounts_ == accounts_.size()) return fail(Fault::kInternal, "a transaction touches too many accounts");
  AccountEntry& fresh = accounts_[used_accounts_];
  fresh.row = TRY(table_.find(address, block_));
  const AccountTable::Row& row = table_.row(fresh.row);
  fresh.existed = row.exists;
  fresh.account = row.account;
  if (row.exists) book_.note(row.account.purse, SupplyBook::Sign::kMinus);
  ++used_accounts_;
  return &fresh;
}

Result<Account*> TxScope::account(const Address& address) {
  return &TRY(entry(address))->account;
}

Result<Account*> TxScope::existing_account(const Address& address) {
  AccountEntry* found = TRY(entry(address));
  if (!found->existed) return nullptr;
  return &found->account;
}

// --- admission ---

void TxScope::reset() {
  used_accounts_ = 0;
  changes_.clear();
  events_.clear();
  session_.reset();
  payer_ = nullptr;
  fee_paid_ = false;
}

TxStatus TxScope::check_session() {
  if (!session_may_sign(tx_->body.payload.index())) return TxStatus::kNotForSessions;
  if (session_->revoked || now() >= session_->expires) return TxStatus::kSessionEnded;
  const std::uint64_t window_end = std::uint64_t{session_->window_start.value} + session_->window_epochs;
  if (now().value >= window_end) {
    session_->window_start = now();
    session_->window_spent = Amount(0);
  }
  return TxStatus::kOk;
}

Result<TxStatus> TxScope::resolve_sender() {
  AccountEntry* own = TRY(entry(sender()));
  if (own->existed) {
    payer_ = &own->account;
    return TxStatus::kOk;
  }
  session_ = TRY(read_record<SessionRecord>(block_, path::session(sender())));
  if (!session_) {
    payer_ = &own->account;
    return TxStatus::kOk;
  }
  if (const TxStatus status = check_session(); status != TxStatus::kOk) return status;
  payer_ = TRY(account(session_->owner));
  return TxStatus::kOk;
}

TxStatus TxScope::check_fee() {
  fee_ = tx_fee(params(), size_);
  if (tx_->body.max_fee < fee_) return TxStatus::kFeeTooLow;
  if (!fee_is_settled_by_handler(tx_->body.payload.index()) && !sender_can_pay()) return TxStatus::kCannotPayFee;
  if (session_ && window_left(*session_) < fee_) return TxStatus::kSessionWindowFull;
  return TxStatus::kOk;
}

Amount TxScope::fee_funds() const {
  const Amount held = live(payer_->purse);
  return session_ ? min(held, window_left(*session_)) : held;
}

Result<TxStatus> TxScope::admit(const SignedTx& tx, const TxFacts& facts, std::optional<Nonce> expected) {
  reset();
  before_ = book_;
  tx_ = &tx;
  id_ = facts.id;
  size_ = facts.bytes;
  const TxBody& body = tx.body;
  if (body.version != 1) return TxStatus::kBadVersion;
  if (body.chain != ctx_.block.chain) return TxStatus::kWrongChain;
  if (size_ > kMaxTxBytes) return TxStatus::kTooLarge;
  if (ctx_.block.height > body.valid_until) return TxStatus::kExpired;
  if (!amounts_in_range(body)) return TxStatus::kMalformed;
  if (const TxStatus status = TRY(resolve_sender()); status != TxStatus::kOk) return status;
  sender_nonce_ = session_ ? session_->nonce : payer_->nonce;
  const Nonce next = expected.value_or(sender_nonce_);
  if (body.nonce < next) return TxStatus::kNonceUsed;
  if (next < body.nonce) return TxStatus::kNonceGap;
  return check_fee();
}

// --- begin and end ---

void TxScope::charge() {
  (session_ ? session_->nonce : payer_->nonce) = tx_->body.nonce.next();
  if (fee_is_settled_by_handler(tx_->body.payload.index())) return;
  if (session_) session_->window_spent.micro += fee_.micro;
  CHECK(burn(payer_->purse, fee_), "the fee was there when it was checked");
  fee_paid_ = true;
}

void TxScope::abandon() {
  book_ = before_;
  reset();
}

void TxScope::begin() {
  charge();
}

Status TxScope::roll_back() {
  book_ = before_;
  reset();
  CHECK(TRY(resolve_sender()) == TxStatus::kOk, "the sender resolved when the transaction began");
  charge();
  return {};
}

Status TxScope::write_back() {
  const ModuleSet allowed =
      tx_ == nullptr ? ~modules({Module::kAccounts}) : writable_modules(tx_->body.payload.index());
  for (const auto& [path, value] : changes_.diff()) {
    const Module module = module_of(path);
    if (!contains(allowed, module)) {
      return fail(Fault::kInternal, "a transaction wrote to module " + std::to_string(static_cast<int>(module)));
    }
    const auto note = [&](SupplyBook::Sign sign) {
      return [this, sign](const Purse& purse, bool paused) {
        paused ? book_.note_paused(purse, sign) : book_.note(purse, sign);
      };
    };
    if (const auto old = block_.get(path)) TRY(for_each_purse(module, *old, note(SupplyBook::Sign::kMinus)));
    if (value) TRY(for_each_purse(module, *value, note(SupplyBook::Sign::kPlus)));
  }
  for (std::size_t i = 0; i < used_accounts_; ++i) {
    AccountEntry& e = accounts_[i];
    if (!e.existed && e.account.nonce.value == 0 && e.account.purse.lots.empty()) continue;
    drop_gone(e.account.purse, when());
    book_.note(e.account.purse, SupplyBook::Sign::kPlus);
    AccountTable::Row& row = table_.row(e.row);
    std::swap(row.account, e.account);
    row.exists = row.dirty = true;
  }
  if (session_) block_.put_record(path::session(session_->key), *session_);
  if (!changes_.diff().empty()) block_.merge(changes_.take());
  return book_.check();
}

Result<std::optional<TxReceipt>> TxScope::finish(TxStatus status) {
  CHECK(is_included(status), "a handler may only succeed or fail with its fee charged");
  if (status != TxStatus::kOk) {
    TRY(roll_back());
    if (!fee_paid_ && !burn(payer_->purse, fee_)) {
      abandon();
      return std::nullopt;
    }
    fee_paid_ = true;
  }
  if (!fee_paid_) return fail(Fault::kInternal, "a transaction succeeded and nobody paid its fee");
  TRY(write_back());
  TxReceipt receipt{id_, status, fee_, std::move(events_)};
  reset();
  return receipt;
}

void TxScope::begin_transition() {
  reset();
  tx_ = nullptr;
}

Status TxScope::finish_transition() {
  TRY(write_back());
  flush();
  reset();
  return {};
}

// --- tokens ---

bool TxScope::spend_from_window(Amount amount) {
  if (!session_) return true;
  std::uint64_t spent = 0;
  if (__builtin_add_overflow(session_->window_spent.micro, amount.micro, &spent)) return false;
  if (spent > session_->window_cap.micro) return false;
  session_->window_spent = Amount(spent);
  return true;
}

bool TxScope::move(Purse& from, Purse& to, Amount amount, const LotFilter& filter) {
  if (&from == &to) return total(from, filter) >= amount;
  return take_each(from, amount, filter, [&](const Lot& lot) { add_lot(to, lot); });
}

bool TxScope::burn(Purse& from, Amount amount) {
  return take_each(from, amount, live_lots(when()), [&](const Lot& lot) { book_.burn(lot); });
}

bool TxScope::renew(Purse& from, Purse& to, Amount amount) {
  const auto taken = take(from, amount, live_lots(when()));
  if (!taken) return false;
  for (const Lot& lot : taken->lots) {
    book_.renew(lot);
    add_lot(to, {fresh_expiry(when()), lot.cls, lot.amount});
  }
  return true;
}

bool TxScope::pause(Purse& from, Purse& bond, Amount amount, const LotFilter& filter) {
  const auto taken = take(from, amount, filter);
  if (!taken) return false;
  for (const Lot& lot : taken->lots) {
    book_.pause(lot);
    add_lot(bond, lot);
  }
  return true;
}

bool TxScope::unpause(Purse& bond, Epoch bonded_at, Purse& to, Amount amount) {
  const auto taken = take(bond, amount, {Epoch(0), false});
  if (!taken) return false;
  for (const Lot& lot : taken->lots) {
    const Epoch expiry = released_expiry(lot.expiry, bonded_at, when());
    book_.unpause(lot, expiry);
    add_lot(to, {expiry, lot.cls, lot.amount});
  }
  return true;
}

bool TxScope::burn_bond(Purse& bond, Amount amount) {
  const auto taken = take(bond, amount, {Epoch(0), false});
  if (!taken) return false;
  book_.burn_paused(amount);
  return true;
}

bool TxScope::pay_fee_from(Purse& from) {
  if (!burn(from, fee_)) return false;
  fee_paid_ = true;
  return true;
}

}  // namespace micro
