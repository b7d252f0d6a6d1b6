// A network's genesis as a file that people can read. What it says becomes canonical bytes (chain/types/genesis.hpp),
// whose hash names the chain.
#pragma once

#include <string>
#include <string_view>

#include "chain/types/genesis.hpp"

namespace micro {

/// Complete and consistent, or an error that names the place. The file carries the chain id of its own content
/// (`chain_id`), so a damaged or edited file never starts another chain: kMismatch.
Result<Genesis> parse_genesis(std::string_view json);
/// What parse_genesis reads, indented, with the chain id.
std::string format_genesis(const Genesis& genesis);

/// A genesis without the parts that only the maker of a network knows: `engine`, `policy`, `accounts`, `validators` and
/// `chain_id` must be absent. The caller fills them in and runs check_genesis.
Result<Genesis> parse_genesis_template(std::string_view json);
std::string_view dev_genesis_template();   ///< genesis/dev.json
std::string_view test_genesis_template();  ///< genesis/test.json

/// The rules that every genesis keeps, wherever it came from. kInvalid names the field.
Status check_genesis(const Genesis& genesis);

}  // namespace micro
