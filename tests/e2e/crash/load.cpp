#include "tests/e2e/crash/load.hpp"

#include "genesis/json/strict_json.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro::crash {
namespace {

constexpr std::uint64_t kFinalMs = 20'000;
constexpr const char* kWords = "test test test test test test test test test test test junk";

std::string text(const Json& json, const char* key) {
  return json.value(key, std::string());
}

}  // namespace

Person person(std::uint32_t index) {
  const HdKey root = HdKey::from_seed(Mnemonic::parse(kWords).value().seed().value().view()).value();
  const SecretKey key = root.derive(DerivationPath::account(index)).value().secret();
  return {key, address_of(key.public_key())};
}

Result<ChainView> chain_view(NodeClient& client, const Address& address) {
  const Json context = TRY(client.call("tx.context", {{"address", address_text(NetworkKind::kDev, address)}}));
  ChainView view;
  view.chain = TRY(ChainId::parse(text(context, "chain_id")));
  view.params = TRY(decode<ChainParams>(TRY(from_hex(text(context, "params")))));
  view.height = Height(std::stoull(text(context, "height")));
  view.next_nonce = Nonce(std::stoull(text(context, "nonce")));
  return view;
}

Result<Height> tip_of(NodeClient& client) {
  return Height(std::stoull(text(TRY(client.call("ledger.head")), "height")));
}

Status Load::fund() {
  NodeClient client(socket_);
  const Person owner = person(0);
  ChainView view = TRY(chain_view(client, owner.address));
  for (std::uint32_t i = 1; i <= people_; ++i) {
    const UnsignedTx built =
        TRY(build_tx(view, owner.address, Transfer{person(i).address, Amount(100 * kMicroPerToken), {}}));
    const SignedTx tx = TRY(sign_built(built, owner.key));
    (void)TRY(client.call("tx.submit", {{"tx", to_hex(encode(tx))}}));
    (void)TRY(client.call("tx.wait", {{"txid", tx_id(tx.body).hex()}, {"timeout_ms", std::to_string(kFinalMs)}}));
    view.next_nonce = view.next_nonce.next();
  }
  return {};
}

void Load::start() {
  for (std::uint32_t i = 1; i <= people_; ++i) threads_.emplace_back([this, i] { send_on(i); });
  threads_.emplace_back([this] { watch_on(); });
}

void Load::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Load::node_is_up() {
  {
    const std::lock_guard lock(mutex_);
    up_ = true;
    ++life_;
  }
  changed_.notify_all();
}

void Load::node_is_down() {
  {
    const std::lock_guard lock(mutex_);
    up_ = false;
  }
  changed_.notify_all();
}

/// False when the load ends. `life`: of the node that is up.
bool Load::wait_up(std::uint64_t& life) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || up_; });
  life = life_;
  return !stopping_;
}

/// False when the node went away, or does not take it.
bool Load::send_one(NodeClient& client, const Person& from, ChainView& view, std::uint64_t number) {
  const auto built = build_tx(view, from.address, Transfer{person(0).address, Amount(1 + number % 9), {}});
  if (!built) return false;
  const SignedTx tx = sign_built(*built, from.key).value();
  const TxId id = tx_id(tx.body);
  const auto sent = client.call("tx.submit", {{"tx", to_hex(encode(tx))}}, CallEffect::kChange);
  const auto final_tx =
      sent ? client.call("tx.wait", {{"txid", id.hex()}, {"timeout_ms", std::to_string(kFinalMs)}}) : sent;
  const std::lock_guard lock(mutex_);
  if (!final_tx) {
    ++unknown_;
    return false;
  }
  const Height height(std::stoull(text(*final_tx, "height")));
  told_[id] = height;
  unchecked_.emplace_back(id, height);
  newest_told_ = std::max(newest_told_, height);
  view.next_nonce = view.next_nonce.next();
  view.height = height;
  changed_.notify_all();
  return true;
}

void Load::send_on(std::uint32_t index) {
  const Person self = person(index);
  std::uint64_t life = 0;
  for (std::uint64_t number = 0; wait_up(life);) {
    NodeClient client(socket_);
    auto view = chain_view(client, self.address);
    while (view && send_one(client, self, *view, ++number)) {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    // Gone, or about to be: whoever restarts it says so.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !up_ || life_ != life; });
  }
}

Status Load::watch(NodeClient& client) {
  const Height tip = TRY(tip_of(client));
  for (; watched_ < tip; watched_ = watched_.next()) (void)TRY(look_at(client, watched_.next()));
  return {};
}

Result<Block> Load::look_at(NodeClient& client, Height height) {
  const Json answer = TRY(client.call("ledger.block", {{"height", height.text()}}));
  auto block = TRY(decode<Block>(TRY(from_hex(text(answer, "raw")))));
  auditor_.saw(block, TRY(decode<Certificate>(TRY(from_hex(text(answer, "certificate_raw"))))));
  return block;
}

/// Looks whenever somebody was told of a block that nobody looked at.
void Load::watch_on() {
  std::uint64_t life = 0;
  while (wait_up(life)) {
    NodeClient client(socket_);
    while (watch(client)) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !up_ || life_ != life || newest_told_ > watched_; });
      if (stopping_ || !up_ || life_ != life) break;
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !up_ || life_ != life; });
  }
}

std::map<TxId, Height> Load::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

Height Load::newest_told() const {
  const std::lock_guard lock(mutex_);
  return newest_told_;
}

std::size_t Load::unknown() const {
  const std::lock_guard lock(mutex_);
  return unknown_;
}

bool Load::wait_told(std::size_t more) {
  std::unique_lock lock(mutex_);
  const std::size_t wanted = told_.size() + more;
  return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return told_.size() >= wanted; });
}

Status Load::check_told(NodeClient& client) {
  std::deque<std::pair<TxId, Height>> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(unchecked_);
  }
  for (; !all.empty(); all.pop_front()) {
    const auto& [id, height] = all.front();
    const auto answer = client.call("ledger.tx", {{"txid", id.hex()}});
    if (!answer && answer.error().fault != Fault::kNotFound) break;  // it died again
    if (!answer) return fail(Fault::kMismatch, "told as final and gone: " + id.hex());
    if (text(*answer, "height") != height.text()) {
      return fail(Fault::kMismatch, "told as final elsewhere: " + id.hex());
    }
  }
  const std::lock_guard lock(mutex_);
  unchecked_.insert(unchecked_.begin(), all.begin(), all.end());
  return {};
}

}  // namespace micro::crash
