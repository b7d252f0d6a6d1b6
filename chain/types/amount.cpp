#include "chain/types/amount.hpp"

namespace micro {

std::string amount_text(Amount amount) {
  std::string fraction = std::to_string(amount.micro % kMicroPerToken);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(amount.micro / kMicroPerToken) + "." + fraction;
}

Result<Amount> parse_amount(std::string_view text) {
  const auto bad = [&] {
    return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not an amount of tokens",
                "write it like 12.5, with at most six decimals");
  };
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
  if (whole.empty() || whole.size() > 13 || fraction.size() > 6) return bad();
  if (dot != std::string_view::npos && fraction.empty()) return bad();
  std::uint64_t micro = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9') return bad();
    micro = micro * 10 + static_cast<std::uint64_t>(c - '0');
  }
  for (std::size_t i = 0; i < 6; ++i) {
    const char c = i < fraction.size() ? fraction[i] : '0';
    if (c < '0' || c > '9') return bad();
    micro = micro * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (micro > kMaxSupplyMicro) return bad();
  return Amount(micro);
}

}  // namespace micro
