#pragma once

#include "chain/types/transaction.hpp"

namespace micro {

/// "2", "0.5" or "500m" cores.
Result<std::uint32_t> parse_cpu_milli(std::string_view text);
/// "512M", "4G" or "4GiB"; a bare number is MiB.
Result<std::uint32_t> parse_mib(std::string_view text);
/// "2cpu/4GiB", "0.5cpu/512MiB/20GiB disk"
std::string capacity_text(const Capacity& capacity);

}  // namespace micro
