#include "wallet/keystore/session_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

Address some_address(std::uint8_t fill) {
  Address out;
  out.data.fill(fill);
  return out;
}
ServiceId some_service(std::uint8_t fill) {
  ServiceId out;
  out.data.fill(fill);
  return out;
}

SessionCaps sample_caps() {
  SessionCaps caps;
  caps.expires = Epoch(100);
  caps.per_call_cap = Amount(5'000);
  caps.window_cap = Amount(1'000'000);
  caps.window_epochs = 24;
  caps.services.push_back(some_service(1));
  return caps;
}

struct SessionStoreTest : testing::Test {
  test::TempFolder folder;
  SystemRandom random;
};

TEST_F(SessionStoreTest, KeepsKeysOverReopening) {
  Address key;
  {
    auto store = SessionStore::open(folder / "n", random);
    ASSERT_TRUE(store) << store.error().message;
    const auto made = store->create("gateway", some_address(9), sample_caps(), random);
    ASSERT_TRUE(made);
    key = made->address();
    EXPECT_EQ(made->grant().key, made->key);
    EXPECT_EQ(SessionStore::open(folder / "n", random).error().fault, Fault::kBusy);
  }
  auto store = SessionStore::open(folder / "n", random);
  ASSERT_TRUE(store);
  const auto found = store->find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->caps, sample_caps());
  EXPECT_EQ(found->owner, some_address(9));
  EXPECT_EQ(found->secret.public_key(), found->key);
  ASSERT_TRUE(store->forget(key, random));
  EXPECT_EQ(store->find(key).error().fault, Fault::kNotFound);
  EXPECT_EQ(store->forget(key, random).error().fault, Fault::kNotFound);
}

TEST_F(SessionStoreTest, AnyFlippedByteOfEitherFileFails) {
  {
    auto store = SessionStore::open(folder / "n", random);
    ASSERT_TRUE(store->create("gateway", some_address(9), sample_caps(), random));
  }
  for (const auto* name : {"n/sessions.sealed", "n/machine.key"}) {
    const Bytes whole = read_file(folder / name, 1u << 20).value();
    for (std::size_t at = 0; at < whole.size(); at += 7) {
      Bytes changed = whole;
      changed[at] ^= 1;
      ASSERT_TRUE(write_file_durably(folder / name, changed, IfPresent::kReplace));
      EXPECT_EQ(SessionStore::open(folder / "n", random).error().fault, Fault::kCorrupt) << name << " " << at;
    }
    ASSERT_TRUE(write_file_durably(folder / name, whole, IfPresent::kReplace));
  }
  EXPECT_TRUE(SessionStore::open(folder / "n", random));
}

TEST_F(SessionStoreTest, NeverMakesANewMachineKeyOverSealedKeys) {
  {
    auto store = SessionStore::open(folder / "n", random);
    ASSERT_TRUE(store->create("gateway", some_address(9), sample_caps(), random));
  }
  std::filesystem::remove(folder / "n/machine.key");
  EXPECT_EQ(SessionStore::open(folder / "n", random).error().fault, Fault::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(folder / "n/machine.key"));
}

TEST_F(SessionStoreTest, RefusesAMachineKeyThatOthersCanRead) {
  {
    ASSERT_TRUE(SessionStore::open(folder / "n", random));
  }
  ::chmod((folder / "n/machine.key").c_str(), 0644);
  EXPECT_EQ(SessionStore::open(folder / "n", random).error().fault, Fault::kDenied);
}

TEST_F(SessionStoreTest, AllowsOnlyWithinTheCaps) {
  auto store = SessionStore::open(folder / "n", random);
  const auto key = store->create("gateway", some_address(9), sample_caps(), random);
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->allows(some_service(1), Amount(5'000), Epoch(99)));
  EXPECT_EQ(key->allows(some_service(1), Amount(5'001), Epoch(99)).error().fault, Fault::kFunds);
  EXPECT_NE(key->allows(some_service(1), Amount(5'001), Epoch(99)).error().hint.find("--max-price"), std::string::npos);
  EXPECT_EQ(key->allows(some_service(2), Amount(1), Epoch(99)).error().fault, Fault::kDenied);
  EXPECT_EQ(key->allows(some_service(1), Amount(1), Epoch(100)).error().fault, Fault::kDenied);
  EXPECT_TRUE(store->choose(some_address(9), some_service(1), Amount(1), Epoch(1)));
  EXPECT_EQ(store->choose(some_address(8), some_service(1), Amount(1), Epoch(1)).error().fault, Fault::kDenied);
  EXPECT_EQ(store->choose({}, some_service(1), Amount(1), Epoch(1)).error().fault, Fault::kDenied)
      << "callers without a wallet need the owner's word";
  SessionCaps open_caps = sample_caps();
  open_caps.gateway_may_pay = true;
  ASSERT_TRUE(store->create("public", some_address(9), open_caps, random));
  EXPECT_EQ(store->choose({}, some_service(1), Amount(1), Epoch(1))->label, "public");
}

TEST_F(SessionStoreTest, EachChannelHasItsOwnVoucherKeyThatCanBeFoundAgain) {
  auto store = SessionStore::open(folder / "n", random);
  const auto a = store->create("a", some_address(9), sample_caps(), random);
  const auto b = store->create("b", some_address(9), sample_caps(), random);
  ASSERT_TRUE(a && b);
  ChainId chain;
  chain.data.fill(3);
  const auto key = [](const SecretKey& secret) { return secret.x_only_key(); };
  EXPECT_EQ(key(a->voucher_key(chain, Nonce(1))), key(store->find(a->address())->voucher_key(chain, Nonce(1))));
  EXPECT_NE(key(a->voucher_key(chain, Nonce(1))), key(a->voucher_key(chain, Nonce(2))));
  EXPECT_NE(key(a->voucher_key(chain, Nonce(1))), key(a->voucher_key(ChainId{}, Nonce(1))));
  EXPECT_NE(key(a->voucher_key(chain, Nonce(1))), key(b->voucher_key(chain, Nonce(1))));
  EXPECT_NE(key(a->voucher_key(chain, Nonce(1))), a->secret.x_only_key());
}

TEST_F(SessionStoreTest, TheSecretIsNotInTheFileInClear) {
  auto store = SessionStore::open(folder / "n", random);
  const auto key = store->create("gateway", some_address(9), sample_caps(), random);
  const Bytes file = read_file(folder / "n/sessions.sealed", 1u << 20).value();
  EXPECT_EQ(std::ranges::search(file, key->secret.view()).size(), 0U);
}

}  // namespace
}  // namespace micro
