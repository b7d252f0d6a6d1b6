#include "wallet/keystore/keystore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/gen/temp_folder.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr KdfCost kCheap{.passes = 1, .memory_kib = 8};
constexpr std::string_view kPhrase = "test test test test test test test test test test test junk";

struct KeystoreTest : testing::Test {
  test::TempFolder folder;
  SystemRandom random;
  Keystore store = Keystore::open(folder / "keys").value();

  Result<WalletInfo> create(std::string_view name, std::string_view password = "open sesame") {
    return store.create(name, Mnemonic::parse(kPhrase).value(), "", password, kCheap, random);
  }
};

TEST_F(KeystoreTest, RoundTripsThePhraseAndTheKeys) {
  const auto made = create("alice");
  ASSERT_TRUE(made) << made.error().message;
  const auto open = store.unlock("alice", "open sesame");
  ASSERT_TRUE(open) << open.error().message;
  EXPECT_EQ(open->phrase()->text(), kPhrase);
  const auto key = open->key_of("main");
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->view()), "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
  EXPECT_EQ(address_of(key->public_key()), made->accounts[0].address());
  EXPECT_EQ(open->key_of("other").error().fault, Fault::kNotFound);
}

TEST_F(KeystoreTest, AWrongPasswordIsDenied) {
  ASSERT_TRUE(create("alice"));
  for (const auto* wrong : {"", "open sesam", "open sesame ", "Open sesame"}) {
    EXPECT_EQ(store.unlock("alice", wrong).error().fault, Fault::kDenied) << wrong;
  }
}

TEST_F(KeystoreTest, EveryFlippedBitOfTheFileFails) {
  ASSERT_TRUE(create("alice"));
  const auto path = folder / "keys/alice.wallet.json";
  const Bytes whole = read_file(path, kMaxKeystoreBytes).value();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const auto mask : {std::uint8_t{0x01}, std::uint8_t{0x20}}) {
      Bytes changed = whole;
      changed[at] ^= mask;
      const auto file = parse_keystore(as_text(changed));
      if (!file) continue;
      // A changed cost may ask for much memory; the derivation itself is tested elsewhere.
      if (file->header.cost.memory_kib > 64 || file->header.cost.passes > 4) continue;
      const auto key = derive_key("open sesame", file->header.salt, file->header.cost);
      EXPECT_FALSE(key && open_wallet(*file, *key)) << "byte " << at;
    }
  }
  ASSERT_TRUE(open_wallet(parse_keystore(as_text(whole)).value(),
                          derive_key("open sesame", parse_keystore(as_text(whole))->header.salt, kCheap).value()));
}

TEST_F(KeystoreTest, AnExchangedAddressIsSeenEvenWithoutThePassword) {
  ASSERT_TRUE(create("alice"));
  const auto path = folder / "keys/alice.wallet.json";
  std::string text(as_text(read_file(path, kMaxKeystoreBytes).value()));
  const std::size_t at = text.find("\"address\": \"") + 12;
  text[at] = text[at] == '0' ? '1' : '0';
  const auto file = parse_keystore(text);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().fault, Fault::kInvalid);
}

TEST_F(KeystoreTest, TheSecretIsNowhereInTheFolder) {
  ASSERT_TRUE(create("alice"));
  const auto entropy = to_bytes(Mnemonic::parse(kPhrase)->entropy());
  for (const auto& entry : std::filesystem::directory_iterator(folder / "keys")) {
    const Bytes bytes = read_file(entry.path(), kMaxKeystoreBytes).value();
    EXPECT_EQ(std::ranges::search(bytes, entropy).size(), 0U);
    EXPECT_EQ(std::string(as_text(bytes)).find(to_hex(entropy)), std::string::npos);
    struct stat info{};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << entry.path();
  }
}

TEST_F(KeystoreTest, HoldsSeveralWalletsAndRemembersTheCurrentAccount) {
  EXPECT_EQ(store.current().error().fault, Fault::kNotFound);
  ASSERT_TRUE(create("bob"));
  ASSERT_TRUE(create("alice"));
  EXPECT_EQ(create("alice").error().fault, Fault::kRejected);
  const auto wallets = store.list();
  ASSERT_TRUE(wallets);
  ASSERT_EQ(wallets->size(), 2U);
  EXPECT_EQ((*wallets)[0].name, "alice");
  EXPECT_EQ(store.current(), (CurrentAccount{"bob", "main"}));
  ASSERT_TRUE(store.add_account("alice", "savings", "open sesame", random));
  ASSERT_TRUE(store.use("alice", "savings"));
  EXPECT_EQ(store.current_account()->path.text(), "m/44'/60'/0'/0/1");
  EXPECT_EQ(store.use("alice", "none").error().fault, Fault::kNotFound);
  EXPECT_EQ(store.use("carol", {}).error().fault, Fault::kNotFound);
  EXPECT_EQ(Keystore::open(folder / "keys")->current(), (CurrentAccount{"alice", "savings"}));
}

