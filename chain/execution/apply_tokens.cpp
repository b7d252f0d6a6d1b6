#include "chain/execution/handlers.hpp"

namespace micro {

Result<TxStatus> apply(TxScope& s, const Transfer& t) {
  if (t.amount.is_zero()) return TxStatus::kZeroAmount;
  if (t.to == s.sender()) return TxStatus::kSelfTransfer;
  Account& from = s.payer();
  Account* to = TRY(s.existing_account(t.to));
  if (to == nullptr) {
    if (s.view().get(path::session(t.to))) return TxStatus::kToSessionKey;
    to = TRY(s.account(t.to));
  }
  if (!s.move(from.purse, to->purse, t.amount, live_tokens(s.when()))) {
    return s.live(from.purse) < t.amount ? TxStatus::kInsufficientFunds : TxStatus::kNotTransferable;
  }
  s.emit(event::Transferred{s.sender(), t.to, t.amount});
  return TxStatus::kOk;
}

// It pays its fee when it is done, out of what it gave a fresh life if there is nothing else: whoever holds nothing but
// tokens in grace can still save them.
Result<TxStatus> apply(TxScope& s, const RefreshLot& t) {
  if (t.amount.is_zero()) return TxStatus::kZeroAmount;
  Purse& purse = s.payer().purse;
  const Lot* lot = find_lot(purse, t.expiry, t.cls);
  if (refresh_window(t.expiry, s.when()) == RefreshWindow::kGone) return TxStatus::kLotGone;
  if (lot == nullptr) return TxStatus::kNoSuchLot;
  if (refresh_window(t.expiry, s.when()) == RefreshWindow::kTooEarly) return TxStatus::kRefreshTooEarly;
  if (!take_lot(purse, t.expiry, t.cls, t.amount)) return TxStatus::kInsufficientFunds;
  const Amount fee = refresh_fee(t.amount, t.expiry, s.when());
  const Epoch to = fresh_expiry(s.when());
  s.supply().refresh({t.expiry, t.cls, t.amount}, fee);
  add_lot(purse, {to, t.cls, TRY(checked_sub(t.amount, fee))});
  if (!s.pay_fee_from(purse)) return TxStatus::kInsufficientFunds;
  s.emit(event::LotRefreshed{s.sender(), t.expiry, to, t.amount, fee});
  return TxStatus::kOk;
}

}  // namespace micro
