#include "genesis/json/genesis_json.hpp"

#include "chain/base/checked_math.hpp"
#include "chain/governance/constitution.hpp"
#include "genesis/json/genesis_names.hpp"

namespace micro {

namespace {

/// The head of the file, in both forms.
struct TemplateDocument {
  std::uint8_t version = 1;
  Text<kMaxNetworkNameBytes> network;
  NetworkKind kind = NetworkKind::kDev;
  TimeMs time_ms;
  ChainParams params;
  MICRO_JSON(TemplateDocument, version, network, kind, time_ms, params)
};

struct GenesisDocument {
  ChainId chain_id;
  std::uint8_t version = 1;
  Text<kMaxNetworkNameBytes> network;
  NetworkKind kind = NetworkKind::kDev;
  TimeMs time_ms;
  ChainParams params;
  Hash engine;
  Blob<kMaxPolicyBytes> policy;
  List<GenesisAccount, kMaxGenesisAccounts> accounts;
  List<Validator, kMaxValidators> validators;
  MICRO_JSON(GenesisDocument, chain_id, version, network, kind, time_ms, params, engine, policy, accounts, validators)
};

std::unexpected<Error> bad(std::string message, std::string hint = {}) {
  return fail(Fault::kInvalid, "genesis: " + std::move(message), std::move(hint));
}

/// The bounds are the kernel's own: a file that is read here never fails them later.
Status check_params(const ChainParams& p, NetworkKind kind) {
  if (auto in_range = micro::check_params(p); !in_range) {
    return bad(std::move(in_range.error().message), std::move(in_range.error().hint));
  }
  if (p.allow_local_sources && kind != NetworkKind::kDev) {
    return bad("params.allow_local_sources is for development networks only", "set it to false, or kind to \"dev\"");
  }
  return {};
}

Status check_head(const Genesis& g) {
  if (g.version != 1) return bad("version is " + std::to_string(g.version) + "; this program reads version 1");
  if (g.network.empty()) return bad("network is empty");
  for (const char c : g.network) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
      return bad("network is \"" + g.network + "\"; a name has a to z, 0 to 9 and -");
    }
  }
  // Years 2020 to 2200: catches seconds or microseconds written by mistake.
  if (g.time.value < 1'577'836'800'000 || g.time.value > 7'258'118'400'000) {
    return bad("time_ms is " + g.time.text() + "; it is milliseconds since 1970");
  }
  return check_params(g.params, g.kind);
}

Status check_accounts(const Genesis& g) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < g.accounts.size(); ++i) {
    const std::string place = "accounts[" + std::to_string(i) + "]";
    if (i > 0 && !(g.accounts[i - 1].address < g.accounts[i].address)) {
      return bad(place + " is not above the address before it", "sort the accounts by address bytes, each once");
    }
    if (g.accounts[i].amount.is_zero()) return bad(place + ".amount is zero");
    const auto next = checked_add(sum, g.accounts[i].amount.micro);
    if (!next || *next > kMaxSupplyMicro) return bad("the accounts hold more tokens than can exist");
    sum = *next;
  }
  return {};
}

Status check_validators(const Genesis& g) {
  if (g.validators.members.empty()) return bad("validators is empty: nobody could seal a block");
  std::uint64_t sum = 0;
  const auto& members = g.validators.members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string place = "validators[" + std::to_string(i) + "]";
    if (i > 0 && !(members[i - 1].key < members[i].key)) return bad(place + " is not above the key before it");
    if (members[i].weight == 0) return bad(place + ".weight is zero");
    const auto next = checked_add(sum, members[i].weight);
    if (!next || *next > kMaxSupplyMicro) return bad("the validators' weights overflow");
    sum = *next;
  }
  return {};
}

std::unexpected<Error> in_genesis(Error error) {
  error.message = "genesis: " + error.message;
  return std::unexpected(std::move(error));
}

/// The address prefix depends on the network's kind, which stands in the same document.
Result<JsonContext> context_of(const Json& json) {
  JsonContext context;
  if (!json.is_object()) return bad("expected an object");
  const auto kind = json.find("kind");
  if (kind == json.end()) return bad("kind: is missing");
  if (auto read = read_json(context, *kind, context.kind); !read) return bad("kind: " + read.error().message);
  return context;
}

}  // namespace

Status check_genesis(const Genesis& g) {
  TRY(check_head(g));
  if (g.engine.is_zero()) return bad("engine is zero");
  static constexpr std::array<std::uint8_t, 4> kWasmMagic{0, 'a', 's', 'm'};
  if (g.policy.size() < 8 || !std::equal(kWasmMagic.begin(), kWasmMagic.end(), g.policy.begin())) {
    return bad("policy is not a wasm module");
  }
  if (g.policy.size() > kMaxPolicyBytes)
    return bad("policy is larger than " + std::to_string(kMaxPolicyBytes) + " bytes");
  TRY(check_accounts(g));
  return check_validators(g);
}

Result<Genesis> parse_genesis(std::string_view text) {
  auto json = parse_json(text);
  if (!json) return in_genesis(std::move(json).error());
  const JsonContext context = TRY(context_of(*json));
  auto document = from_json<GenesisDocument>(context, *json);
  if (!document) return in_genesis(std::move(document).error());
  Genesis g;
  g.version = document->version;
  g.network = std::move(document->network);
  g.kind = document->kind;
  g.time = document->time_ms;
  g.params = document->params;
  g.engine = document->engine;
  g.policy = std::move(document->policy);
  g.accounts = std::move(document->accounts);
  g.validators.members = std::move(document->validators);
  TRY(check_genesis(g));
  if (const ChainId made = chain_id(g); made != document->chain_id) {
    return fail(Fault::kMismatch,
                "genesis: the file says that its chain id is " + document->chain_id.brief() +
                    "…, but its content makes " + made.brief() + "…: somebody or something changed it",
                "get the file again from where the network publishes it");
  }
  return g;
}

std::string format_genesis(const Genesis& g) {
  GenesisDocument document;
  document.chain_id = chain_id(g);
  document.version = g.version;
  document.network = g.network;
  document.kind = g.kind;
  document.time_ms = g.time;
  document.params = g.params;
  document.engine = g.engine;
  document.policy = g.policy;
  document.accounts = g.accounts;
  document.validators = g.validators.members;
  return to_json(JsonContext{g.kind}, document).dump(2) + "\n";
}

Result<Genesis> parse_genesis_template(std::string_view text) {
  auto json = parse_json(text);
  if (!json) return in_genesis(std::move(json).error());
  auto document = from_json<TemplateDocument>(TRY(context_of(*json)), *json);
  if (!document) return in_genesis(std::move(document).error());
  Genesis g;
  g.version = document->version;
  g.network = std::move(document->network);
  g.kind = document->kind;
  g.time = document->time_ms;
  g.params = document->params;
  TRY(check_head(g));
  return g;
}

}  // namespace micro
