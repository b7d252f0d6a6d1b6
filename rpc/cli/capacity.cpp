#include "rpc/cli/capacity.hpp"

#include <charconv>

namespace micro {

namespace {

Result<std::uint32_t> whole(std::string_view text, std::string_view of) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return fail(Fault::kInvalid, "\"" + std::string(of) + "\" is not a quantity");
  }
  return value;
}

}  // namespace

Result<std::uint32_t> parse_cpu_milli(std::string_view text) {
  if (text.ends_with('m')) return whole(text.substr(0, text.size() - 1), text);
  const std::size_t dot = text.find('.');
  const std::uint64_t cores = TRY(whole(text.substr(0, dot), text));
  std::uint64_t milli = cores * 1'000;
  if (dot != std::string_view::npos) {
    std::string fraction(text.substr(dot + 1));
    if (fraction.empty() || fraction.size() > 3) {
      return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not a number of cores",
                  "write it like 2, 0.5 or 500m");
    }
    fraction.resize(3, '0');
    milli += TRY(whole(fraction, text));
  }
  if (milli > 1'000'000) return fail(Fault::kInvalid, "more than 1000 cores");
  return static_cast<std::uint32_t>(milli);
}

Result<std::uint32_t> parse_mib(std::string_view text) {
  std::string_view number = text;
  std::uint64_t factor = 1;
  for (const auto& [suffix, mib] : {std::pair{"GiB", 1'024}, {"MiB", 1}, {"G", 1'024}, {"M", 1}}) {
    if (!number.ends_with(suffix)) continue;
    number.remove_suffix(std::string_view(suffix).size());
    factor = static_cast<std::uint64_t>(mib);
    break;
  }
  const std::uint64_t mib = TRY(whole(number, text)) * factor;
  if (mib > std::numeric_limits<std::uint32_t>::max()) return fail(Fault::kInvalid, std::string(text) + " is too much");
  return static_cast<std::uint32_t>(mib);
}

std::string capacity_text(const Capacity& c) {
  std::string cpu = std::to_string(c.cpu_milli / 1'000);
  if (const std::uint32_t part = c.cpu_milli % 1'000; part != 0) {
    std::string digits = std::to_string(1'000 + part).substr(1);
    while (digits.back() == '0') digits.pop_back();
    cpu += "." + digits;
  }
  const auto size = [](std::uint32_t mib) {
    return mib % 1'024 == 0 && mib > 0 ? std::to_string(mib / 1'024) + "GiB" : std::to_string(mib) + "MiB";
  };
  std::string out = cpu + "cpu/" + size(c.memory_mib);
  if (c.disk_mib > 0) out += "/" + size(c.disk_mib) + " disk";
  return out;
}

}  // namespace micro
