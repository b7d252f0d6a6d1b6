#include "tests/netns/link_commands.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace micro::netns {
namespace {

using Nodes = std::vector<std::size_t>;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(at), text.size());
    if (size > 0) out.push_back(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return out;
}

Result<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxRuleValue) {
    return fail(Fault::kInvalid, "no number from 0 to 1,000,000,000: " + std::string(text));
  }
  return value;
}

Status set_rule(LinkRules& rules, std::string_view word) {
  const std::size_t sign = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, sign);
  const std::uint64_t value = TRY(number(word.substr(std::min(sign + 1, word.size()))));
  const auto share = [&](std::uint32_t& to) -> Status {
    if (value > kPpm) return fail(Fault::kInvalid, "a share above 1,000,000: " + std::string(word));
    to = static_cast<std::uint32_t>(value);
    return {};
  };
  if (name == "loss_ppm") return share(rules.loss_ppm);
  if (name == "reorder_ppm") return share(rules.reorder_ppm);
  const std::pair<std::string_view, std::uint64_t*> numbers[] = {
      {"delay_us", &rules.delay_us}, {"jitter_us", &rules.jitter_us},     {"reorder_us", &rules.reorder_us},
      {"rate_bps", &rules.rate_bps}, {"burst_bytes", &rules.burst_bytes}, {"queue_bytes", &rules.queue_bytes},
  };
  for (const auto& [known, to] : numbers) {
    if (known != name) continue;
    *to = value;
    return {};
  }
  return fail(Fault::kInvalid, "no such rule: " + std::string(word));
}

template <class Visit>
void each_link(const Nodes& from, const Nodes& to, Visit visit) {
  for (const std::size_t a : from) {
    for (const std::size_t b : to) {
      if (a != b) visit(a, b);
    }
  }
}

std::string described(const LinkCounts& counts) {
  const std::pair<const char*, std::uint64_t> all[] = {
      {"offered", counts.offered},     {"delivered", counts.delivered}, {"delivered_bytes", counts.delivered_bytes},
      {"lost", counts.lost},           {"blocked", counts.blocked},     {"overflow", counts.overflow},
      {"reordered", counts.reordered},
  };
  std::string out;
  for (const auto& [name, value] : all) {
    out += (out.empty() ? "{\"" : ",\"") + std::string(name) + "\":" + std::to_string(value);
  }
  return out + "}";
}

}  // namespace

Result<Nodes> parse_nodes(std::string_view text, std::size_t nodes) {
  std::set<std::size_t> found;
  if (text == "*")
    text = "";
  else if (text.empty())
    return fail(Fault::kInvalid, "no nodes");
  for (std::size_t n = 0; text.empty() && n < nodes; ++n) found.insert(n);
  for (const std::string_view part : split(text, ',')) {
    const std::size_t dash = std::min(part.find('-'), part.size());
    const std::uint64_t first = TRY(number(part.substr(0, dash)));
    const std::uint64_t last = dash == part.size() ? first : TRY(number(part.substr(dash + 1)));
    if (first > last || last >= nodes) return fail(Fault::kInvalid, "no such nodes: " + std::string(part));
    for (std::uint64_t n = first; n <= last; ++n) found.insert(static_cast<std::size_t>(n));
  }
  if (found.empty()) return fail(Fault::kInvalid, "no nodes");
  return Nodes(found.begin(), found.end());
}

Result<std::string> run_line(LinkModel& model, std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() < 3) return fail(Fault::kInvalid, "link|cut|mend|count FROM TO");
  const Nodes from = TRY(parse_nodes(words[1], model.nodes()));
  const Nodes to = TRY(parse_nodes(words[2], model.nodes()));
  const auto extra = std::span(words).subspan(3);
  if (words[0] == "link") {
    LinkRules rules;
    for (const std::string_view word : extra) TRY(set_rule(rules, word));
    each_link(from, to, [&](std::size_t a, std::size_t b) { model.set(a, b, rules); });
    return "ok";
  }
  if (!extra.empty()) return fail(Fault::kInvalid, "too many words");
  if (words[0] == "count") {
    LinkCounts sum;
    each_link(from, to, [&](std::size_t a, std::size_t b) { sum += model.counts(a, b); });
    return described(sum);
  }
  if (words[0] != "cut" && words[0] != "mend") return fail(Fault::kInvalid, "no such line: " + std::string(words[0]));
  each_link(from, to, [&](std::size_t a, std::size_t b) {
    LinkRules rules = model.rules(a, b);
    rules.blocked = words[0] == "cut";
    model.set(a, b, rules);
  });
  return "ok";
}

}  // namespace micro::netns
