// The ledger as JSON for people and programs: pure functions of a finalized state and the block store.
// rpc/api/README.md lists the shapes.
#pragma once

#include "chain/records/records.hpp"
#include "chain/store/block_store.hpp"
#include "genesis/json/json_codec.hpp"

namespace micro::views {

inline constexpr std::size_t kMaxPage = 200;

/// One consistent moment: the state after the tip.
struct Moment {
  const StateView& state;
  const BlockStore& blocks;
  JsonContext json;
  ChainParams params;
  EpochClock clock;
};

/// Reads parameters and clock.
Result<Moment> moment(const StateView& state, const BlockStore& blocks, NetworkKind kind);

// --- ledger ---
Result<Json> head(const Moment& m);
Result<Json> block(const Moment& m, Height height);
Result<Json> tx(const Moment& m, const StoredTx& stored);
Result<Json> account(const Moment& m, const Address& address);
Result<Json> history(const Moment& m, const Address& address, std::optional<TxCursor> before, std::size_t limit);
Result<Json> supply(const Moment& m);
Json params(const Moment& m);

// --- services ---
Result<Json> services(const Moment& m);
Result<Json> service(const Moment& m, std::string_view name);
Result<Json> versions(const Moment& m, std::string_view name);
/// Placements and drains of a service, newest first.
Result<Json> placements(const Moment& m, std::string_view name);
std::string_view state_name(VersionState state);
/// What to do about a transaction with this status, with the network's limits in it; empty where there is nothing to
/// say.
std::string status_hint(TxStatus status, const ChainParams& params);
/// Why a version is paused, and what makes it go on.
std::string pause_reason();
std::string pause_hint(std::string_view service);

// --- governance ---
Result<Json> rules(const Moment& m);
Result<Json> decisions(const Moment& m, std::optional<std::uint64_t> before, std::size_t limit);
/// With everything that an audit needs: code, input, output, header, certificate and the proof of the event.
Result<Json> decision(const Moment& m, std::uint64_t number);

// --- hosts and channels ---
Result<Json> offers(const Moment& m);
Result<Json> nodes(const Moment& m);
Result<Json> channels(const Moment& m, std::optional<Address> payer);

/// "12345-3-0" ↔ cursor, opaque to clients.
std::string cursor_text(const TxCursor& cursor);
Result<TxCursor> parse_cursor(std::string_view text);

}  // namespace micro::views
