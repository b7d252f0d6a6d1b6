// One transaction at work. A handler reads and changes records through the scope; nothing reaches the block until the
// scope commits, and a failed transaction leaves only its nonce and fee. The scope keeps the supply in step, so a
// handler moves tokens with the functions below and never counts.
//
//   Result<TxStatus> apply(TxScope& s, const Transfer& t) {
//     Account& from = s.payer();
//     Account& to = *TRY(s.account(t.to));
//     if (!s.move(from.purse, to.purse, t.amount, live_tokens(s.when()))) return TxStatus::kInsufficientFunds;
//     s.emit(event::Transferred{…});
//     return TxStatus::kOk;
//   }
//
// An Error from a handler is damage to our own state (kCorrupt), never a verdict about the transaction.
#pragma once

#include "chain/economy/supply.hpp"
#include "chain/execution/account_table.hpp"
#include "chain/execution/context.hpp"
#include "chain/records/records.hpp"
#include "chain/state/overlay.hpp"
#include "chain/types/receipt.hpp"

namespace micro {

/// What follows from a transaction's bytes alone: whoever encoded it hands this on, so that nobody encodes it again.
struct TxFacts {
  TxId id;
  std::size_t bytes = 0;  ///< of the encoded signed transaction
};
TxFacts tx_facts(const SignedTx& tx);

/// A transaction touches a handful of accounts: sender, recipient, host, owner, payer.
inline constexpr std::size_t kMaxAccountsPerTx = 8;

class TxScope {
 public:
  /// `block` and `book` outlive the scope; the scope is used for one transaction (or one step of a transition) after
  /// another.
  TxScope(Overlay& block, SupplyBook& book, const Ctx& ctx) : block_(block), book_(book), ctx_(ctx) {}
  TxScope(const TxScope&) = delete;
  TxScope& operator=(const TxScope&) = delete;

  [[nodiscard]] const Ctx& ctx() const { return ctx_; }
  [[nodiscard]] const ChainParams& params() const { return ctx_.params; }
  [[nodiscard]] Epoch now() const { return book_.when().now; }
  [[nodiscard]] const LotTime& when() const { return book_.when(); }

  // --- the transaction ---
  [[nodiscard]] const SignedTx& tx() const { return *tx_; }
  [[nodiscard]] const TxId& id() const { return id_; }
  [[nodiscard]] Amount fee() const { return fee_; }
  /// Who signed: an account, or a session key.
  [[nodiscard]] const Address& sender() const { return tx_->body.sender; }
  /// Whose tokens are spent: the sender, or the owner of the session key.
  [[nodiscard]] Account& payer() { return *payer_; }
  /// Set when a session key signed. Its window already holds this transaction's fee; changes are written at commit.
  [[nodiscard]] SessionRecord* session() { return session_ ? &*session_ : nullptr; }
  /// Counts a deposit against the session's window; false when it is over the cap. True without a session.
  bool spend_from_window(Amount amount);

  // --- records ---
  /// The account, made empty when there is none yet. The pointer is good until the scope ends.
  Result<Account*> account(const Address& address);
  /// The account if it exists already.
  Result<Account*> existing_account(const Address& address);
  /// Any other record; accounts and the session in use go through the calls above, and are not in the view.
  template <class T>
  Result<std::optional<T>> load(const StatePath& path) const {
    return read_record<T>(changes_, path);
  }
  template <class T>
  void store(const StatePath& path, const T& record) {
    changes_.put_record(path, record);
  }
  void erase(const StatePath& path) { changes_.erase(path); }
  [[nodiscard]] const StateView& view() const { return changes_; }

  // --- tokens ---
  [[nodiscard]] Amount live(const Purse& purse) const { return live_total(purse, when()); }
  /// Moves exactly `amount`, earliest expiry first; lots keep their expiry. False, and nothing moved, when there is
  /// less.
  bool move(Purse& from, Purse& to, Amount amount, const LotFilter& filter);
  /// Burns exactly `amount` of live lots, earliest expiry first. False, and nothing burned, when there is less.
  bool burn(Purse& from, Amount amount);
  /// Moves exactly `amount` with a fresh life and without a fee: for what was earned by service. Live lots only.
  bool renew(Purse& from, Purse& to, Amount amount);
  /// Live lots into a bond: their clock stops.
  bool pause(Purse& from, Purse& bond, Amount amount, const LotFilter& filter);
  /// `amount` out of a bond (earliest first) into a purse, each lot for what it had left, rounded down to a bucket.
  bool unpause(Purse& bond, Epoch bonded_at, Purse& to, Amount amount);
  /// Burns exactly `amount` of a bond.
  bool burn_bond(Purse& bond, Amount amount);
  [[nodiscard]] SupplyBook& supply() { return book_; }
  /// For the kinds whose fee somebody else pays (permissions.hpp): burns it from `from`, so the sender is not charged.
  bool pay_fee_from(Purse& from);

  void emit(Event event) { events_.push_back(std::move(event)); }

  // --- used by the block, not by handlers ---
  /// Whether a block may include the transaction now: kOk, or why not. `expected`: the sender's next nonce, by default
  /// the state's. Then either begin() or abandon().
  Result<TxStatus> admit(const SignedTx& tx, const TxFacts& facts, std::optional<Nonce> expected = std::nullopt);
  /// Reads accounts that the next transactions will want.
  Status expect(std::span<const Address> accounts) { return table_.load(accounts, block_); }
  /// About so many accounts in all.
  void reserve_accounts(std::size_t n) { table_.reserve(n); }
  void abandon();
  /// The state's next nonce of the sender of the transaction admitted last.
  [[nodiscard]] Nonce sender_nonce() const { return sender_nonce_; }
  /// Takes nonce and fee of the transaction just admitted.
  void begin();
  /// Bytes of the transaction admitted last.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Ends the transaction: checks permissions and invariants and writes to the block. `status` is the handler's.
  /// Nothing, and nothing changed, when it failed and its sender cannot pay for that: it may not be included then.
  Result<std::optional<TxReceipt>> finish(TxStatus status);
  /// The sender's own purse covers the fee.
  [[nodiscard]] bool sender_can_pay() const { return live(payer_->purse) >= fee_; }
  /// What the transaction admitted last and others of its sender could pay in fees: a purse, or a session's window of
  /// one.
  [[nodiscard]] Amount fee_funds() const;
  /// Writes the accounts that finished transactions changed to the block. Once, after the last.
  void flush() { table_.flush(block_); }
  /// Starts a step of the epoch transition, which has no sender.
  void begin_transition();
  Status finish_transition();

 private:
  struct AccountEntry {
    std::size_t row = 0;  // in table_
    bool existed = false;
    Account account;
  };
  Result<AccountEntry*> entry(const Address& address);
  Result<TxStatus> resolve_sender();
  TxStatus check_session();
  TxStatus check_fee();
  void charge();
  Status roll_back();
  Status write_back();
  void reset();

  Overlay& block_;
  SupplyBook& book_;
  const Ctx& ctx_;
  Overlay changes_{static_cast<const StateView&>(block_)};
  SupplyBook before_;
  AccountTable table_;
  std::array<AccountEntry, kMaxAccountsPerTx> accounts_;  // their memory serves one transaction after another
  std::size_t used_accounts_ = 0;
  const SignedTx* tx_ = nullptr;
  TxId id_;
  std::size_t size_ = 0;
  Nonce sender_nonce_;
  Amount fee_;
  Account* payer_ = nullptr;
  std::optional<SessionRecord> session_;
  bool fee_paid_ = false;
  List<Event, kMaxEventsPerTx> events_;
};

}  // namespace micro
