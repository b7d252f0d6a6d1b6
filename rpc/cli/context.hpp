// What a command works with: the settings, the output, the node, the wallets.
#pragma once

#include <functional>

#include "genesis/json/json_codec.hpp"
#include "rpc/cli/commands.hpp"
#include "rpc/cli/output.hpp"
#include "rpc/client/node_client.hpp"
#include "wallet/keystore/keystore.hpp"
#include "wallet/tx/tx_builder.hpp"

namespace micro {

/// An account that a command acts for, found but not yet unlocked.
struct ActingAccount {
  std::string label;  ///< as the user would name it
  Address address;
  std::string wallet;  ///< empty for a development account
  std::string account;
  std::optional<SecretKey> key;  ///< once unlocked; at once for a development account
};

/// What the command line looked like; set by the parser, run after it.
using Action = std::function<Result<int>()>;

class Context {
 public:
  Context(const NodeCommands& nodes, Globals settings) : globals(std::move(settings)), out(globals), nodes_(nodes) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Globals globals;
  Output out;
  Action action;

  [[nodiscard]] const NodeCommands& nodes() const { return nodes_; }

  /// The node that --socket, --data or --env names, else the one that runs. kUnreachable when there is none.
  Result<NodeClient*> node();
  Result<Json> call(std::string_view method, Json params = Json::object(), CallEffect effect = CallEffect::kRead);
  Result<Json> call_within(std::string_view method, Json params, CallEffect effect, std::uint64_t timeout_ms);
  /// node.info, asked once.
  Result<Json> info();
  Result<NetworkKind> kind();

  Result<Keystore> keystore();
  /// --account, else the current account, else the first development account of a development network.
  Result<ActingAccount> acting();
  Result<ActingAccount> find_account(const std::string& name);
  /// An address, a wallet's name or a development account's.
  Result<Address> find_address(const std::string& text);
  /// Asks for the password unless the key is there.
  Status unlock(ActingAccount& account);

 private:
  Result<NodeClient> find_node();
  Result<ActingAccount> dev_account(const std::string& name);
  const NodeCommands& nodes_;
  std::optional<NodeClient> node_;
  std::optional<Json> info_;
};

/// A field of a node's answer; kInternal names what is missing, since the node and this program are one release.
Result<std::string> text_of(const Json& json, std::string_view key);
Result<std::uint64_t> number_of(const Json& json, std::string_view key);
/// Like text_of, empty when absent.
std::string text_or(const Json& json, std::string_view key, std::string fallback = {});
const Json& list_of(const Json& json, std::string_view key);

/// Names of development accounts: dev0 … dev9.
std::optional<std::uint32_t> dev_index(std::string_view name);

}  // namespace micro
