// Channels that were asked for and are not known to be open or refused. What was signed is on disk before it is sent,
// so a payer that ends in between finds its channel again, and with it the deposit. For one thread at a time.
#pragma once

#include <filesystem>
#include <map>

#include "chain/codec/fields.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

struct Opening {
  std::uint8_t version = 1;
  SignedTx tx;            ///< an OpenChannel, signed by a session key
  Amount max_call_price;  ///< the session's cap of one call, which the channel's payer keeps to
  static constexpr auto kFields = fields<&Opening::version, &Opening::tx, &Opening::max_call_price>;

  /// What it asks for; nothing when the transaction is of another kind.
  [[nodiscard]] const OpenChannel* terms() const { return std::get_if<OpenChannel>(&tx.body.payload); }
};

class Openings {
 public:
  /// Makes the folder (0700) when there is none. kCorrupt names a file that is no opening.
  static Result<Openings> open(const std::filesystem::path& folder);

  /// On disk when it returns: only then may the transaction be sent.
  Status add(const Opening& opening);
  /// Its channel is in the payer's books, or it can never be. Nothing when it is not here.
  Status remove(const TxId& id);
  [[nodiscard]] const std::map<TxId, Opening>& all() const { return openings_; }

 private:
  explicit Openings(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
  std::map<TxId, Opening> openings_;
};

}  // namespace micro
