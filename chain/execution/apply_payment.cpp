#include "chain/execution/handlers.hpp"

namespace micro {

Result<TxStatus> apply(TxScope&, const OpenChannel&) {
  return TxStatus::kNotPlaced;
}
Result<TxStatus> apply(TxScope&, const TopUpChannel&) {
  return TxStatus::kNoSuchChannel;
}
Result<TxStatus> apply(TxScope&, const Claim&) {
  return TxStatus::kNoSuchChannel;
}
Result<TxStatus> apply(TxScope&, const CoopClose&) {
  return TxStatus::kNoSuchChannel;
}
Result<TxStatus> apply(TxScope&, const RequestClose&) {
  return TxStatus::kNoSuchChannel;
}
Result<TxStatus> apply(TxScope&, const Finalize&) {
  return TxStatus::kNoSuchChannel;
}
Result<TxStatus> apply(TxScope&, const Dispute&) {
  return TxStatus::kNoSuchChannel;
}

}  // namespace micro
