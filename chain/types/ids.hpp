// Names of things on the ledger. Each is its own type; all are tagged hashes of what made them, so none can be chosen.
#pragma once

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/quantity.hpp"
#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/secp256k1.hpp"

namespace micro {

using ChainId = FixedBytes<32, struct ChainIdTag>;  ///< hash of the canonical genesis
using Address = FixedBytes<32, struct AddressTag>;  ///< hash of (scheme ‖ compressed public key)
using TxId = FixedBytes<32, struct TxIdTag>;        ///< hash of the body without signature
using BlockId = FixedBytes<32, struct BlockIdTag>;  ///< hash of the header
using StateRoot = FixedBytes<32, struct StateRootTag>;
using NodeId =
    FixedBytes<32, struct NodeIdTag>;  ///< hash of (owner ‖ nonce of its RegisterNode): survives key rotation
using OfferId = FixedBytes<32, struct OfferIdTag>;      ///< hash of the opening txid
using ServiceId = FixedBytes<32, struct ServiceIdTag>;  ///< hash of (owner ‖ nonce of its PublishService)
using VersionId = FixedBytes<32, struct VersionIdTag>;  ///< hash of (service ‖ commit)
using ChannelId = FixedBytes<32, struct ChannelIdTag>;  ///< hash of (chain ‖ opening txid)
using CommitId = FixedBytes<20, struct CommitIdTag>;    ///< git object name of a commit
using CodeHash = FixedBytes<32, struct CodeHashTag>;    ///< SHA-256 of a wasm module's bytes
using PolicyHash = FixedBytes<32, struct PolicyHashTag>;

}  // namespace micro
