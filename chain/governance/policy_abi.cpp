#include "chain/governance/policy_abi.hpp"

namespace micro {

std::string_view decision_reason_text(DecisionReason reason) {
  switch (reason) {
    case DecisionReason::kFirstPlacement:
      return "no host had it: it is new or paid for again";
    case DecisionReason::kRepair:
      return "repair";
    case DecisionReason::kRebalanced:
      return "rebalanced";
    case DecisionReason::kUnfunded:
      return "unfunded";
    case DecisionReason::kExpired:
      return "expired";
    case DecisionReason::kHostLeaving:
      return "host leaving";
  }
  return "unknown";
}

}  // namespace micro
