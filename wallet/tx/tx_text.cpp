#include "wallet/tx/tx_text.hpp"

#include <algorithm>

namespace micro {
namespace {

using Rows = std::vector<TextRow>;

std::string ppm_text(std::uint32_t ppm) {
  std::string fraction = std::to_string(ppm % 10'000);
  fraction.insert(0, 4 - fraction.size(), '0');
  return std::to_string(ppm / 10'000) + "." + fraction + " %";
}

struct Describe {
  NetworkKind kind;
  Rows& rows;

  void add(std::string label, std::string value) const { rows.push_back({std::move(label), std::move(value)}); }
  void address(const char* label, const Address& a) const { add(label, address_text(kind, a)); }
  void tokens(const char* label, Amount a) const { add(label, amount_text(a)); }
  template <class Id>
  void id(const char* label, const Id& value) const {
    add(label, value.hex());
  }

  void operator()(const Transfer& p) const {
    address("to", p.to);
    tokens("amount", p.amount);
    add("memo", printable(p.memo));
  }
  void operator()(const RefreshLot& p) const {
    add("lot",
        "ends with epoch " + p.expiry.text() + (p.cls == LotClass::kBase ? ", newcomer's allowance" : ", tokens"));
    tokens("amount", p.amount);
  }
  void operator()(const RegisterNode& p) const {
    id("node key", p.node_key);
    id("consensus key", p.consensus_key);
  }
  void operator()(const RotateNodeKey& p) const {
    id("node", p.node);
    id("node key", p.node_key);
    id("consensus key", p.consensus_key);
  }
  void operator()(const GrantSessionKey& p) const {
    address("session key", address_of(p.key));
    id("public key", p.key);
    add("ends", "with epoch " + p.expires.text());
    tokens("at most a call", p.per_call_cap);
    add("at most", amount_text(p.window_cap) + " in " + std::to_string(p.window_epochs) + " epochs");
    if (p.services.empty()) add("services", "any");
    for (const auto& service : p.services) id("service", service);
  }
  void operator()(const RevokeSessionKey& p) const { address("session key", p.key); }
  void operator()(const OfferResources& p) const {
    id("node", p.node);
    add("capacity", std::to_string(p.capacity.cpu_milli) + " mCPU, " + std::to_string(p.capacity.memory_mib) +
                        " MiB memory, " + std::to_string(p.capacity.disk_mib) + " MiB disk");
    tokens("bond", p.bond);
  }
  void operator()(const WithdrawOffer& p) const { id("offer", p.offer); }
  void operator()(const PublishService& p) const {
    add("name", printable(p.name));
    add("source", printable(p.repo_url));
    add("folder", printable(p.subdir));
    tokens("price a call", p.price);
    add("host's share", ppm_text(p.host_share_ppm));
    add("description", printable(p.description));
  }
  void operator()(const AnnounceVersion& p) const {
    id("service", p.service);
    id("commit", p.commit);
    add("commit time", std::to_string(p.commit_time_s) + " s since 1970");
    add("memory", std::to_string(p.memory_mib) + " MiB");
  }
  void operator()(const AttestBuild& p) const {
    id("version", p.version);
    id("node", p.node);
    id("plan", p.plan_hash);
    id("toolchain", p.toolchain_hash);
    id("wasm", p.wasm_hash);
    add("wasm size", std::to_string(p.wasm_bytes) + " bytes");
  }
  void operator()(const FundService& p) const {
    id("service", p.service);
    tokens("amount", p.amount);
  }
  void operator()(const UnfundService& p) const {
    id("service", p.service);
    add("amount", p.amount ? amount_text(*p.amount) : "all that is unspent then");
  }
  void operator()(const SetPrice& p) const {
    id("service", p.service);
    tokens("price a call", p.price);
    add("host's share", ppm_text(p.host_share_ppm));
  }
  void operator()(const OpenChannel& p) const {
    id("service", p.service);
    id("host", p.host);
    id("voucher key", p.vkey);
    tokens("deposit", p.deposit);
    add("ends", "with epoch " + p.end.text());
    add("lanes", std::to_string(p.lanes));
  }
  void operator()(const TopUpChannel& p) const {
    id("channel", p.channel);
    tokens("amount", p.amount);
  }
  void operator()(const Claim& p) const {
    id("channel", p.channel);
    for (const auto& lane : p.lanes) {
      add("lane " + std::to_string(lane.voucher.lane),
          amount_text(lane.cum_charged) + " after call " + std::to_string(lane.voucher.seq) + ", of which " +
              amount_text(lane.cum_base_fee) + " burn, promised " + amount_text(lane.voucher.cum));
    }
  }
  void operator()(const CoopClose& p) const {
    id("channel", p.channel);
    for (const auto& lane : p.totals) {
      add("lane " + std::to_string(lane.lane), amount_text(lane.cum_charged) + " after call " +
                                                   std::to_string(lane.seq) + ", of which " +
                                                   amount_text(lane.cum_base_fee) + " burn");
    }
    add("host's word holds", "until epoch " + p.valid_until.text());
  }
  void operator()(const RequestClose& p) const { id("channel", p.channel); }
  void operator()(const Finalize& p) const { id("channel", p.channel); }
  void operator()(const Dispute& p) const {
    id("channel", p.receipt.channel);
    add("receipt", "lane " + std::to_string(p.receipt.lane) + ", call " + std::to_string(p.receipt.seq) + ": " +
                       amount_text(p.receipt.cum_charged) + " in total, of which " +
                       amount_text(p.receipt.cum_base_fee) + " burn");
  }
  void operator()(const JoinCommittee& p) const {
    id("node", p.node);
    tokens("bond", p.bond);
  }
  void operator()(const LeaveCommittee& p) const { id("consensus key", p.key); }
  void operator()(const ConfirmReadiness& p) const {
    id("consensus key", p.key);
    add("holds the state", "with which epoch " + p.epoch.text() + " began, after block " + p.boundary.hex());
  }
  void operator()(const SubmitEvidence& p) const {
    id("consensus key", p.key);
    add("signed",
        "two statements that contradict each other, in view " + p.first.view.text() + " of epoch " + p.epoch.text());
    address("reward to", p.reward_to);
  }
};

bool reorders(std::uint32_t point) {
  return point == 0x061c || point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

std::vector<TextRow> describe_tx(NetworkKind kind, const TxBody& body) {
  Rows rows;
  rows.push_back({"transaction", std::string(tx_kind_name(body.payload.index()))});
  const Describe describe{kind, rows};
  std::visit(describe, body.payload);
  describe.address("from", body.sender);
  describe.tokens("fee at most", body.max_fee);
  describe.add("nonce", body.nonce.text());
  describe.add("valid until block", body.valid_until.text());
  describe.id("network", body.chain);
  std::erase_if(rows, [](const TextRow& row) { return row.value.empty(); });
  return rows;
}

std::string render_rows(const std::vector<TextRow>& rows) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.label.size());
  std::string out;
  for (const auto& row : rows) {
    out += row.label + std::string(width - row.label.size() + 2, ' ') + row.value + "\n";
  }
  return out;
}

std::string printable(std::string_view utf8) {
  if (!is_valid_utf8(utf8)) return "0x" + to_hex(as_bytes(utf8));
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<std::uint8_t>(utf8[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t point = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (std::size_t k = 1; k < size; ++k) point = point << 6 | (static_cast<std::uint8_t>(utf8[i + k]) & 0x3fU);
    const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
    if (control || reorders(point)) {
      out += "\\u{";
      for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[point >> shift & 15];
      out += "}";
    } else {
      out += utf8.substr(i, size);
    }
    i += size;
  }
  return out;
}

}  // namespace micro
