#include "p2p/discovery/seeds.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

constexpr std::string_view kPrefix = "_dnsaddr.";
constexpr std::string_view kRecord = "dnsaddr=";

std::optional<Multiaddr> as_name(std::string_view text) {
  const auto address = Multiaddr::parse(text.starts_with("/") ? std::string(text) : "/dnsaddr/" + std::string(text));
  if (!address) return std::nullopt;
  const auto parts = address->parts();
  return !parts.empty() && parts[0].code == AddrCode::kDnsaddr ? std::optional(*address) : std::nullopt;
}

std::optional<PeerId> peer_at_end(const std::vector<AddrPart>& parts) {
  if (parts.empty() || parts.back().code != AddrCode::kP2p) return std::nullopt;
  const auto peer = PeerId::from(parts.back().value);
  return peer ? std::optional(*peer) : std::nullopt;
}

}  // namespace

Result<PeerAddress> parse_peer_address(std::string_view text) {
  const Multiaddr address = TRY(Multiaddr::parse(text));
  const auto target = address.tcp_target();
  if (!target || !target->peer) {
    return fail(Fault::kInvalid, "not a peer's address: " + std::string(text), "as /ip4/192.0.2.1/tcp/4001/p2p/12D3…");
  }
  return PeerAddress{*target->peer, address.without_peer()};
}

SeedSearch::SeedSearch(const std::vector<std::string>& names) {
  for (const std::string& text : names) {
    const auto address = as_name(text);
    if (!address) continue;
    const auto parts = address->parts();
    ask({.name = std::string(kPrefix) + std::string(as_text(parts[0].value)),
         .depth = 0,
         .peer = peer_at_end(parts),
         .teller = address->without_peer()});
  }
}

void SeedSearch::ask(Question question) {
  const auto is_same = [&](const Question& other) { return other.name == question.name; };
  if (asked_.size() + waiting_.size() >= kMaxSeedNames || asked_.contains(question.name) ||
      std::ranges::any_of(waiting_, is_same)) {
    return;
  }
  waiting_.push_back(std::move(question));
}

std::optional<std::string> SeedSearch::next() {
  if (waiting_.empty()) return std::nullopt;
  Question question = std::move(waiting_.front());
  waiting_.pop_front();
  std::string name = question.name;
  asked_.insert_or_assign(name, std::move(question));
  return name;
}

void SeedSearch::on_texts(const std::string& name, const std::vector<std::string>& texts) {
  const auto at = asked_.find(name);
  if (at == asked_.end()) return;
  for (std::size_t n = 0; n < texts.size() && n < kMaxTxtRecords; ++n) take(at->second, texts[n]);
}

void SeedSearch::take(const Question& question, std::string_view text) {
  if (!text.starts_with(kRecord)) return;
  const auto address = Multiaddr::parse(text.substr(kRecord.size()));
  if (!address || address->empty()) return;
  const auto parts = address->parts();
  const auto peer = peer_at_end(parts);
  if (question.peer && peer && *peer != *question.peer) return;
  if (parts[0].code == AddrCode::kDnsaddr) {
    if (question.depth + 1 >= kMaxSeedDepth) return;
    return ask({.name = std::string(kPrefix) + std::string(as_text(parts[0].value)),
                .depth = question.depth + 1,
                .peer = peer ? peer : question.peer,
                .teller = question.teller});
  }
  if (!peer || !address->tcp_target() || found_.size() >= kMaxSeedAddresses) return;
  PeerAddress at{*peer, address->without_peer()};
  if (known_.insert(at).second) found_.push_back({.at = std::move(at), .teller = question.teller});
}

}  // namespace micro::p2p
