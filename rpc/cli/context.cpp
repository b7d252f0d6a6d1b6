#include "rpc/cli/context.hpp"

#include <charconv>

#include "genesis/json/genesis_names.hpp"
#include "rpc/cli/secrets.hpp"
#include "rpc/paths/paths.hpp"
#include "wallet/keystore/process_hardening.hpp"

namespace micro {

namespace {

std::unexpected<Error> unexpected_answer(std::string_view key) {
  return fail(Fault::kInternal, "the node's answer has no \"" + std::string(key) + "\"",
              "node and command line are of different versions: compare `micro version` and `micro node status`");
}

}  // namespace

Result<std::string> text_of(const Json& json, std::string_view key) {
  if (json.is_object()) {
    const auto found = json.find(std::string(key));
    if (found != json.end() && found->is_string()) return found->get<std::string>();
  }
  return unexpected_answer(key);
}

Result<std::uint64_t> number_of(const Json& json, std::string_view key) {
  if (json.is_object()) {
    const auto found = json.find(std::string(key));
    if (found != json.end() && found->is_number_unsigned()) return found->get<std::uint64_t>();
    if (found != json.end() && found->is_string()) return json_detail::read_u64_text(*found);
  }
  return unexpected_answer(key);
}

std::string text_or(const Json& json, std::string_view key, std::string fallback) {
  if (!json.is_object()) return fallback;
  const auto found = json.find(std::string(key));
  if (found == json.end() || found->is_null()) return fallback;
  if (found->is_string()) return found->get<std::string>();
  return json_text(*found);
}

const Json& list_of(const Json& json, std::string_view key) {
  static const Json kEmpty = Json::array();
  if (!json.is_object()) return kEmpty;
  const auto found = json.find(std::string(key));
  return found != json.end() && found->is_array() ? *found : kEmpty;
}

std::optional<std::uint32_t> dev_index(std::string_view name) {
  if (!name.starts_with("dev") || name.size() < 4 || name.size() > 5) return std::nullopt;
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(name.data() + 3, name.data() + name.size(), index);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return index;
}

Result<NodeClient> Context::find_node() {
  if (globals.socket) return NodeClient(*globals.socket);
  if (globals.data) return NodeClient(default_socket_path(*globals.data));
  if (!globals.env.empty()) return NodeClient(default_socket_path(default_data_dir(globals.env)));
  std::optional<NodeClient> running;
  std::optional<Error> refused;  // by a node that is there and does not answer as it should
  for (const auto network : {kDevNetwork, kLocalNetwork}) {
    NodeClient client(default_socket_path(default_data_dir(std::string(network))));
    auto info = client.call("node.info");
    if (!info) {
      if (info.error().fault != Fault::kUnreachable) refused = std::move(info).error();
      continue;
    }
    if (running) {
      return fail(Fault::kInvalid, "two nodes run here: dev and local", "choose with --env dev or --env local");
    }
    info_ = std::move(*info);
    running = std::move(client);
  }
  if (running) return std::move(*running);
  if (refused) return std::unexpected(std::move(*refused));
  return fail(Fault::kUnreachable, "no node runs here, neither dev nor local",
              "start one with `micro dev` or `micro server`, or name another with --env, --data or --socket");
}

Result<NodeClient*> Context::node() {
  if (!node_) node_ = TRY(find_node());
  return &*node_;
}

Result<Json> Context::call(std::string_view method, Json params, CallEffect effect) {
  return call_within(method, std::move(params), effect, kClientAnswerMs);
}

Result<Json> Context::call_within(std::string_view method, Json params, CallEffect effect, std::uint64_t timeout_ms) {
  NodeClient* client = TRY(node());
  return client->call(method, std::move(params), effect, timeout_ms);
}

Result<Json> Context::info() {
  if (!info_) {
    static_cast<void>(TRY(node()));
    if (!info_) info_ = TRY(call("node.info"));
  }
  return *info_;
}

Result<NetworkKind> Context::kind() {
  const Json answer = TRY(info());
  NetworkKind kind = NetworkKind::kDev;
  if (!answer.is_object() || !answer.contains("kind")) return unexpected_answer("kind");
  TRY(read_json(JsonContext{}, answer["kind"], kind));
  return kind;
}

Result<Keystore> Context::keystore() {
  return Keystore::open(globals.wallets.value_or(default_wallets_dir()));
}

Result<ActingAccount> Context::dev_account(const std::string& name) {
  const auto index = dev_index(name);
  if (!index)
    return fail(Fault::kNotFound, "there is no wallet \"" + name + "\"", "list yours with `micro wallet list`");
  const Json accounts = TRY(call("dev.accounts"));
  const std::string phrase = TRY(text_of(accounts, "phrase"));
  if (*index >= list_of(accounts, "accounts").size()) {
    return fail(Fault::kNotFound, "there is no development account " + name, "list them with `micro dev accounts`");
  }
  // The phrase is public: everybody's development network has the same accounts.
  const Mnemonic mnemonic = TRY(Mnemonic::parse(phrase));
  const SecretBytes seed = TRY(mnemonic.seed());
  const HdKey root = TRY(HdKey::from_seed(seed.view()));
  const HdKey leaf = TRY(root.derive(DerivationPath::account(*index)));
  ActingAccount account;
  account.label = name;
  account.key = leaf.secret();
  account.address = address_of(leaf.secret().public_key());
  return account;
}

Result<ActingAccount> Context::find_account(const std::string& name) {
  const std::size_t slash = name.find('/');
  const std::string wallet = name.substr(0, slash);
  const Keystore store = TRY(keystore());
  auto found = store.info(wallet);
  if (!found) {
    if (found.error().fault == Fault::kNotFound && dev_index(name)) return dev_account(name);
    return std::unexpected(std::move(found).error());
  }
  const std::string account = slash == std::string::npos ? found->accounts.front().name : name.substr(slash + 1);
  for (const WalletAccount& entry : found->accounts) {
    if (entry.name == account) return ActingAccount{name, entry.address(), wallet, account, std::nullopt};
  }
  return fail(Fault::kNotFound, "the wallet \"" + wallet + "\" has no account \"" + account + "\"",
              "list them with `micro wallet list`");
}

Result<ActingAccount> Context::acting() {
  if (!globals.account.empty()) return find_account(globals.account);
  const Keystore store = TRY(keystore());
  const auto current = store.current();
  if (current) return find_account(current->wallet + "/" + current->account);
  if (current.error().fault == Fault::kNotFound && TRY(kind()) == NetworkKind::kDev) {
    if (auto dev = dev_account("dev0")) return dev;
  }
  return std::unexpected(current.error());
}

Result<Address> Context::find_address(const std::string& text) {
  const NetworkKind network = TRY(kind());
  auto parsed = parse_address(network, text);
  if (parsed) return *parsed;
  if (auto account = find_account(text)) return account->address;
  if (text.size() < 40) {
    return fail(Fault::kNotFound, "\"" + text + "\" is neither an address nor one of your wallets",
                "an address begins with " + std::string(address_prefix(network)) + "1");
  }
  return std::unexpected(std::move(parsed).error());
}

Status Context::unlock(ActingAccount& account) {
  if (account.key) return {};
  TRY(protect_process_memory());
  const SecretBytes password = TRY(read_password(globals, "password of wallet " + account.wallet, false));
  const Keystore store = TRY(keystore());
  const UnlockedWallet wallet = TRY(store.unlock(account.wallet, password.text()));
  account.key = TRY(wallet.key_of(account.account));
  return {};
}

}  // namespace micro
