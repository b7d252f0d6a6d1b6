#include "p2p/discovery/seeds.hpp"

#include <gtest/gtest.h>

#include "p2p/discovery/dns.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

std::string record(std::uint64_t peer, std::uint32_t group) {
  return "dnsaddr=" + test::address_in_group(group, 1).with_peer(test::peer(peer)).text();
}

using Zone = std::map<std::string, std::vector<std::string>>;

std::vector<SeedSearch::Found> search(const std::vector<std::string>& names, const Zone& zone) {
  SeedSearch out(names);
  std::size_t asked = 0;
  while (const auto name = out.next()) {
    EXPECT_LE(++asked, kMaxSeedNames);
    const auto found = zone.find(*name);
    if (found != zone.end()) out.on_texts(*name, found->second);
  }
  return out.found();
}

TEST(Seeds, AStaticPeerIsAnAddressWithAPeer) {
  const auto text = test::address_in_group(1, 2).with_peer(test::peer(3)).text();
  EXPECT_EQ(parse_peer_address(text).value(), (PeerAddress{test::peer(3), test::address_in_group(1, 2)}));
  EXPECT_EQ(parse_peer_address("/ip4/20.0.0.1/tcp/1").error().fault, Fault::kInvalid);
  EXPECT_EQ(parse_peer_address("/ip4/20.0.0.1/udp/1/p2p/" + test::peer(3).text()).error().fault, Fault::kInvalid);
}

TEST(Seeds, NamesAndTheNamesInThemAreFollowed) {
  const auto found =
      search({"seed.example", "/dnsaddr/other.example", "not a name, is it?"},
             {{"_dnsaddr.seed.example", {record(1, 1), "dnsaddr=/dnsaddr/deeper.example", "v=spf1 -all"}},
              {"_dnsaddr.deeper.example", {record(2, 2), record(1, 1)}},
              {"_dnsaddr.other.example", {record(3, 3)}}});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].at, (PeerAddress{test::peer(1), test::address_in_group(1, 1)}));
  EXPECT_EQ(found[0].teller.text(), "/dnsaddr/seed.example");
  EXPECT_EQ(found[1].at.peer, test::peer(3));
  EXPECT_EQ(found[2].at.peer, test::peer(2));
  EXPECT_EQ(found[2].teller.text(), "/dnsaddr/seed.example");
}

TEST(Seeds, OnlyThePeerThatWasAskedForIsTaken) {
  const auto found = search({"/dnsaddr/seed.example/p2p/" + test::peer(2).text()},
                            {{"_dnsaddr.seed.example", {record(1, 1), record(2, 2)}}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at.peer, test::peer(2));
}

TEST(Seeds, NamesThatNameEachOtherEnd) {
  Zone zone;
  for (int n = 0; n < 1'000; ++n) {
    zone["_dnsaddr.a" + std::to_string(n) + ".example"] = {"dnsaddr=/dnsaddr/a" + std::to_string(n + 1) + ".example",
                                                           "dnsaddr=/dnsaddr/a" + std::to_string(2 * n) + ".example",
                                                           record(static_cast<std::uint64_t>(n), 1)};
  }
  EXPECT_LE(search({"a0.example", "a500.example"}, zone).size(), 2 * 7U);
  Zone wide;
  for (int n = 0; n < 100; ++n)
    wide["_dnsaddr.a.example"].push_back("dnsaddr=/dnsaddr/b" + std::to_string(n) + ".example");
  EXPECT_TRUE(search({"a.example"}, wide).empty());
}

// --- DNS ---

// An answer to a question as a server would write it.
Bytes answer_to(const Bytes& question, const std::vector<std::vector<std::string>>& records, std::uint8_t result = 0) {
  Bytes out(question.begin(), question.end() - 11);  // without OPT
  out[2] = 0x81;
  out[3] = static_cast<std::uint8_t>(0x80 | result);
  out[7] = static_cast<std::uint8_t>(records.size());
  out[11] = 0;
  for (const auto& texts : records) {
    for (const std::uint8_t byte : Bytes{0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60}) out.push_back(byte);
    std::size_t size = 0;
    for (const std::string& text : texts) size += text.size() + 1;
    out.push_back(static_cast<std::uint8_t>(size >> 8));
    out.push_back(static_cast<std::uint8_t>(size));
    for (const std::string& text : texts) {
      out.push_back(static_cast<std::uint8_t>(text.size()));
      out.insert(out.end(), text.begin(), text.end());
    }
  }
  return out;
}

TEST(Dns, AnAnswerIsReadAndStringsOfARecordAreOne) {
  const Bytes question = txt_question(7, "_dnsaddr.seed.example").value();
  const Bytes answer = answer_to(question, {{"ab", "cd"}, {""}, {std::string(200, 'x')}});
  EXPECT_EQ(txt_answer(7, "_dnsaddr.SEED.example", answer).value(),
            (std::vector<std::string>{"abcd", "", std::string(200, 'x')}));
}

TEST(Dns, AnAnswerToSomethingElseIsNone) {
  const Bytes question = txt_question(7, "seed.example").value();
  EXPECT_EQ(txt_answer(8, "seed.example", answer_to(question, {{"a"}})).error().fault, Fault::kInvalid);
  EXPECT_EQ(txt_answer(7, "evil.example", answer_to(question, {{"a"}})).error().fault, Fault::kInvalid);
  EXPECT_EQ(txt_answer(7, "seed.example", question).error().fault, Fault::kInvalid);
  EXPECT_EQ(txt_answer(7, "seed.example", answer_to(question, {}, 3)).error().fault, Fault::kNotFound);
  EXPECT_EQ(txt_answer(7, "seed.example", answer_to(question, {}, 2)).error().fault, Fault::kUnreachable);
  Bytes cut = answer_to(question, {{"a"}});
  cut[2] |= 0x02;
  EXPECT_EQ(txt_answer(7, "seed.example", cut).error().fault, Fault::kLimit);
}

TEST(Dns, WhatIsNoNameIsNotAskedFor) {
  for (const std::string& name : {std::string(), std::string("a..b"), std::string(".a"), std::string(64, 'a'),
                                  std::string("."), std::string(300, 'a')}) {
    EXPECT_EQ(txt_question(1, name).error().fault, Fault::kInvalid) << name;
  }
  EXPECT_EQ(txt_question(1, "a.b.").value(), txt_question(1, "a.b").value());
}

}  // namespace
}  // namespace micro::p2p
