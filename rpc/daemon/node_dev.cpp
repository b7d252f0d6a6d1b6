// A development network sets itself up by ordinary transactions: account 0 registers this node, offers its resources
// and lets the gateway pay.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

#include "chain/identity/node_identity.hpp"
#include "rpc/daemon/node.hpp"

namespace micro {
namespace {

constexpr std::uint32_t kDevCpuMilli = 2'000;
constexpr std::uint32_t kDevMemoryMib = 4'096;
constexpr std::uint32_t kDevDiskMib = 20'480;
constexpr std::uint64_t kDevBondMicro = 10 * kMicroPerToken;
constexpr std::uint64_t kValidBlocks = 100'000;
constexpr std::uint64_t kSetUpMs = 10'000;  ///< then it is said to be ready anyway

}  // namespace

/// `ready` comes once, on the io_context's thread: from then on account 0 is the person's alone.
void Node::set_up_dev(std::function<void()> ready) {
  const auto accounts = dev_accounts();
  if (!accounts) {
    spdlog::warn("{}", accounts.error().message);
    return ready();
  }
  const DevAccount& owner = accounts->front();
  if (ledger_->ledger().pending_nonce(owner.address).value != 0) return ready();  // a kept network was set up before
  Nonce nonce;
  const auto send = [&](Payload payload) {
    TxBody body;
    body.chain = chain_;
    body.sender = owner.address;
    body.nonce = nonce;
    body.valid_until = Height(ledger_->height().value + kValidBlocks);
    body.max_fee = Amount(kMicroPerToken);
    body.payload = std::move(payload);
    nonce = nonce.next();
    const auto sent = ledger_->submit(sign_tx(std::move(body), owner.key));
    if (!sent) spdlog::warn("development set-up: {}", sent.error().message);
  };
  const Ed25519Key node = keys_->node.public_key();
  const Ed25519Key consensus = keys_->consensus.public_key();
  const Hash proof = node_proof_hash(chain_, owner.address, node, consensus);
  const NodeId id = node_id(owner.address, nonce);
  send(RegisterNode{node, consensus, keys_->node.sign(proof), keys_->consensus.sign(proof)});
  send(OfferResources{id, {kDevCpuMilli, kDevMemoryMib, kDevDiskMib}, Amount(kDevBondMicro)});
  const std::uint32_t day = std::max<std::uint32_t>(genesis_.params.bucket_epochs, 1);
  SessionCaps caps;
  caps.expires = Epoch(epoch_.value + 30 * day);
  caps.per_call_cap = Amount(kMicroPerToken / 10);
  caps.window_cap = Amount(50 * kMicroPerToken);
  caps.window_epochs = day;
  caps.gateway_may_pay = true;
  const Nonce grant_nonce = nonce;
  desk_->new_session("dev", owner.address, caps, [this, owner, grant_nonce, ready](const Result<SessionKey>& key) {
    if (!key) {
      spdlog::warn("development set-up: {}", key.error().message);
      return ready();
    }
    TxBody body;
    body.chain = chain_;
    body.sender = owner.address;
    body.nonce = grant_nonce;
    body.valid_until = Height(ledger_->height().value + kValidBlocks);
    body.max_fee = Amount(kMicroPerToken);
    body.payload = key->grant();
    const auto sent = ledger_->submit(sign_tx(std::move(body), owner.key));
    if (!sent) {
      spdlog::warn("development set-up: {}", sent.error().message);
      return ready();
    }
    ledger_->wait_final(*sent, kSetUpMs, [this, ready](const Result<StoredTx>&) { boost::asio::post(io_, ready); });
  });
}

}  // namespace micro
