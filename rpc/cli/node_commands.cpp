#include "rpc/cli/groups.hpp"

namespace micro {

namespace {

struct ServerInput {
  ServerOptions options;
  std::string config;
  std::string genesis;
  std::string network;
  std::string listen;
};
struct DevInput {
  DevOptions options;
  std::string state;
  std::string listen;
  std::string accounts_out;
};

void given(const std::string& text, std::optional<std::filesystem::path>& out) {
  if (!text.empty()) out = text;
}

Status start_server(Context& context, const ServerInput& input) {
  ServerOptions options = input.options;
  options.data_dir = context.globals.data;
  options.socket = context.globals.socket;
  if (!context.globals.env.empty()) options.network = context.globals.env;
  if (!input.network.empty()) {
    TRY(check_network_name(input.network));
    options.network = input.network;
  }
  given(input.config, options.config_file);
  given(input.genesis, options.genesis);
  if (!input.listen.empty()) options.http_listen = input.listen;
  options.color = context.out.colored();
  options.json = context.globals.json;
  return context.nodes().run_server(options);
}

Status start_dev(Context& context, const DevInput& input) {
  DevOptions options = input.options;
  given(input.state, options.state_dir);
  given(input.accounts_out, options.accounts_out);
  if (!options.state_dir && context.globals.data) options.state_dir = context.globals.data;
  options.socket = context.globals.socket;
  if (!input.listen.empty()) options.http_listen = input.listen;
  options.color = context.out.colored();
  options.json = context.globals.json;
  return context.nodes().run_dev(options);
}

Status dev_accounts(Context& context, const NoOptions&) {
  Json answer = TRY(context.call("dev.accounts"));
  if (context.out.json()) {
    answer["unit"] = "TOK";
    context.out.document(answer);
    return {};
  }
  Table table{{"NAME", "ADDRESS", "PATH", "LIVE"}, {}};
  for (const Json& account : list_of(answer, "accounts")) {
    table.rows.push_back({"dev" + text_or(account, "index"), text_or(account, "address"), text_or(account, "path"),
                          text_or(account, "live")});
  }
  context.out.table(table);
  context.out.note("phrase: " + text_or(answer, "phrase") + "\neverybody knows it: never send real tokens there");
  return {};
}

Status start_demo(Context& context, const DemoOptions& given_options) {
  DemoOptions options = given_options;
  options.json = context.globals.json;
  options.quiet = context.globals.quiet;
  return context.nodes().run_demo(options);
}

}  // namespace

void add_node_commands(CLI::App& app, Context& context) {
  DemoOptions* shown = nullptr;
  CLI::App* demo = add_command(app, context, "demo", "the whole tour on a fresh network of one", start_demo, shown);
  demo->add_flag("--keep", shown->keep, "leave the folder and say where it is");
  demo->add_option("--calls", shown->calls, "paid calls to make")
      ->capture_default_str()
      ->check(CLI::Range(kLeastDemoCalls, 10'000U));

  DevInput* made = nullptr;
  CLI::App* dev = add_command(app, context, "dev", "a network for development with funded accounts", start_dev, made);
  dev->require_subcommand(0, 1);
  dev->add_option("--state", made->state, "keep the network in this folder; without: it is gone at the end");
  dev->add_option("--http", made->listen, "address of the page and the gateway, like 127.0.0.1:8080");
  dev->add_option("--epoch-ms", made->options.epoch_ms, "length of an epoch")
      ->capture_default_str()
      ->check(CLI::Range(50, 3'600'000));
  dev->add_option("--accounts-out", made->accounts_out, "write the accounts to this file as JSON");
  dev->add_flag("--paid-only", made->options.paid_only, "ask for payment on loopback too");
  dev->add_option("--log", made->options.log_level, "trace, debug, info, warn or error")->capture_default_str();
  NoOptions* none = nullptr;
  add_command(*dev, context, "accounts", "the accounts of the development network that runs", dev_accounts, none);

  ServerInput* served = nullptr;
  CLI::App* server = add_command(app, context, "server", "run a node: a network of one, or the one of a genesis file",
                                 start_server, served);
  server->add_option("--config", served->config, "settings of the node (TOML)");
  server->add_option("--network", served->network, "name of the network, and of its folder; without: local");
  server->add_option("--genesis", served->genesis,
                     "genesis file of the network; without: the folder's, or one is made");
  server->add_option("--http", served->listen, "address of the page and the gateway, like 127.0.0.1:8080");
  server->add_flag("--free-calls", served->options.free_calls, "serve calls from this machine without payment");
  server->add_option("--log", served->options.log_level, "trace, debug, info, warn or error")->capture_default_str();
}

}  // namespace micro
