#include "genesis/json/genesis_json.hpp"

#include <gtest/gtest.h>

#include "chain/base/random.hpp"
#include "chain/execution/execute.hpp"
#include "genesis/json/genesis_names.hpp"
#include "genesis/json/strict_json.hpp"

namespace micro {
namespace {

Genesis sample() {
  Genesis g = *parse_genesis_template(dev_genesis_template());
  g.engine.data.fill(1);
  g.policy = Blob<kMaxPolicyBytes>(Bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 9, 9});
  SeededRandom random(7);
  for (int i = 0; i < 3; ++i) g.accounts.push_back({random.draw<Address>(), Amount(1'000'000'000)});
  std::ranges::sort(g.accounts, {}, &GenesisAccount::address);
  g.validators.members.push_back({random.draw<Ed25519Key>(), 1});
  return g;
}

void expect_refused(const std::string& text, std::string_view what) {
  const auto read = parse_genesis(text);
  ASSERT_FALSE(read.has_value()) << what << "\n" << text;
  EXPECT_TRUE(read.error().message.starts_with("genesis: ")) << read.error().message;
  EXPECT_GT(read.error().message.size(), 12u) << read.error().message;
}

TEST(GenesisJson, ReadsBackWhatItWrites) {
  const Genesis g = sample();
  ASSERT_TRUE(check_genesis(g).has_value()) << check_genesis(g).error().message;
  const auto back = parse_genesis(format_genesis(g));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(chain_id(*back), chain_id(g));
  EXPECT_EQ(encode(*back), encode(g));
}

TEST(GenesisJson, TemplatesAreValid) {
  const auto dev = parse_genesis_template(dev_genesis_template());
  ASSERT_TRUE(dev.has_value()) << dev.error().message;
  EXPECT_EQ(dev->kind, NetworkKind::kDev);
  EXPECT_TRUE(dev->params.allow_local_sources);
  const auto test = parse_genesis_template(test_genesis_template());
  ASSERT_TRUE(test.has_value()) << test.error().message;
  EXPECT_EQ(test->kind, NetworkKind::kTest);
  EXPECT_FALSE(test->params.allow_local_sources);
  EXPECT_EQ(life_epochs(test->params), 720u);
}

TEST(GenesisJson, ATemplateIsNoGenesisAndAGenesisNoTemplate) {
  expect_refused(std::string(dev_genesis_template()), "a template");
  EXPECT_FALSE(parse_genesis_template(format_genesis(sample())).has_value());
}

// Every key removed, doubled, renamed, and given each wrong type: far more than 200 files, none of which may start.
TEST(GenesisJson, NoStructurallyDamagedFileStarts) {
  const Json good = *parse_json(format_genesis(sample()));
  int files = 0;
  const auto each_key = [&](const std::string& parent) {
    const Json& object = parent.empty() ? good : good.at(Json::json_pointer(parent));
    for (const auto& [key, value] : object.items()) {
      const auto damaged = [&](auto change) {
        Json bad = good;
        change(bad.at(Json::json_pointer(parent)), key);
        if (bad == good) return;
        expect_refused(bad.dump(), parent + "/" + key);
        ++files;
      };
      damaged([](Json& o, const std::string& k) { o.erase(k); });
      damaged([](Json& o, const std::string& k) { o[k + "_"] = o[k]; });
      for (const Json& wrong : {Json(nullptr), Json(true), Json(false), Json(-1), Json(0), Json("x"), Json(""),
                                Json(Json::array()), Json(Json::object()), Json("4294967296"), Json(4294967296)}) {
        damaged([&](Json& o, const std::string& k) { o[k] = wrong; });
      }
    }
  };
  for (const auto* parent : {"", "/params", "/accounts/0", "/accounts/2", "/validators/0"}) each_key(parent);
  EXPECT_GE(files, 200);
}

TEST(GenesisJson, NoTruncatedFileStarts) {
  const std::string good = format_genesis(sample());
  const std::string whole = good.substr(0, good.rfind('}') + 1);
  for (std::size_t size = 0; size < whole.size(); size += 7) expect_refused(whole.substr(0, size), "truncated");
}

TEST(GenesisJson, ADuplicatedKeyIsRefused) {
  const std::string good = format_genesis(sample());
  for (const std::string_view key :
       {"\"chain_id\"", "\"version\"", "\"epoch_ms\"", "\"min_bond\"", "\"amount\"", "\"weight\""}) {
    const std::size_t at = good.find(key);
    ASSERT_NE(at, std::string::npos) << key;
    std::size_t end = good.find('\n', at);
    std::string line = good.substr(at, end - at);
    if (!line.ends_with(',')) line += ',';
    expect_refused(std::string(good).insert(at, line + "\n"), key);
  }
}

// One changed character anywhere: refused, or the same genesis where only white space changed. Never another chain.
TEST(GenesisJson, NoFlippedCharacterStartsAnotherChain) {
  const Genesis g = sample();
  const std::string good = format_genesis(g);
  SeededRandom random(11);
  int refused = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::string bad = good;
    const std::size_t at = random.draw_u64() % bad.size();
    bad[at] = static_cast<char>(random.draw_u64() & 0x7f);
    if (bad == good) continue;
    const auto read = parse_genesis(bad);
    if (read) {
      EXPECT_EQ(chain_id(*read), chain_id(g)) << bad;
    } else {
      EXPECT_TRUE(read.error().message.starts_with("genesis: "));
      ++refused;
    }
  }
  EXPECT_GE(refused, 1'500);
}

TEST(GenesisJson, AnEditedValueIsNamedAsAMismatch) {
  Json json = *parse_json(format_genesis(sample()));
  json["accounts"][0]["amount"] = "1000000.000000";
  const auto read = parse_genesis(json.dump());
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().fault, Fault::kMismatch);
}

TEST(GenesisJson, RulesOfContent) {
  const auto refused = [](auto change, std::string_view part) {
    Genesis g = sample();
    change(g);
    const auto status = check_genesis(g);
    ASSERT_FALSE(status.has_value()) << part;
    EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
    expect_refused(format_genesis(g), part);
  };
  refused([](Genesis& g) { g.params.unbonding_epochs = 2 * g.params.dispute_epochs + g.params.drain_epochs; },
          "unbonding_epochs");
  refused([](Genesis& g) { g.params.burn_share_ppm = kPpm; }, "burn_share_ppm");
  refused([](Genesis& g) { g.params.burn_share_ppm = 10'000; }, "burn_share_ppm");  // φ must be above ρ₀
  refused([](Genesis& g) { g.params.max_block_bytes = 1'000; }, "max_block_bytes");
  refused([](Genesis& g) { g.params.bucket_epochs = 0; }, "bucket_epochs");
  refused([](Genesis& g) { g.params.fee_per_tx = g.params.fee_per_byte = Amount(0); }, "fee");
  refused([](Genesis& g) { g.accounts[0].amount = g.accounts[1].amount = Amount(kMaxSupplyMicro); }, "more tokens");
  refused([](Genesis& g) { std::swap(g.accounts[0], g.accounts[1]); }, "accounts[1] is not above");
  refused([](Genesis& g) { g.accounts[1] = g.accounts[0]; }, "accounts[1] is not above");
  refused([](Genesis& g) { g.accounts[2].amount = Amount(0); }, "accounts[2].amount is zero");
  refused([](Genesis& g) { g.validators.members.clear(); }, "validators is empty");
  refused([](Genesis& g) { g.validators.members.push_back(g.validators.members[0]); }, "validators[1]");
  refused([](Genesis& g) { g.policy[1] = 'b'; }, "not a wasm module");
  refused([](Genesis& g) { g.time = TimeMs(1'767'225'600); }, "milliseconds");
  refused([](Genesis& g) { g.network = Text<32>("Dev Net"); }, "network is");
  refused([](Genesis& g) { g.version = 2; }, "version is 2");
  Genesis test = sample();
  test.kind = NetworkKind::kTest;
  EXPECT_NE(check_genesis(test).error().message.find("allow_local_sources"), std::string::npos);
}

// Every number of the parameters at its extremes: what is read makes a state, and what makes none is refused here, with
// the parameter's name, and not when the node starts.
TEST(GenesisJson, WhatIsReadMakesAState) {
  const Json good = *parse_json(format_genesis(sample()));
  int read = 0, refused = 0;
  for (const auto& [key, value] : good["params"].items()) {
    if (value.is_boolean()) continue;
    for (const std::uint64_t number : {0ULL, 1ULL, 2ULL, 9'999ULL, 10'001ULL, 999'999ULL, 1'000'000ULL, 1'000'001ULL,
                                       86'400'000ULL, 604'800'001ULL, 4'294'967'295ULL}) {
      const bool is_amount = value.is_string() && value.get<std::string>().find('.') != std::string::npos;
      Json changed = good;
      changed["params"][key] = is_amount           ? Json(amount_text(Amount(number * 1'000'000)))
                               : value.is_string() ? Json(std::to_string(number))
                                                   : Json(number);
      Genesis g = sample();
      const auto params = from_json<ChainParams>(JsonContext{NetworkKind::kDev}, changed["params"]);
      ASSERT_TRUE(params.has_value()) << params.error().message;
      g.params = *params;
      const std::string text = format_genesis(g);
      const auto parsed = parse_genesis(text);
      const auto state = genesis_state(g);
      EXPECT_EQ(parsed.has_value(), state.has_value()) << key << " = " << number;
      if (!parsed) EXPECT_NE(parsed.error().message.find("params."), std::string::npos) << parsed.error().message;
      ++(parsed ? read : refused);
    }
  }
  EXPECT_GT(read, 40);
  EXPECT_GT(refused, 40);
}

}  // namespace
}  // namespace micro
