// Passwords and phrases: from a file, a descriptor or the terminal without echo; never from the arguments.
#pragma once

#include "rpc/cli/globals.hpp"
#include "wallet/keys/secret_bytes.hpp"

namespace micro {

inline constexpr std::size_t kMaxSecretFileBytes = 4'096;

/// --password-file, --password-fd, then the terminal; kDenied when there is none of these. `again` asks twice.
Result<SecretBytes> read_password(const Globals& globals, std::string_view prompt, bool again);
/// The whole file without one final line end; at most kMaxSecretFileBytes.
Result<SecretBytes> read_secret_file(const std::filesystem::path& file);
/// A line from the terminal; `echo` shows what is typed. kDenied without a terminal.
Result<SecretBytes> ask_terminal(const Globals& globals, std::string_view prompt, bool echo);
/// Asks y/n; true at once with --yes or when nobody is there to ask.
Result<bool> confirm(const Globals& globals, std::string_view question);
[[nodiscard]] bool can_ask(const Globals& globals);

/// Writes text on the terminal's alternate screen, waits for Enter, and clears it, so that it stays in no scrollback.
Status show_once(std::string_view text);

}  // namespace micro
