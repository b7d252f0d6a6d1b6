// What the host said of signatures, while one call runs.
#pragma once

#include <map>
#include <set>

#include "consensus/light/wasm/exchange.hpp"

namespace micro::light {

class SignatureTable {
 public:
  explicit SignatureTable(const List<KnownSignature, kMaxSignatures>& known);
  ~SignatureTable();
  SignatureTable(const SignatureTable&) = delete;
  SignatureTable& operator=(const SignatureTable&) = delete;

  /// One that nothing is known of counts as good until the pass is over, so that one pass asks for all that it needs;
  /// what comes out of that pass is thrown away.
  bool holds(const SignatureClaim& claim);
  [[nodiscard]] bool needs_more() const { return !needed_.empty(); }
  Needed take_needed();

 private:
  std::map<SignatureClaim, bool> known_;
  std::set<SignatureClaim> needed_;
};

}  // namespace micro::light
