// Errors of usage that help: which word is wrong, and what was probably meant.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "chain/base/result.hpp"

namespace micro {

/// Edits (insert, delete, replace, swap neighbours) between two words.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The known word nearest to `word`, when it is near enough to be meant.
std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& known);

/// Walks the words of a command line down the tree. kInvalid for a word that is no command, with the nearest one, and
/// for a group without a command.
Status check_command_words(const CLI::App& app, const std::vector<std::string>& arguments);

/// The command that the words name, as far as they name one: "micro wallet send".
std::string command_path(const CLI::App& app, const std::vector<std::string>& arguments);
/// The option that was probably meant by one that this command line does not take, as "--timeout".
std::optional<std::string> nearest_option(const CLI::App& app, const std::vector<std::string>& arguments);

/// Every command of the tree as "wallet send", in order.
std::vector<std::pair<std::string, const CLI::App*>> all_commands(const CLI::App& app);

}  // namespace micro
