#include "chain/types/tx_status.hpp"

namespace micro {

std::string_view tx_status_text(TxStatus status) {
  switch (status) {
#define X(name, number, text) \
  case TxStatus::name:        \
    return text;
    MICRO_TX_STATUSES(X)
#undef X
  }
  return "unknown status";
}

std::string_view tx_status_name(TxStatus status) {
  switch (status) {
#define X(name, number, text) \
  case TxStatus::name:        \
    return std::string_view(#name).substr(1);
    MICRO_TX_STATUSES(X)
#undef X
  }
  return "Unknown";
}

bool is_known(TxStatus status) { return tx_status_name(status) != "Unknown"; }

}  // namespace micro
