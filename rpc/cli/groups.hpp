// The command tree: each group adds its commands, and each command leaves an action in the context when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "rpc/cli/context.hpp"

namespace micro {

void add_service_commands(CLI::App& app, Context& context);
void add_run_commands(CLI::App& app, Context& context);
void add_call_commands(CLI::App& app, Context& context);
void add_wallet_commands(CLI::App& app, Context& context);
void add_session_commands(CLI::App& wallet, Context& context);
void add_stake_commands(CLI::App& app, Context& context);
void add_audit_commands(CLI::App& app, Context& context);
void add_network_commands(CLI::App& app, Context& context);
void add_node_commands(CLI::App& app, Context& context);

/// A subcommand whose options live as long as the command tree; `run` is Status(Context&, const Options&).
template <class Options>
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& help,
                      Status (*run)(Context&, const Options&), Options*& options) {
  auto kept = std::make_shared<Options>();  // the parser writes it, the action reads it later
  options = kept.get();
  CLI::App* sub = parent.add_subcommand(name, help);
  sub->callback([&context, kept, run, sub] {
    if (!sub->get_subcommands().empty()) return;  // `dev accounts` is not `dev`
    context.action = [&context, kept, run]() -> Result<int> {
      TRY(run(context, *kept));
      return 0;
    };
  });
  return sub;
}

/// A group shows its own help and wants one of its commands.
inline CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* group = parent.add_subcommand(name, help);
  group->require_subcommand(0, 1);
  return group;
}

struct NoOptions {};

}  // namespace micro
