// The whole command line as a value, for main, help and tests.
#pragma once

#include <CLI/CLI.hpp>

#include "rpc/cli/context.hpp"

namespace micro {

/// Adds every command and global setting. `context` outlives the app.
void build_app(CLI::App& app, Context& context);
/// The help of one command, with the whole path in its usage line.
std::string help_text(const CLI::App& command);

/// cli_main with its surroundings as arguments. `arguments` without the program's name.
int run_command_line(const std::vector<std::string>& arguments, const NodeCommands& nodes, const ConfigFiles& files,
                     EnvironmentReader environment);

}  // namespace micro