TEST_F(KeystoreTest, AddingAnAccountNeedsThePasswordAndKeepsTheOthers) {
  ASSERT_TRUE(create("alice"));
  EXPECT_EQ(store.add_account("alice", "second", "wrong", random).error().fault, Fault::kDenied);
  const auto second = store.add_account("alice", "second", "open sesame", random);
  ASSERT_TRUE(second);
  EXPECT_EQ(store.add_account("alice", "second", "open sesame", random).error().fault, Fault::kRejected);
  const auto open = store.unlock("alice", "open sesame");
  ASSERT_TRUE(open);
  EXPECT_EQ(to_hex(open->key_of("second")->view()), "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
  EXPECT_TRUE(open->key_of("main"));
}

TEST_F(KeystoreTest, ChangingThePasswordChangesEverySealedByte) {
  ASSERT_TRUE(create("alice"));
  const Bytes before = read_file(folder / "keys/alice.wallet.json", kMaxKeystoreBytes).value();
  EXPECT_EQ(store.change_password("alice", "wrong", "new", kCheap, random).error().fault, Fault::kDenied);
  EXPECT_EQ(read_file(folder / "keys/alice.wallet.json", kMaxKeystoreBytes).value(), before);
  ASSERT_TRUE(store.change_password("alice", "open sesame", "new", kCheap, random));
  EXPECT_FALSE(store.unlock("alice", "open sesame"));
  EXPECT_EQ(store.unlock("alice", "new")->phrase()->text(), kPhrase);
}

TEST_F(KeystoreTest, RefusesBadNamesEmptyPasswordsAndOpenFiles) {
  for (const auto* name : {"", "A", "../x", "a/b", "-a", "a b", ".a", "a\n"}) {
    EXPECT_EQ(create(name).error().fault, Fault::kInvalid) << name;
  }
  EXPECT_EQ(create(std::string(33, 'a')).error().fault, Fault::kInvalid);
  EXPECT_EQ(create("alice", "").error().fault, Fault::kInvalid);
  ASSERT_TRUE(create("alice"));
  ::chmod((folder / "keys/alice.wallet.json").c_str(), 0644);
  const auto open = store.unlock("alice", "open sesame");
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().hint, testing::HasSubstr("chmod 600"));
}

TEST_F(KeystoreTest, RefusesAFileThatAsksForTooMuchMemory) {
  ASSERT_TRUE(create("alice"));
  std::string text(as_text(read_file(folder / "keys/alice.wallet.json", kMaxKeystoreBytes).value()));
  const std::string cost = "\"memory_kib\": 8";
  text.replace(text.find(cost), cost.size(), "\"memory_kib\": 4294967295");
  EXPECT_EQ(parse_keystore(text).error().fault, Fault::kLimit);
}

TEST_F(KeystoreTest, ThePassphraseIsPartOfTheWallet) {
  ASSERT_TRUE(store.create("alice", Mnemonic::parse(kPhrase).value(), "25th", "pw", kCheap, random));
  const auto open = store.unlock("alice", "pw");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->secret().passphrase(), "25th");
  EXPECT_NE(to_hex(open->key_of("main")->view()), "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
}

TEST(KeystoreFile, RefusesWhatIsNotOne) {
  for (const auto* text :
       {"", "{}", "[]", "null", "{\"format\":\"micro-keystore/2\"}", "{\"format\":\"micro-keystore/1\"}"}) {
    EXPECT_FALSE(parse_keystore(text)) << text;
  }
  EXPECT_FALSE(parse_keystore(std::string(200'000, '[')));
}

TEST(KeystoreFile, TheDefaultCostIsThatOfTheDesign) {
  EXPECT_EQ(KdfCost().passes, 3U);
  EXPECT_EQ(KdfCost().memory_kib, 256U * 1024U);
}

}  // namespace
}  // namespace micro
