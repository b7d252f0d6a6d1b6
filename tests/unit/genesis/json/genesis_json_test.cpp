#include "genesis/json/genesis_json.hpp"

#include <gtest/gtest.h>

#include "chain/base/random.hpp"
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
  refused([](Genesis& g) { g.params.burn_share_ppm = kPpm + 1; }, "burn_share_ppm");
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

}  // namespace
}  // namespace micro
