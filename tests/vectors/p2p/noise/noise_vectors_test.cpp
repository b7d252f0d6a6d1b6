// The vectors of flynn/noise as Debian ships them (golang-github-flynn-noise-dev): handshakes and messages of the one
// suite that libp2p uses, with and without prologue and payloads.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "p2p/noise/handshake.hpp"

namespace micro::p2p {
namespace {

using Row = std::map<std::string, std::string>;

constexpr const char* kVectors = "/usr/share/gocode/src/github.com/flynn/noise/vectors.txt";

// Entries end with an empty line; the suites with a key that both sides share beforehand have other names or that key.
std::vector<Row> read_rows() {
  std::ifstream file(kVectors);
  std::vector<Row> rows;
  Row row;
  for (std::string line; std::getline(file, line);) {
    const auto at = line.find('=');
    if (at != std::string::npos) {
      row[line.substr(0, at)] = line.substr(at + 1);
      continue;
    }
    const Row whole = std::exchange(row, {});
    if (whole.contains("handshake") && whole.at("handshake") == "Noise_XX_25519_ChaChaPoly_SHA256" &&
        !whole.contains("preshared_key")) {
      rows.push_back(whole);
    }
  }
  return rows;
}

DhKeys keys(const std::string& hex) {
  return DhKeys::from_secret(Hash::parse(hex).value());
}

TEST(NoiseVectors, EveryMessageAsAnotherStackWritesIt) {
  const auto rows = read_rows();
  ASSERT_EQ(rows.size(), 4U) << "install golang-github-flynn-noise-dev: " << kVectors;
  for (const Row& row : rows) {
    const Bytes prologue = from_hex(row.contains("prologue") ? row.at("prologue") : "").value();
    NoiseHandshake sides[] = {
        {Role::kInitiator, keys(row.at("init_static")), keys(row.at("gen_init_ephemeral")), prologue},
        {Role::kResponder, keys(row.at("resp_static")), keys(row.at("gen_resp_ephemeral")), prologue}};
    for (unsigned n = 0; n < 3; ++n) {
      const std::string name = "msg_" + std::to_string(n);
      const Bytes payload = from_hex(row.at(name + "_payload")).value();
      Bytes message;
      ASSERT_TRUE(sides[n % 2].write(payload, message));
      EXPECT_EQ(to_hex(message), row.at(name + "_ciphertext"));
      EXPECT_EQ(sides[1 - n % 2].read(message).value(), payload);
    }
    EXPECT_EQ(sides[0].remote_static(), keys(row.at("resp_static")).public_key);
    EXPECT_EQ(sides[1].remote_static(), keys(row.at("init_static")).public_key);
    NoiseHandshake::Ciphers ciphers[] = {sides[0].split(), sides[1].split()};
    for (unsigned n = 3; n < 5; ++n) {
      const std::string name = "msg_" + std::to_string(n);
      const Bytes payload = from_hex(row.at(name + "_payload")).value();
      // Messages behind the handshake alternate, the initiator first.
      auto& from = ciphers[1 - n % 2];
      auto& to = ciphers[n % 2];
      Bytes message(payload.size() + kNoiseTagBytes);
      from.send.seal({}, payload, message.data());
      EXPECT_EQ(to_hex(message), row.at(name + "_ciphertext"));
      EXPECT_EQ(to_hex(to.receive.open({}, message).value()), to_hex(payload));
    }
  }
}

}  // namespace
}  // namespace micro::p2p
